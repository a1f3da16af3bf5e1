//! A copy of parts, between two repositories.

use refkit_oci::{Descriptor, Digest, Reference};

use super::failure::CopyError;
use super::walk::Copying;
use crate::{Content, Push, Source};

/// A copy between two repositories, of parts that the caller names. Content that several of them refer to is copied once,
/// and the first failure ends the copy of all.
pub struct Between<'a, S, D: ?Sized>(pub(super) Copying<'a, S, D>);

impl<S: Source + Clone + 'static, D: Push + ?Sized> Between<'_, S, D> {
    /// Copies what a manifest or an index refers to, and its referrers, and not itself. Returns whether the destination
    /// has it already: then the caller need not push it.
    ///
    /// # Errors
    /// As [`copy()`](super::copy()).
    pub async fn below(&self, content: &Content) -> Result<bool, CopyError> {
        let copied = self.0.all_but_root(content).await;
        self.0.halt.outcome(copied)
    }

    /// Pushes a manifest or an index whose content was copied before, as with [`Between::below`]. If the destination has
    /// lost content of it by then, this sends that again from the source, once.
    ///
    /// # Errors
    /// As [`copy()`](super::copy()).
    pub async fn push(&self, Content { descriptor, bytes }: Content, to: &Reference) -> Result<Descriptor, CopyError> {
        let pushed = self.0.manifest(to, &descriptor, bytes).await;
        self.0.halt.outcome(pushed)
    }

    /// Copies the referrers of a manifest or an index and what cosign attached to it, as far as the options say, and not
    /// itself.
    ///
    /// # Errors
    /// As [`copy()`](super::copy()).
    pub async fn about(&self, subject: &Digest) -> Result<(), CopyError> {
        self.0.subjects.lock().push(subject.clone());
        let copied = self.0.referrers().await;
        self.0.halt.outcome(copied)
    }
}
