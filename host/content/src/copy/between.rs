//! A copy of parts, between two repositories.

use refkit_oci::{Descriptor, Digest, Reference};

use super::failure::CopyError;
use super::manifest::Listed;
use super::walk::Copying;
use crate::{Content, Push, Source};

/// A copy between two repositories, of parts that the caller names. Content that several of them refer to is copied once,
/// and the first failure ends the copy of all.
pub struct Between<'a, S, D: ?Sized>(pub(super) Copying<'a, S, D>);

impl<S: Source + Clone + 'static, D: Push + ?Sized> Between<'_, S, D> {
    /// Finds out whether the destination has the manifest or the index that the parts make up, under the tag of the
    /// reference or by its digest. The copy then asks for none of the parts.
    ///
    /// # Errors
    /// As [`copy()`](super::copy()).
    pub async fn root(&self, content: &Content, to: &Reference) -> Result<(), CopyError> {
        let known = async {
            self.0.has_root(content, to).await?;
            let entries = self.0.read(&content.descriptor, &content.bytes)?.manifests;
            self.0.entries(&content.descriptor, &entries).await
        };
        let known = known.await;
        self.0.halt.outcome(known)
    }

    /// Notes the parts that are copied next, as the indexes that list them do: an attestation whose image is absent then
    /// needs no request.
    pub fn list(&self, parts: &[Descriptor]) {
        self.0.presence.note(parts);
    }

    /// Returns whether the destination has a manifest or an index, and so what is below. One request at most answers for
    /// each.
    ///
    /// # Errors
    /// As [`copy()`](super::copy()).
    pub async fn has(&self, of: &Descriptor) -> Result<bool, CopyError> {
        let there = self.0.has(of).await;
        self.0.halt.outcome(there)
    }

    /// Copies what a manifest or an index refers to, and its referrers, and not itself. Returns whether the destination
    /// has it already: then the caller need not push it. Of a manifest that is there, [`Between::about`] does the same without
    /// its bytes.
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
        let pushed = self.0.manifest(to, &descriptor, bytes, Listed::Now).await;
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
