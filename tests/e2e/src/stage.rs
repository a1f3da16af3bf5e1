//! What most builds need.

use std::sync::Arc;

use refkit_support::image::Image;
use refkit_support::{Auth, RealRegistry};

use crate::build::Build;
use crate::buildkitd::Buildkitd;
use crate::places::put;

/// A registry of its own, and the daemon that all tests share: a reference begins with the registry's port, so no test
/// meets another's images.
pub struct Stage {
    /// The registry, which also knows what it was asked.
    pub registry: RealRegistry,
    /// The daemon.
    pub buildkitd: Arc<Buildkitd>,
}

impl Stage {
    /// Returns a stage with a registry for everybody.
    ///
    /// # Errors
    /// Where the registry or the daemon do not start.
    pub fn new() -> anyhow::Result<Self> {
        Self::with(Auth::Anonymous)
    }

    /// Returns a stage with a registry for those who have this.
    ///
    /// # Errors
    /// As [`Stage::new`].
    pub fn with(auth: Auth<'_>) -> anyhow::Result<Self> {
        Ok(Self { registry: RealRegistry::distribution_v3(auth)?, buildkitd: Buildkitd::shared()? })
    }

    /// Puts an image into a repository as `1`, and returns the reference.
    ///
    /// # Errors
    /// Where the registry refuses it.
    pub fn put(&self, repository: &str, image: &Image) -> anyhow::Result<String> {
        put(&self.registry, repository, "1", image)
    }

    /// Puts a blob into a repository, and returns the reference, which is pinned.
    ///
    /// # Errors
    /// Where the registry refuses it.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> anyhow::Result<String> {
        Ok(format!("{}/{repository}@{}", self.registry.host(), self.registry.put_blob(repository, bytes)?))
    }

    /// Begins a build.
    pub fn build(&self) -> Build<'_> {
        Build::new(&self.buildkitd)
    }
}
