//! Copying: a manifest or an index and all that it refers to, from a source to where it is pushed.

mod blob;
mod halt;
mod options;
mod referrers;
mod walk;

use refkit_oci::{Descriptor, Reference, Repository};

pub use options::{Options, Referrers, Step};

use crate::{Error, Origin, Push, Source};
use walk::Copying;

/// Copies what the reference names, byte for byte: indexes with all they list (attestations too), manifests with their
/// configs and layers. Children are pushed before what refers to them, the tag moves last, and content that was met
/// once is not asked for again. A `subject` is not followed, referrers stay behind ([`Options::referrers`] brings
/// them), and layers that may not be distributed stay where their `urls` say.
///
/// A manifest that the destination has by its digest is taken for whole: registries check a manifest's blobs when it
/// comes, and keep what a manifest refers to. An index is no such proof, as some registries take an index without all
/// that it lists; its manifests are asked for one by one. [`Options::thorough`] looks after everything.
///
/// Within one registry blobs are mounted; else a blob is opened at the source only once the destination wants it, and
/// goes through in pieces. Where the destination breaks on the way, or limits requests, the blob is sent again, at
/// most twice. What fails ends the copy; what is under way then is given up, so that no upload stays behind.
///
/// # Errors
/// What the source or the destination says; [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) for a manifest that is
/// none, for indexes more than 8 deep and for more than 65536 manifests and blobs.
pub async fn copy<S>(
    source: &S,
    from: &Reference,
    destination: &(impl Push + ?Sized),
    to: &Reference,
) -> Result<Descriptor, Error>
where
    S: Source + Clone + 'static,
{
    Options::default().copy(source, from, destination, to).await
}

/// Copies blobs of one repository, a few at once. Those that the destination has are not asked for at the source, and
/// layers that may not be distributed stay where their `urls` say. `origin` is who is named where the source fails.
///
/// # Errors
/// What the source or the destination says.
pub async fn blobs<S>(
    (source, from, origin): (&S, &Repository, &Origin),
    (destination, to): (&(impl Push + ?Sized), &Repository),
    blobs: impl IntoIterator<Item = &Descriptor>,
) -> Result<(), Error>
where
    S: Source + Clone + 'static,
{
    let options = Options::default();
    let copying = Copying::new(&options, (source, from, origin), (destination, to));
    let copied = copying.blobs(blobs.into_iter().cloned().collect()).await;
    copying.halt.outcome(copied)
}
