//! The traits: one or two methods each, composed by name.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future;
use futures_util::stream::{self, BoxStream};
use refkit_oci::{Content, Descriptor, Digest, Reference, Repository};

use crate::Error;
use crate::Timestamp;

/// The host or the store that a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A host on the network, as `host[:port]`.
    Host(Arc<str>),
    /// A cache.
    Cache,
    /// A cache, for a value that may have changed since the registry returned it, at that time. The registry has not
    /// confirmed it.
    Seen(SystemTime),
    /// An image layout.
    Layout(Arc<PathBuf>),
    /// The `data` field of the descriptor.
    Inline,
    /// A store in this process's memory.
    Memory,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Cache => f.write_str("cache"),
            Self::Seen(at) => write!(f, "cache (seen {})", Timestamp(*at)),
            Self::Layout(path) => path.display().fmt(f),
            Self::Inline => f.write_str("inline data"),
            Self::Memory => f.write_str("memory"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithOrigin<T> {
    /// The value.
    pub value: T,
    /// The host or the store that returned it.
    pub origin: Origin,
}

/// Bytes that are **not yet verified**: the functions of [`crate::verify`] read them safely.
pub struct Body {
    /// The host or the store that sends them.
    pub origin: Origin,
    /// The bytes in pieces.
    pub stream: BoxStream<'static, Result<Bytes, Error>>,
}

impl Body {
    /// Returns a body of bytes in memory.
    pub fn from_bytes(origin: Origin, bytes: Bytes) -> Self {
        Self { origin, stream: Box::pin(stream::once(future::ready(Ok(bytes)))) }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Resolves references.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Returns the descriptor of the manifest or index that the reference names now (one HEAD at a registry). A digest
    /// in the reference decides.
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error>;

    /// Returns the manifest or index itself, verified (one GET at a registry, without a HEAD before it).
    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error>;
}

/// Reads content by descriptor.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Opens the content of a manifest, index, config or blob, unverified. Use [`crate::fetch`] for bytes.
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error>;
}

/// Lists the tags and referrers of a repository.
#[async_trait]
pub trait Discover: Send + Sync {
    /// Returns all tags of the repository, in the registry's order.
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error>;

    /// Returns the manifests whose `subject` is the given digest, all or those of one artifact type. The list is empty
    /// if there is none, or if the registry has no referrers API.
    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error>;
}

/// Names the principal of a source: the identity of its requests.
///
/// Most registries return most of their content without credentials, and send a challenge if they want some. So there
/// are two principals: the one with the credentials, whose lookup may take time, and the one without.
#[async_trait]
pub trait Principal: Send + Sync {
    /// Returns the principal of requests for this repository: a hash that is equal for equal credentials, and
    /// different for different ones. It is derived from secrets: store it only salted.
    ///
    /// # Errors
    /// If the credentials cannot be looked up, as when a credential helper fails.
    async fn principal(&self, repository: &Repository) -> Result<[u8; 32], Error>;

    /// Returns the principal of a request for this repository without credentials, and looks none up. It equals
    /// [`principal`](Self::principal) if there are no credentials. `None` for a source that never sends such a
    /// request.
    async fn anonymous(&self, _repository: &Repository) -> Option<[u8; 32]> {
        None
    }

    /// Returns whether the source has sent no credentials with any request so far that may have been for this
    /// repository. Then its responses about the repository are those for any client.
    fn is_anonymous(&self, _repository: &Repository) -> bool {
        false
    }
}

/// A source that resolves, fetches and lists.
pub trait Source: Resolve + Fetch + Discover {}

impl<T: Resolve + Fetch + Discover + ?Sized> Source for T {}

/// Writes content.
#[async_trait]
pub trait Push: Send + Sync {
    /// Returns whether the destination has a manifest or a blob, by its digest, so that the caller need not fetch it
    /// first; `false` if that is unknown.
    async fn has(&self, _repository: &Repository, _descriptor: &Descriptor) -> Result<bool, Error> {
        Ok(false)
    }

    /// Returns the digest that the tag of a reference names at the destination now; `None` if there is no such tag, or if
    /// that is unknown. The host that receives writes answers, and no mirror.
    async fn tagged(&self, _reference: &Reference) -> Result<Option<Digest>, Error> {
        Ok(None)
    }

    /// Mounts a blob of another repository of the same registry, without sending it. Returns whether the repository
    /// has it now: `false` if the repositories have no registry in common, if the blob is absent, or if the registry
    /// refuses; the caller then pushes the blob. Two registries that one host serves are the same. If the destination
    /// knows that it cannot mount, it sends no request.
    ///
    /// # Errors
    /// An error if there is no response, or one that contradicts the request.
    async fn mount(&self, _repository: &Repository, _blob: &Descriptor, _from: &Repository) -> Result<bool, Error> {
        Ok(false)
    }

    /// Pushes a blob, unless the destination has it. The push verifies the body: one that contradicts the descriptor
    /// leaves nothing behind.
    ///
    /// # Errors
    /// The error of the body, unchanged, if the body breaks or contradicts the descriptor; then its operation is
    /// [`Operation::Fetch`](crate::Operation::Fetch). Otherwise an error of another operation.
    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error>;

    /// Pushes a manifest or an index, byte for byte, under the destination's tag, or under its digest alone if there
    /// is no tag. Returns its descriptor. The bytes must match a digest in the destination.
    async fn push_manifest(&self, destination: &Reference, media_type: &str, bytes: Bytes)
    -> Result<Descriptor, Error>;

    /// Pushes a referrer as [`push_manifest`](Self::push_manifest) does, and may leave the list of the subject's referrers
    /// to [`complete_referrers`](Self::complete_referrers): a registry without the referrers API has that list under a tag,
    /// and each change writes it whole.
    async fn push_referrer(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        self.push_manifest(destination, media_type, bytes).await
    }

    /// Completes the list of a subject's referrers, where the clients keep one: with those that
    /// [`push_referrer`](Self::push_referrer) has pushed, and with `present`, which the destination had. Another client may
    /// have pushed one of these and stopped before the list had it.
    async fn complete_referrers(
        &self,
        _repository: &Repository,
        _subject: &Digest,
        _present: &[Descriptor],
    ) -> Result<(), Error> {
        Ok(())
    }
}
