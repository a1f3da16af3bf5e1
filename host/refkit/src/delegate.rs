//! A transport that resolves by itself.

use async_trait::async_trait;
use bytes::Bytes;
use refkit_content::{Error, WithOrigin};
use refkit_oci::{Digest, Platform, Reference};

/// What a delegate resolves a reference to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegated {
    /// The digest of what the reference names.
    pub root: Digest,
    /// The config of the image that the delegate takes of it; none where it takes none.
    pub config: Option<Bytes>,
}

/// A transport that resolves images by itself, for one platform, and may not show the documents from which it does.
///
/// BuildKit is one: it builds with what it answers here, so its answer about a manifest's config is as good as the image.
/// The host does not verify the config against a manifest.
#[async_trait]
pub trait Delegate: Send + Sync {
    /// Returns the platform that the transport resolves for, normalised.
    fn platform(&self) -> Platform;

    /// Returns what the transport resolves a reference to. For a reference that names a manifest by its digest, the
    /// config is that manifest's, whatever the platform.
    ///
    /// # Errors
    /// The transport's own error, where it does not resolve the reference.
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Delegated>, Error>;
}
