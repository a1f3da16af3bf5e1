//! Copies a manifest or an index and the content that it refers to, from a source to a destination.

mod between;
mod blob;
mod cosign;
mod failure;
mod halt;
mod manifest;
mod options;
mod presence;
mod referrers;
mod walk;

use refkit_oci::{Descriptor, Reference};

pub use between::Between;
pub(crate) use cosign::is_cosign_tag;
pub use failure::{CopyError, Side};
pub use options::{Options, Referrers, Step};

use crate::{Push, Source};

/// Copies the content of a reference, byte for byte: indexes with all that they list (attestations too), manifests
/// with their configs and layers. The copy pushes children before their parents, moves the tag last, and requests each
/// content once. It does not follow a `subject`, copies referrers only with [`Options::referrers`], and leaves layers
/// that may not be distributed where their `urls` say, unless [`Options::nondistributable`] is set.
///
/// If the destination has a manifest or an index, by its digest or under the tag, the copy takes it for complete, as other
/// clients do: its content was pushed before it. A tag that names the root already is not written again. So a copy to
/// where everything is costs one request to the destination. Two indexes are incomplete all the same: one that was
/// copied sparsely to a registry which accepts that, and one of which a registry has deleted a manifest.
/// [`Options::thorough`] checks everything, and completes them. A layout is looked through in any case: its files are
/// read, and one whose bytes do not have its digest is replaced.
///
/// Within one registry, and between registries that one host serves, the copy mounts blobs; otherwise it opens a blob at
/// the source only once the destination reads it, and passes it on in pieces. If the destination breaks on the way, or
/// limits requests, and its upload cannot go on, the copy sends the blob again, at most twice. The first failure ends the
/// copy; uploads under way are cancelled.
///
/// ```
/// use refkit_content::{Memory, Push as _, Resolve as _, copy};
/// use refkit_oci::Reference;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (source, destination) = (Memory::new(), Memory::new());
/// let from = Reference::parse("registry.example/app:1.0")?;
/// let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
/// source.push_manifest(&from, "application/vnd.oci.image.index.v1+json", index.into()).await?;
///
/// let to = Reference::parse("mirror.example/app:1.0")?;
/// let copied = copy(&source, &from, &destination, &to).await?;
/// assert_eq!(destination.resolve(&to).await?.value.digest, copied.digest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`CopyError`] with the side that failed. A malformed manifest, indexes more than 8 deep, and more than 65536 manifests
/// and blobs are errors of the source, of kind [`ErrorKind::Malformed`](crate::ErrorKind::Malformed).
pub async fn copy<S>(
    source: &S,
    from: &Reference,
    destination: &(impl Push + ?Sized),
    to: &Reference,
) -> Result<Descriptor, CopyError>
where
    S: Source + Clone + 'static,
{
    Options::default().copy(source, from, destination, to).await
}
