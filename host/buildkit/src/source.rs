//! The content source of a build: BuildKit resolves and reads, with its own credentials, mirrors and caches.
//!
//! | wanted | calls of BuildKit |
//! |---|---|
//! | the root of a tag | `ResolveSourceMeta`, once for each platform, as a frontend calls it; then the calls for content |
//! | the root of a digest | the same calls, at the same time |
//! | the config of a response | none: the source keeps it |
//! | other content | `Solve` of `docker-image+blob://REPOSITORY@DIGEST`, then `ReadFile` |
//! | tags, referrers | none: BuildKit does not list them |
//!
//! The source verifies every byte, as the registry client does, and keeps what it has read until the build ends.

mod blob;
mod converted;
mod locate;
mod meta;
mod record;
mod repository;
mod view;

use std::sync::Arc;
use std::time::Duration;

use refkit_content::ErrorKind;
use refkit_content::single_flight::SingleFlight;
use refkit_oci::{Digest, Platform, Reference, Repository};
use tokio::sync::OnceCell;

use crate::definition::Store;
use crate::{Bridge, pb};
use blob::BlobKey;
use meta::MetaKey;
use record::Record;

pub use converted::Converted;
pub use meta::Metadata;
pub use view::PlatformSource;

/// The name of the host in errors and traces.
pub const HOST: &str = "BuildKit";

/// The options of a [`BuildkitSource`].
#[derive(Debug, Clone)]
pub struct Options {
    /// The prefix of the steps' names in the progress of the build. The default is `[refkit]`.
    pub prefix: String,
    /// The most bytes of content that the source keeps. The default is 64 MiB, enough for the indexes, manifests and
    /// configs of some thousand images. The source asks BuildKit again for content beyond that.
    pub keep: u64,
    /// The timeout of one call. By default there is none: BuildKit has none either, and a run of policies has its own.
    pub timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self { prefix: "[refkit]".to_owned(), keep: 64 << 20, timeout: None }
    }
}

/// The images that one build can reach. Clones share the record, which lasts as long as the build:
/// **a tag keeps its first digest**, the source asks BuildKit once for each content, and equal requests at the same time
/// share one call.
#[derive(Clone)]
pub struct BuildkitSource {
    inner: Arc<Inner>,
}

struct Inner {
    bridge: Bridge,
    options: Options,
    /// Set once BuildKit has shown that it has the needed capabilities.
    checked: OnceCell<()>,
    record: Record,
    metadata: SingleFlight<MetaKey, Result<Metadata, ErrorKind>>,
    blobs: SingleFlight<BlobKey, Result<bytes::Bytes, ErrorKind>>,
}

impl BuildkitSource {
    /// Returns the source of a build. It checks BuildKit's capabilities before the first other call.
    pub fn new(bridge: Bridge, options: Options) -> Self {
        let record = Record::new(options.keep);
        let (checked, metadata, blobs) = (OnceCell::new(), SingleFlight::default(), SingleFlight::default());
        Self { inner: Arc::new(Inner { bridge, options, checked, record, metadata, blobs }) }
    }

    /// Returns the source for one wanted platform. `resolve_mode` is that of the frontend's request: `default`, `pull` or
    /// `local`.
    pub fn for_platform(&self, platform: &Platform, resolve_mode: impl Into<Arc<str>>) -> PlatformSource {
        let named = Some(pb::Platform::from(platform));
        PlatformSource { named, ..self.for_own_platform(platform, resolve_mode) }
    }

    /// Returns the source for a request without a platform. Its calls have no platform either, so that BuildKit takes its
    /// own, as it does when it builds. `assumed` is the platform that policies see.
    pub fn for_own_platform(&self, assumed: &Platform, resolve_mode: impl Into<Arc<str>>) -> PlatformSource {
        let (inner, assumed) = (Arc::clone(&self.inner), assumed.clone().normalized());
        PlatformSource { inner, assumed, named: None, resolve_mode: resolve_mode.into() }
    }

    /// Registers a session's layout under a repository, such as `oci-layout/base`. `named` is the repository in the build,
    /// which the calls use and BuildKit records. BuildKit resolves the images of a layout by digest only.
    pub fn layout(&self, repository: Repository, named: Repository, store: Store) {
        self.inner.record.layout(repository, named, store);
    }

    /// Returns the digest that a tag keeps for this build, once BuildKit has resolved it.
    pub fn pinned(&self, reference: &Reference) -> Option<Digest> {
        self.inner.record.pinned(reference)
    }

    /// Returns the digest to which a tag moved during the build. BuildKit resolves a tag once more for each platform.
    pub fn moved(&self, reference: &Reference) -> Option<Digest> {
        self.inner.record.moved(reference)
    }

    /// Returns the source into which a source policy of the build's options converts a reference, after resolving the
    /// reference has failed for that reason. RefKit's policies have to decide about the other source.
    pub fn converted(&self, reference: &Reference) -> Option<Converted> {
        self.inner.record.converted(reference)
    }
}

impl std::fmt::Debug for BuildkitSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuildkitSource").field("options", &self.inner.options).finish_non_exhaustive()
    }
}
