//! Content by way of a build: BuildKit resolves, and reads, with its own credentials, mirrors and caches.
//!
//! | question | what BuildKit is asked |
//! |---|---|
//! | a tag | `ResolveSourceMeta`, once for each platform, as a frontend would; then the root's bytes |
//! | a digest | both at once |
//! | a config that came with an answer | nothing |
//! | any other content | `Solve` of `docker-image+blob://REPOSITORY@DIGEST`, then `ReadFile` |
//! | tags, referrers | nothing: unsupported |
//!
//! Every byte is verified, as a registry's is. What one build has met is kept until the build ends.

mod blob;
mod converted;
mod locate;
mod meta;
mod place;
mod record;
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

/// Who answers, in errors and traces.
pub const HOST: &str = "BuildKit";

/// What a build's content is read with.
#[derive(Debug, Clone)]
pub struct Options {
    /// What every step's name in the build's progress begins with: `[refkit]`.
    pub prefix: String,
    /// How many bytes of content are kept for the build: 64 MiB, which is the indexes, manifests and configs of some
    /// thousand images. What does not fit any more is asked for again.
    pub keep: u64,
    /// How long one call of BuildKit may take. BuildKit itself has no such limit; a run has, and gives up by dropping
    /// its future.
    pub timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self { prefix: "[refkit]".to_owned(), keep: 64 << 20, timeout: None }
    }
}

/// The images that one build can reach. It lives as long as the build; a clone is another handle on the same record:
/// **one tag has one answer**, content that was read once is not asked for again, and equal questions at the same time
/// are asked once.
#[derive(Clone)]
pub struct BuildkitSource {
    inner: Arc<Inner>,
}

struct Inner {
    bridge: Bridge,
    options: Options,
    /// Set once BuildKit has said that it can do what is needed.
    checked: OnceCell<()>,
    record: Record,
    metadata: SingleFlight<MetaKey, Result<Metadata, ErrorKind>>,
    blobs: SingleFlight<BlobKey, Result<bytes::Bytes, ErrorKind>>,
}

impl BuildkitSource {
    /// Returns the images that a build reaches by a bridge. BuildKit's capabilities are asked for before the first
    /// question.
    pub fn new(bridge: Bridge, options: Options) -> Self {
        let record = Record::new(options.keep);
        let (checked, metadata, blobs) = (OnceCell::new(), SingleFlight::default(), SingleFlight::default());
        Self { inner: Arc::new(Inner { bridge, options, checked, record, metadata, blobs }) }
    }

    /// Returns the source for one wanted platform. `resolve_mode` is `default`, `pull` or `local`, as the frontend has
    /// it.
    pub fn for_platform(&self, platform: &Platform, resolve_mode: impl Into<Arc<str>>) -> PlatformSource {
        let named = Some(pb::Platform::from(platform));
        PlatformSource { named, ..self.for_own_platform(platform, resolve_mode) }
    }

    /// Returns the source for a build that names no platform: BuildKit is asked without one, so that it takes its own,
    /// as it does when it builds. `assumed` is what policies see as that platform.
    pub fn for_own_platform(&self, assumed: &Platform, resolve_mode: impl Into<Arc<str>>) -> PlatformSource {
        let (inner, assumed) = (Arc::clone(&self.inner), assumed.clone().normalized());
        PlatformSource { inner, assumed, named: None, resolve_mode: resolve_mode.into() }
    }

    /// Makes a layout that a session has known under a repository's name, such as `oci-layout/base`. `named` is what
    /// the build calls it, which BuildKit is asked by and records. Its images are resolved by digest only.
    pub fn layout(&self, repository: Repository, named: Repository, store: Store) {
        self.inner.record.layout(repository, named, store);
    }

    /// Returns the digest that a tag has for this build, once it was resolved.
    pub fn pinned(&self, reference: &Reference) -> Option<Digest> {
        self.inner.record.pinned(reference)
    }

    /// Returns what a tag named when BuildKit was asked for it once more, for another platform, where that was no longer
    /// what it is pinned to.
    pub fn moved(&self, reference: &Reference) -> Option<Digest> {
        self.inner.record.moved(reference)
    }

    /// Returns what BuildKit resolved instead of a reference, after that failed for this reason: it has a source policy
    /// of its own, and the policies have to be asked about the other reference.
    pub fn converted(&self, reference: &Reference) -> Option<Converted> {
        self.inner.record.converted(reference)
    }
}

impl std::fmt::Debug for BuildkitSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuildkitSource").field("options", &self.inner.options).finish_non_exhaustive()
    }
}
