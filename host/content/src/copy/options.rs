//! What a copy may be told.

use std::fmt;
use std::sync::Arc;

use refkit_oci::{Descriptor, Reference};

use super::walk::Copying;
use crate::verify;
use crate::{Error, Operation, Push, Source};

/// How many blobs are under way at once where nobody says otherwise.
const BLOBS_AT_ONCE: usize = 4;

/// Which referrers come along with a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Referrers {
    /// None.
    #[default]
    None,
    /// All that the source lists.
    All,
    /// Those of these artifact types.
    Of(Vec<String>),
}

/// What has become of a piece of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The destination has had it before.
    Present,
    /// The destination has it from another of its repositories.
    Mounted,
    /// A blob begins to be sent.
    Started,
    /// So many bytes of a blob have been read at the source since it was started.
    Bytes(u64),
    /// A blob is sent again from its beginning: the destination broke.
    Again,
    /// It is at the destination.
    Done,
}

pub(super) type Progress = Arc<dyn Fn(&Descriptor, Step) + Send + Sync>;

/// How to copy. [`copy()`](super::copy()) is the short form.
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
    pub(super) thorough: bool,
    pub(super) progress: Option<Progress>,
}

impl Default for Options {
    fn default() -> Self {
        Self { blobs_at_once: BLOBS_AT_ONCE, referrers: Referrers::None, thorough: false, progress: None }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Options");
        shown.field("blobs_at_once", &self.blobs_at_once).field("referrers", &self.referrers);
        shown.field("thorough", &self.thorough).finish_non_exhaustive()
    }
}

impl Options {
    /// Sets how many blobs are under way at once, over all manifests: 4 by default, at least 1.
    #[must_use]
    pub fn blobs_at_once(mut self, number: usize) -> Self {
        self.blobs_at_once = number.max(1);
        self
    }

    /// Sets which referrers of each manifest and index come along, and in turn of these; none by default. A referrer
    /// that the source lists and does not have, or that is about something else, is left out.
    #[must_use]
    pub fn referrers(mut self, which: Referrers) -> Self {
        self.referrers = which;
        self
    }

    /// Sets whether the blobs of a manifest are looked after that the destination has already. Without it the manifest
    /// stands for them.
    #[must_use]
    pub fn thorough(mut self, thorough: bool) -> Self {
        self.thorough = thorough;
        self
    }

    /// Sets who is told what becomes of each manifest and blob. It is called from where the bytes go through, so it
    /// has to be quick.
    #[must_use]
    pub fn progress(mut self, told: impl Fn(&Descriptor, Step) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(told));
        self
    }

    /// Copies what the reference names, as [`copy()`](super::copy()) says.
    ///
    /// # Errors
    /// As [`copy()`](super::copy()).
    pub async fn copy<S>(
        &self,
        source: &S,
        from: &Reference,
        destination: &(impl Push + ?Sized),
        to: &Reference,
    ) -> Result<Descriptor, Error>
    where
        S: Source + Clone + 'static,
    {
        let root = source.pull(from).await?;
        if let Some(wanted) = to.digest() {
            verify::check_digest(wanted, &root.value.bytes).map_err(|p| Error::new(Operation::Push, to, p))?;
        }
        let places = ((source, from.repository(), &root.origin), (destination, to.repository()));
        let copying = Copying::new(self, places.0, places.1);
        let copied = copying.root(root.value, to).await;
        copying.halt.outcome(copied)
    }
}
