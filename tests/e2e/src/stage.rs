//! The registry and the daemon of most builds.

use std::sync::Arc;

use refkit_support::image::Image;
use refkit_support::{Auth, RealRegistry};

use crate::build::Build;
use crate::buildkitd::Buildkitd;
use crate::places::put;

/// A registry of its own, and the daemon that all tests share. A reference begins with the registry's port, so tests
/// do not see each other's images.
pub struct Stage {
    /// The registry, which also records its requests.
    pub registry: RealRegistry,
    /// The daemon.
    pub buildkitd: Arc<Buildkitd>,
}

impl Stage {
    /// Returns a stage with an open registry.
    ///
    /// # Errors
    /// An error if the registry or the daemon does not start.
    pub fn new() -> anyhow::Result<Self> {
        Self::with(Auth::Anonymous)
    }

    /// Returns a stage with a registry that has access control.
    ///
    /// # Errors
    /// As [`Stage::new`].
    pub fn with(auth: Auth<'_>) -> anyhow::Result<Self> {
        Ok(Self { registry: RealRegistry::distribution_v3(auth)?, buildkitd: Buildkitd::shared()? })
    }

    /// Pushes an image to a repository as `1`, and returns the reference.
    ///
    /// # Errors
    /// An error if the registry refuses it.
    pub fn put(&self, repository: &str, image: &Image) -> anyhow::Result<String> {
        put(&self.registry, repository, "1", image)
    }

    /// Pushes a blob to a repository, and returns the pinned reference.
    ///
    /// # Errors
    /// An error if the registry refuses it.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> anyhow::Result<String> {
        Ok(format!("{}/{repository}@{}", self.registry.host(), self.registry.put_blob(repository, bytes)?))
    }

    /// Starts a build.
    pub fn build(&self) -> Build<'_> {
        Build::new(&self.buildkitd)
    }
}
