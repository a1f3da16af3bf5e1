//! Copying: a manifest or an index and all that it refers to, from a source to where it is pushed.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use crate::links::{self, Links};
use crate::verify::{self, MANIFEST_LIMIT};
use crate::{Body, Error, Operation, Origin, Problem, Push, Source};

/// How many indexes may lie within each other. Two are in use (an index of indexes); the rest is room.
const DEPTH_LIMIT: usize = 8;

/// How many manifests and blobs one copy may meet, each counted once: several times what an index of 4 MiB that
/// describes real images lists, and a few MiB of digests to remember.
const COUNT_LIMIT: usize = 64 << 10;

/// How many blobs of one manifest are under way at once.
const BLOBS_AT_ONCE: usize = 4;

/// Copies what the reference names, byte for byte: indexes with all they list (attestations too), manifests with their
/// configs and layers. Children are pushed before what refers to them, and content that was met once is not asked for
/// again. A `subject` is not followed, and layers that may not be distributed stay where their `urls` say. A blob is
/// opened at the source only once the destination wants it.
///
/// # Errors
/// What the source or the destination says; [`Problem::Malformed`] for a manifest that is none, for indexes more than
/// 8 deep and for more than 65536 manifests and blobs.
pub async fn copy<S>(
    source: &S,
    from: &Reference,
    destination: &(impl Push + ?Sized),
    to: &Reference,
) -> Result<Descriptor, Error>
where
    S: Source + Clone + 'static,
{
    let root = source.pull(from).await?;
    let content = root.value;
    if let Some(wanted) = to.digest() {
        verify::check_digest(wanted, &content.bytes).map_err(|p| Error::new(Operation::Push, to, p))?;
    }
    let mut copying =
        Copying { source, from: from.repository(), destination, to, origin: root.origin, met: HashSet::new() };
    copying.met.insert(content.descriptor.digest.clone());
    copying.below(&content.descriptor, &content.bytes, 0).await?;
    destination.push_manifest(to, &content.descriptor.media_type, content.bytes).await
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
    let blobs = blobs.into_iter().filter(|blob| !links::stays_elsewhere(blob));
    let pushes: Vec<_> = blobs.map(|blob| destination.push_blob(to, blob, body(source, from, origin, blob))).collect();
    stream::iter(pushes).buffer_unordered(BLOBS_AT_ONCE).try_collect().await
}

/// Returns the body of a blob, which is opened when it is read.
fn body<S: Source + Clone + 'static>(source: &S, from: &Repository, origin: &Origin, blob: &Descriptor) -> Body {
    match blob.inline() {
        Some(data) if verify::check(blob, &data).is_ok() => Body::from_bytes(Origin::Inline, Bytes::from(data)),
        _ => {
            let (source, repository, wanted) = (source.clone(), from.clone(), blob.clone());
            // The destination polls the body only if it does not have the blob yet: no request before that.
            let opened = async move { source.open(&repository, &wanted).await.map(|body| body.stream) };
            Body { origin: origin.clone(), stream: opened.try_flatten_stream().boxed() }
        }
    }
}

struct Copying<'a, S, D: ?Sized> {
    source: &'a S,
    from: &'a Repository,
    destination: &'a D,
    to: &'a Reference,
    origin: Origin,
    met: HashSet<Digest>,
}

impl<S: Source + Clone + 'static, D: Push + ?Sized> Copying<'_, S, D> {
    /// Copies what a manifest or an index refers to.
    fn below<'f>(
        &'f mut self,
        descriptor: &'f Descriptor,
        bytes: &'f Bytes,
        depth: usize,
    ) -> BoxFuture<'f, Result<(), Error>> {
        async move {
            let links = Links::read(&descriptor.media_type, bytes).map_err(|p| self.fail(&descriptor.digest, p))?;
            let new: Vec<_> = links.blobs.iter().filter(|blob| self.met.insert(blob.digest.clone())).collect();
            let to = (self.destination, self.to.repository());
            blobs((self.source, self.from, &self.origin), to, new).await?;
            for child in &links.manifests {
                self.child(child, depth + 1).await?;
            }
            Ok(())
        }
        .boxed()
    }

    async fn child(&mut self, child: &Descriptor, depth: usize) -> Result<(), Error> {
        let too_many = |what: String| self.fail(&child.digest, Problem::Malformed(what));
        if depth > DEPTH_LIMIT {
            return Err(too_many(format!("the indexes lie more than {DEPTH_LIMIT} deep within each other")));
        }
        if self.met.len() >= COUNT_LIMIT {
            return Err(too_many(format!("there are more than {COUNT_LIMIT} manifests and blobs")));
        }
        if !self.met.insert(child.digest.clone()) {
            return Ok(());
        }
        let bytes = verify::fetch(self.source, self.from, child, MANIFEST_LIMIT).await?.value;
        self.below(child, &bytes, depth).await?;
        let to = links::pinned(self.to.repository(), &child.digest);
        self.destination.push_manifest(&to, &child.media_type, bytes).await.map(|_| ())
    }

    fn fail(&self, digest: &Digest, problem: Problem) -> Error {
        Error::new(Operation::Fetch, format_args!("{}@{digest}", self.from), problem).at(&self.origin)
    }
}
