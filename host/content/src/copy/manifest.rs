//! Pushes a manifest, and sends the content that the destination has lost by then.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use refkit_oci::{Descriptor, Reference};

use super::failure::{CopyError, Side};
use super::halt::Halted;
use super::options::{Options, Referrers};
use super::walk::{Copying, each};
use crate::links::Links;
use crate::{Error, ErrorCode, ErrorKind, Push, Source};

/// When the destination's list of referrers gets a manifest with a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// With the push.
    Now,
    /// With the other referrers of the subject, in one write.
    Later,
}

/// What a destination lacks of a manifest or an index, or may lack: some registries name only the first digest.
#[derive(Default)]
struct Lacking {
    /// The manifests that are lost, perhaps with their blobs.
    lost: Vec<Descriptor>,
    /// The other manifests.
    others: Vec<Descriptor>,
    blobs: Vec<Descriptor>,
    /// What the destination lacks because the copy has left it out.
    left: Vec<Descriptor>,
}

impl<S: Source + Clone + 'static, D: Push + ?Sized> Copying<'_, S, D> {
    /// Pushes a manifest or an index. Between the destination's answer about its content and the push, the content may
    /// have been deleted: then the copy asks again, sends what is gone and pushes the manifest again, once.
    pub(super) async fn manifest(
        &self,
        to: &Reference,
        descriptor: &Descriptor,
        bytes: Bytes,
        listed: Listed,
    ) -> Result<Descriptor, Halted> {
        let push = || match listed {
            Listed::Now => self.destination.push_manifest(to, &descriptor.media_type, bytes.clone()),
            Listed::Later => self.destination.push_referrer(to, &descriptor.media_type, bytes.clone()),
        };
        let error = match push().await {
            Ok(pushed) => return Ok(pushed),
            Err(error) => error,
        };
        let mut lacking = self.lacking(descriptor, &bytes, &error);
        let left = std::mem::take(&mut lacking.left);
        if lacking.lost.is_empty() && lacking.blobs.is_empty() {
            return Err(self.refused(error, &left));
        }
        tracing::debug!(target: "refkit::copy", manifest = %descriptor.digest, %error, "sending content again");
        if let Err(failed) = self.again(lacking).await {
            // Nothing has the content: then the destination's words say more.
            return Err(match (failed.side, failed.code()) {
                (Side::Source, ErrorCode::NotFound) => self.refused(unsent(error, &failed.error), &left),
                _ => self.halt.fail(failed),
            });
        }
        self.halt.check()?;
        push().await.map_err(|error| self.refused(error, &left))
    }

    /// Copies again what the destination lacks. It asks for each blob of a lost manifest, too.
    fn again(&self, Lacking { lost, others, blobs, .. }: Lacking) -> BoxFuture<'_, Result<(), CopyError>> {
        async move {
            let usual = Options { referrers: Referrers::None, cosign_tags: false, ..self.options.clone() };
            let thorough = Options { thorough: true, ..usual.clone() };
            for (options, manifests, blobs) in [(thorough, lost, blobs), (usual, others, Vec::new())] {
                let places = ((self.source, self.from, self.origin), (self.destination, self.to));
                let copying = Copying::new(&options, places.0, places.1);
                let sent = self.each_again(&copying, manifests, blobs).await;
                copying.halt.outcome(sent)?;
            }
            Ok(())
        }
        .boxed()
    }

    async fn each_again(
        &self,
        copying: &Copying<'_, S, D>,
        manifests: Vec<Descriptor>,
        blobs: Vec<Descriptor>,
    ) -> Result<(), Halted> {
        // A permit of the blobs, as for each copied blob; the semaphore is never closed.
        let send = |blob: Descriptor| async move {
            let _permit = self.permits.acquire().await.map_err(|_| Halted)?;
            copying.halt.check()?;
            copying.send(&blob).await
        };
        each(blobs, self.options.blobs_at_once, send).await?;
        for manifest in manifests {
            self.halt.check()?;
            copying.child(&manifest, 0).await?;
        }
        Ok(())
    }

    /// Returns what the destination lacks by its error. An error that names no digest may be about any content; one that
    /// names only others is about none.
    fn lacking(&self, descriptor: &Descriptor, bytes: &[u8], error: &Error) -> Lacking {
        let ErrorKind::Lacks { digests, .. } = &error.kind else { return Lacking::default() };
        let Links { manifests, blobs, .. } = Links::read(&descriptor.media_type, bytes).unwrap_or_default();
        let is_named = |of: &Descriptor| digests.is_empty() || digests.contains(&of.digest);
        let mut met = HashSet::new();
        let mut split = |all: Vec<Descriptor>| {
            let all = all.into_iter().filter(|one| met.insert(one.digest.clone()));
            all.partition::<Vec<_>, _>(|one| !self.leaves(one))
        };
        let ((manifests, mut left), (blobs, mut layers)) = (split(manifests), split(blobs));
        left.append(&mut layers);
        left.retain(is_named);
        if !manifests.iter().chain(&blobs).any(is_named) {
            return Lacking { left, ..Lacking::default() };
        }
        let (lost, others) = manifests.into_iter().partition(is_named);
        Lacking { lost, others, blobs, left }
    }

    /// Ends the copy with the destination's error, and names what the copy has left out.
    fn refused(&self, mut error: Error, left: &[Descriptor]) -> Halted {
        if let ErrorKind::Lacks { said, withheld, .. } = &mut error.kind {
            let (manifests, layers): (Vec<_>, Vec<_>) =
                left.iter().partition(|one| self.options.left.contains(&one.digest));
            let name = |one: &&Descriptor| match &one.platform {
                Some(platform) => format!("{} ({platform})", one.digest),
                None => format!("{} ({})", one.digest, one.media_type),
            };
            *withheld = !layers.is_empty();
            for (why, all) in [("was not chosen", manifests), ("may not be distributed", layers)] {
                if !all.is_empty() {
                    let names: Vec<_> = all.iter().map(name).collect();
                    said.push_str(&format!("; the copy left out what {why}: {}", names.join(", ")));
                }
            }
        }
        self.halt.fail(CopyError::at_destination(error))
    }
}

/// Returns the destination's error about content that the source does not have either.
fn unsent(mut error: Error, failed: &Error) -> Error {
    if let ErrorKind::Lacks { said, .. } = &mut error.kind {
        said.push_str(&format!("; it cannot be sent again: {failed}"));
    }
    error
}
