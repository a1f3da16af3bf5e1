//! The walk through indexes and manifests.

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, StreamExt as _};
use parking_lot::Mutex;
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use tokio::sync::{OnceCell, Semaphore};

use super::cosign;
use super::failure::CopyError;
use super::halt::{Halt, Halted};
use super::manifest::Listed;
use super::options::{Options, Step};
use super::presence::Presence;
use crate::links::{self, Links};
use crate::once::OnceMap;
use crate::verify::{self, MANIFEST_LIMIT};
use crate::{Content, Error, ErrorKind, Operation, Origin, Push, Source};

/// How deep indexes may be nested, and referrers may refer to referrers. Two levels are in use (an index of indexes, a
/// signature of an SBOM); the rest is reserve.
pub(super) const DEPTH_LIMIT: usize = 8;

/// How many manifests and blobs one copy may contain, each counted once: several times what an index of 4 MiB lists
/// for real images, and a few MiB of digests to remember.
const COUNT_LIMIT: usize = 64 << 10;

/// How many manifests of one index are under way at once, in memory of at most 4 MiB each.
pub(super) const MANIFESTS_AT_ONCE: usize = 4;

/// What one copy of a digest comprises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    /// A blob.
    Blob,
    /// A manifest or an index with all that it refers to.
    Whole,
    /// All that a manifest or an index refers to, and not itself.
    Below,
}

type Key = (Part, Digest);

type Copied<'f> = BoxFuture<'f, Result<(), Halted>>;

/// The state of a copy.
pub(super) struct Copying<'a, S, D: ?Sized> {
    pub(super) options: &'a Options,
    pub(super) source: &'a S,
    pub(super) from: &'a Repository,
    pub(super) origin: &'a Origin,
    pub(super) destination: &'a D,
    pub(super) to: &'a Repository,
    pub(super) halt: Halt,
    /// The permits of the blobs under way.
    pub(super) permits: Semaphore,
    /// Whether the destination mounts blobs of the source; none until that is known.
    pub(super) mounts: tokio::sync::Mutex<Option<bool>>,
    pub(super) presence: Presence,
    met: OnceMap<Key, ()>,
    /// The manifests and indexes whose referrers are not yet listed, in the order of their copy.
    pub(super) subjects: Mutex<Vec<Digest>>,
    pub(super) cosign_tags: OnceCell<cosign::Listed>,
}

