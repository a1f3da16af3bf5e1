//! The options of a copy.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use refkit_oci::{Descriptor, Digest, Reference, Repository};

use super::between::Between;
use super::failure::CopyError;
use super::walk::Copying;
use crate::verify;
use crate::{Error, Operation, Origin, Push, Source};

/// How many blobs are copied at once by default.
const BLOBS_AT_ONCE: usize = 4;

/// Which referrers of a manifest are copied with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Referrers {
    /// No referrers.
    #[default]
    None,
    /// All referrers that the source lists.
    All,
    /// Referrers with one of these artifact types.
    Of(Vec<String>),
}

/// A step in the copy of a manifest or a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The destination had the content before.
    Present,
    /// The destination has mounted it from another of its repositories.
    Mounted,
    /// The copy begins to send a blob.
    Started,
    /// The copy has read so many bytes of a blob since [`Step::Started`].
    Bytes(u64),
    /// The destination broke, and the copy sends a blob again from its beginning.
    Again,
    /// The content is at the destination.
    Done,
}

pub(super) type Progress = Arc<dyn Fn(&Descriptor, Step) + Send + Sync>;

/// The options of a copy. [`copy()`](super::copy()) has the defaults.
///
/// ```
/// use refkit_content::copy::{Options, Referrers};
///
/// let options = Options::default().referrers(Referrers::All).blobs_at_once(2);
/// # let _ = options;
/// ```
#[derive(Clone)]
pub struct Options {
    pub(super) blobs_at_once: usize,
    pub(super) referrers: Referrers,
    pub(super) cosign_tags: bool,
    pub(super) thorough: bool,
    pub(super) nondistributable: bool,
    /// The manifests that the caller has left out.
    pub(super) left: Arc<HashSet<Digest>>,
    pub(super) progress: Option<Progress>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            blobs_at_once: BLOBS_AT_ONCE,
            referrers: Referrers::None,
            cosign_tags: false,
            thorough: false,
            nondistributable: false,
            left: Arc::default(),
            progress: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Options");
        shown.field("blobs_at_once", &self.blobs_at_once).field("referrers", &self.referrers);
        shown
            .field("cosign_tags", &self.cosign_tags)
            .field("thorough", &self.thorough)
            .field("nondistributable", &self.nondistributable)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Sets how many blobs are copied at once, over all manifests: 4 by default, at least 1.
    #[must_use]
    pub fn blobs_at_once(mut self, number: usize) -> Self {
        self.blobs_at_once = number.max(1);
        self
    }

    /// Sets which referrers of each manifest and index are copied, and in turn their referrers; none by default. A referrer
    /// that has another subject is left out. One that the source lists and does not have ends the copy with
    /// [`ErrorKind::LostReferrer`](crate::ErrorKind::LostReferrer): it may have been a signature.
    #[must_use]
    pub fn referrers(mut self, which: Referrers) -> Self {
        self.referrers = which;
        self
    }

    /// Sets whether the copy copies the tags under which cosign keeps signatures, attestations and SBOMs of each copied
    /// manifest and index, and of each copied referrer: `sha256-HEX.sig`, `.att` and `.sbom`. They replace those of the
    /// destination, before the root's tag moves. The list of referrers that a registry keeps under `sha256-HEX` is not
    /// copied: the destination makes its own when it gets the referrers.
    ///
    /// The source lists its tags once. Where it refuses to, the copy asks for each tag.
    #[must_use]
    pub fn cosign_tags(mut self, copied: bool) -> Self {
        self.cosign_tags = copied;
        self
    }

    /// Returns whether more is copied of a manifest than itself.
    pub(super) fn follows(&self) -> bool {
        self.cosign_tags || self.referrers != Referrers::None
    }

    /// Sets whether the copy checks for all that is below a manifest or an index that the destination already has, and for
    /// each blob that it says it has mounted, and sends what is absent. By default the manifest or the index proves that it is there; [`copy()`](super::copy()) says
    /// where that is wrong.
    #[must_use]
    pub fn thorough(mut self, thorough: bool) -> Self {
        self.thorough = thorough;
        self
    }

    /// Sets whether the copy copies layers that may not be distributed. By default it leaves them where their `urls` say.
    #[must_use]
    pub fn nondistributable(mut self, copied: bool) -> Self {
        self.nondistributable = copied;
        self
    }

    /// Sets manifests that the caller leaves out of an index on purpose. [`Between::push`] does not send them where the
    /// destination lacks them, and its error names them.
    #[must_use]
    pub fn without(mut self, manifests: impl IntoIterator<Item = Digest>) -> Self {
        self.left = Arc::new(manifests.into_iter().collect());
        self
    }

    /// Sets a function to call at each step of each manifest and blob. The task that moves the bytes calls it, so it has to
    /// be quick.
    #[must_use]
    pub fn progress(mut self, told: impl Fn(&Descriptor, Step) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(told));
        self
    }

    /// Copies the content of a reference, as [`copy()`](super::copy()) says.
    ///
    /// # Errors
    /// As [`copy()`](super::copy()).
    pub async fn copy<S>(
        &self,
        source: &S,
        from: &Reference,
        destination: &(impl Push + ?Sized),
        to: &Reference,
    ) -> Result<Descriptor, CopyError>
    where
        S: Source + Clone + 'static,
    {
        let root = source.pull(from).await.map_err(CopyError::at_source)?;
        if let Some(wanted) = to.digest() {
            let failed = |kind| CopyError::at_destination(Error::new(Operation::Push, to, kind));
            verify::check_digest(wanted, &root.value.bytes).map_err(failed)?;
        }
        let places = ((source, from.repository(), &root.origin), (destination, to.repository()));
        let copying = Copying::new(self, places.0, places.1);
        let copied = copying.root(root.value, to).await;
        copying.halt.outcome(copied)
    }

    /// Copies blobs of one repository, a few at once. It does not open blobs that the destination has. `origin` is the
    /// host that errors of the source name.
    ///
    /// # Errors
    /// [`CopyError`] with the side that failed.
    pub async fn blobs<S>(
        &self,
        (source, from, origin): (&S, &Repository, &Origin),
        (destination, to): (&(impl Push + ?Sized), &Repository),
        blobs: impl IntoIterator<Item = &Descriptor>,
    ) -> Result<(), CopyError>
    where
        S: Source + Clone + 'static,
    {
        let copying = Copying::new(self, (source, from, origin), (destination, to));
        let copied = copying.blobs(blobs.into_iter().cloned().collect()).await;
        copying.halt.outcome(copied)
    }

    /// Returns a copy between two repositories, of parts that the caller names. `origin` is the host that errors of the
    /// source name.
    pub fn between<'a, S, D>(
        &'a self,
        source: (&'a S, &'a Repository, &'a Origin),
        destination: (&'a D, &'a Repository),
    ) -> Between<'a, S, D>
    where
        S: Source + Clone + 'static,
        D: Push + ?Sized,
    {
        Between(Copying::new(self, source, destination))
    }
}
