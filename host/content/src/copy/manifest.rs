//! Pushes a manifest, and sends the blobs that the destination has lost by then.

use bytes::Bytes;
use refkit_oci::{Descriptor, Digest, Reference};

use super::failure::CopyError;
use super::halt::Halted;
use super::walk::{Copying, each};
use crate::links::Links;
use crate::{Error, ErrorKind, Push, Source};

impl<S: Source + Clone + 'static, D: Push + ?Sized> Copying<'_, S, D> {
    /// Pushes a manifest or an index. Between the destination's answer about a blob and the push, the blob may have
    /// been deleted: then the copy asks again, sends the blob and pushes the manifest again, once.
    pub(super) async fn manifest(
        &self,
        to: &Reference,
        descriptor: &Descriptor,
        bytes: Bytes,
    ) -> Result<Descriptor, Halted> {
        let push = || self.destination.push_manifest(to, &descriptor.media_type, bytes.clone());
        let error = match push().await {
            Ok(pushed) => return Ok(pushed),
            Err(error) => error,
        };
        let (lost, left) = self.lacking(descriptor, &bytes, &error);
        if lost.is_empty() {
            return Err(self.refused(error, &left));
        }
        tracing::debug!(target: "refkit::copy", manifest = %descriptor.digest, %error, "sending blobs again");
        // A permit of the blobs, as for each copied blob; the semaphore is never closed.
        let again = |blob: Descriptor| async move {
            let _permit = self.permits.acquire().await.map_err(|_| Halted)?;
            self.halt.check()?;
            self.send(&blob).await
        };
        each(lost, self.options.blobs_at_once, again).await?;
        self.halt.check()?;
        push().await.map_err(|error| self.refused(error, &left))
    }

    /// Returns the blobs of a manifest that the destination lacks by its error: those that the copy sends, and those
    /// that it leaves elsewhere. An error that names no digest may be about any of them.
    fn lacking(&self, descriptor: &Descriptor, bytes: &[u8], error: &Error) -> (Vec<Descriptor>, Vec<Descriptor>) {
        let ErrorKind::Lacks { digests, .. } = &error.kind else { return Default::default() };
        let blobs = Links::read(&descriptor.media_type, bytes).map(|links| links.blobs).unwrap_or_default();
        let about = |of: &Digest| digests.is_empty() || digests.contains(of);
        let mut met = std::collections::HashSet::new();
        let lacking = blobs.into_iter().filter(|blob| about(&blob.digest) && met.insert(blob.digest.clone()));
        lacking.partition(|blob| !self.leaves(blob))
    }

    /// Ends the copy with the destination's error, and names the layers that the copy has left elsewhere.
    fn refused(&self, mut error: Error, left: &[Descriptor]) -> Halted {
        if let (ErrorKind::Lacks { said, .. }, false) = (&mut error.kind, left.is_empty()) {
            let layers: Vec<_> = left.iter().map(|one| format!("{} ({})", one.digest, one.media_type)).collect();
            said.push_str("; the copy left out what may not be distributed: ");
            said.push_str(&layers.join(", "));
        }
        self.halt.fail(CopyError::at_destination(error))
    }
}