impl<'a, S: Source + Clone + 'static, D: Push + ?Sized> Copying<'a, S, D> {
    pub(super) fn new(
        options: &'a Options,
        (source, from, origin): (&'a S, &'a Repository, &'a Origin),
        (destination, to): (&'a D, &'a Repository),
    ) -> Self {
        Self {
            options,
            source,
            from,
            origin,
            destination,
            to,
            halt: Halt::new(),
            permits: Semaphore::new(options.blobs_at_once),
            // Within one repository there is nothing to mount. The destination knows whether one host serves both.
            mounts: tokio::sync::Mutex::new((from == to).then_some(false)),
            presence: Presence::default(),
            met: OnceMap::default(),
            subjects: Mutex::default(),
            cosign_tags: OnceCell::new(),
        }
    }

    /// Copies the root manifest or index, under the destination's tag. Referrers are copied before the tag moves: a
    /// registry has to accept a referrer before its subject, and a client that resolves the tag then finds the whole
    /// copy.
    pub(super) async fn root(&self, content: Content, to: &Reference) -> Result<Descriptor, Halted> {
        let named = self.has_root(&content, to).await?;
        let there = self.all_but_root(&content).await?;
        let Content { descriptor, bytes } = content;
        if named || (there && to.tag().is_none()) {
            if let Some((subject, entry)) = links::referrer(&descriptor, &bytes) {
                let present = [entry];
                let listed = self.destination.complete_referrers(self.to, &subject, &present);
                self.halt.at_destination(listed).await?;
            }
            self.tell(&descriptor, Step::Present);
            return Ok(Descriptor::new(&*descriptor.media_type, descriptor.digest, descriptor.size));
        }
        let pushed = self.manifest(to, &descriptor, bytes, Listed::Now).await?;
        self.tell(&descriptor, Step::Done);
        Ok(pushed)
    }

    /// Copies all that the manifest or index at the top refers to, and the referrers. Returns whether the destination has
    /// it already.
    pub(super) async fn all_but_root(&self, Content { descriptor, bytes }: &Content) -> Result<bool, Halted> {
        let there = self.has(descriptor).await?;
        self.once_of(Part::Below, descriptor, self.below(descriptor, bytes, 0)).await?;
        self.referrers().await?;
        self.halt.check()?;
        Ok(there)
    }

    /// Copies a manifest or an index that an index lists.
    pub(super) async fn child(&self, child: &Descriptor, depth: usize) -> Result<(), Halted> {
        if depth > DEPTH_LIMIT {
            let what = format!("the indexes lie more than {DEPTH_LIMIT} deep within each other");
            return Err(self.malformed(&child.digest, ErrorKind::Malformed(what)));
        }
        let copy = async {
            if !is_index(child) && self.has(child).await? {
                self.tell(child, Step::Present);
                return Ok(());
            }
            let fetched = verify::fetch(self.source, self.from, child, MANIFEST_LIMIT);
            let bytes = self.halt.at_source(fetched).await?.value;
            self.whole(child, bytes, depth, Listed::Now).await
        };
        self.once(child, copy.boxed()).await
    }

    /// Copies a manifest or an index with what it refers to. Of an index that the destination has, the referrers remain.
    pub(super) async fn whole(
        &self,
        descriptor: &Descriptor,
        bytes: Bytes,
        depth: usize,
        listed: Listed,
    ) -> Result<(), Halted> {
        self.below(descriptor, &bytes, depth).await?;
        self.halt.check()?;
        if self.has(descriptor).await? {
            self.tell(descriptor, Step::Present);
            return Ok(());
        }
        let to = Reference::to_digest(self.to.clone(), descriptor.digest.clone());
        self.manifest(&to, descriptor, bytes, listed).await?;
        self.tell(descriptor, Step::Done);
        Ok(())
    }

    /// Copies the content that a manifest or an index refers to, if the destination lacks it: manifests concurrently, and
    /// indexes one after the other, which bounds the memory for documents.
    pub(super) fn below<'f>(&'f self, descriptor: &'f Descriptor, bytes: &'f Bytes, depth: usize) -> Copied<'f> {
        async move {
            let there = self.has(descriptor).await?;
            // What an index lists may have new referrers.
            if there && !is_index(descriptor) {
                return Ok(());
            }
            let links = self.read(descriptor, bytes)?;
            self.entries(descriptor, &links.manifests).await?;
            if !there {
                self.blobs(links.blobs).await?;
            }
            let (indexes, manifests): (Vec<_>, Vec<_>) = links.manifests.into_iter().partition(is_index);
            each(manifests, MANIFESTS_AT_ONCE, |child| async move { self.child(&child, depth + 1).await }).await?;
            for child in indexes {
                self.child(&child, depth + 1).await?;
            }
            Ok(())
        }
        .boxed()
    }

    /// Copies blobs concurrently, as many as the copy allows.
    pub(super) async fn blobs(&self, mut blobs: Vec<Descriptor>) -> Result<(), Halted> {
        blobs.retain(|blob| !self.leaves(blob));
        each(blobs, self.options.blobs_at_once, |blob| async move { self.once(&blob, self.blob(&blob).boxed()).await })
            .await
    }

    /// Returns whether the copy leaves content where it is: a layer, or a manifest that the caller has left out.
    pub(super) fn leaves(&self, of: &Descriptor) -> bool {
        self.options.left.contains(&of.digest) || (!self.options.nondistributable && links::stays_elsewhere(of))
    }

    /// Copies content once; a second call waits until the first has ended. The future is boxed, because indexes lie within
    /// each other, and the copies of a publishing run are polled on the stack of a guest.
    pub(super) async fn once(&self, of: &Descriptor, copy: Copied<'_>) -> Result<(), Halted> {
        let part = if links::is_manifest(&of.media_type) { Part::Whole } else { Part::Blob };
        self.once_of(part, of, copy).await
    }

    async fn once_of(&self, part: Part, of: &Descriptor, copy: Copied<'_>) -> Result<(), Halted> {
        let has_referrers = part != Part::Blob && self.options.follows() && !self.is_met(of);
        let key = (part, of.digest.clone());
        let cell = self.met.cell(key, |count| {
            if count >= COUNT_LIMIT {
                let what = format!("there are more than {COUNT_LIMIT} manifests and blobs");
                return Err(self.malformed(&of.digest, ErrorKind::Malformed(what)));
            }
            if has_referrers {
                self.subjects.lock().push(of.digest.clone());
            }
            Ok(())
        })?;
        cell.get_or_try_init(|| copy).await.copied()
    }

    /// Returns whether this copy has already seen a manifest.
    pub(super) fn is_met(&self, manifest: &Descriptor) -> bool {
        [Part::Whole, Part::Below].into_iter().any(|part| self.met.contains(&(part, manifest.digest.clone())))
    }

    /// Reads a document of the source.
    pub(super) fn read(&self, of: &Descriptor, bytes: &[u8]) -> Result<Links, Halted> {
        Links::read(&of.media_type, bytes).map_err(|kind| self.malformed(&of.digest, kind))
    }

    pub(super) fn tell(&self, of: &Descriptor, step: Step) {
        if let Some(told) = &self.options.progress {
            told(of, step);
        }
    }

    /// Ends the copy with an error about a document of the source.
    pub(super) fn malformed(&self, digest: &Digest, kind: ErrorKind) -> Halted {
        let subject = format_args!("{}@{digest}", self.from).to_string();
        self.halt.fail(CopyError::at_source(Error::new(Operation::Fetch, subject, kind).at(self.origin)))
    }
}

/// Runs the work for each item, so many at once. It runs all of them to their end even if one fails, because dropping
/// a push could leave an upload behind.
pub(super) async fn each<T, F>(all: Vec<T>, at_once: usize, work: impl Fn(T) -> F) -> Result<(), Halted>
where
    F: Future<Output = Result<(), Halted>>,
{
    let work = stream::iter(all).map(work).buffer_unordered(at_once);
    work.fold(Ok(()), |all, one| async move { all.and(one) }).await
}

pub(super) fn is_index(descriptor: &Descriptor) -> bool {
    links::is_index(&descriptor.media_type)
}
