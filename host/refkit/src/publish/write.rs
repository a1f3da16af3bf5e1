//! The host calls that write: the host checks the grant and the content, writes, and keeps the observation.

use bytes::Bytes;
use refkit_content::verify;
use refkit_content::{Body, Error, ErrorKind, Origin, WithOrigin};
use refkit_oci::document::media_type;
use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};

use super::manifest;
use super::placed::{Placed, Waiting};
use super::run::PublishRun;
use super::store::refused;
use crate::answers::Answered;
use crate::observation::{Answer, Call, Failed};

impl PublishRun {
    /// Pushes a manifest or an index, and moves the destination's tag to it, if it has one.
    pub(super) async fn push_manifest(
        &self,
        span: usize,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Failed> {
        let algorithm = destination.digest().map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = verify::digest(algorithm, &bytes);
        let call = Call::PushManifest(destination.clone(), digest.clone());
        let fail = |kind| self.run.answers.refuse(Some(span), &call, kind);
        self.run.answers.enter(Some(span), &call)?;
        self.grants.reference(&self.destinations, destination).map_err(fail)?;
        let descriptor = verify::manifest(destination, media_type, &bytes).map_err(fail)?;
        let repository = destination.repository();
        // What this run has copied may have been refused under another name only.
        let refused_here = match self.record.find(repository, &digest) {
            Some(_) => self.run.refusals.refuses(&digest),
            None => self.refuses(None, &digest),
        };
        if refused_here {
            return Err(fail(refused()));
        }
        // A copy has found or put there what is below.
        let copied = matches!(self.record.find(repository, &digest), Some(Placed::Copied(..)));
        let (mut sparse, mut absent) = (None, Vec::new());
        for child in manifest::children(media_type, &bytes).map_err(fail)? {
            let there = match copied && !self.run.refusals.refuses(&child.digest) {
                true => Ok(()),
                false => self.is_there(repository, &child),
            };
            match there {
                Ok(()) => self.flush(Some(span), repository, &child.digest).await?,
                Err(kind) => {
                    sparse = Some(self.may_lack(repository, &digest, &child, kind).map_err(fail)?);
                    absent.push(child.digest);
                }
            }
        }
        if let Some(from) = &sparse {
            self.attached(span, from, &digest, repository).await?;
        }
        let waits = self.record.waiting(repository, &digest).is_some();
        let known = !waits && self.record.find(repository, &digest).is_some();
        if !known || destination.tag().is_some() {
            self.record.leave(absent.iter().cloned());
            let push = self.send(destination, descriptor.clone(), bytes.clone(), absent);
            self.write(Some(span), &call, Answer::Pushed(descriptor.clone()), Some(&bytes), push).await?;
            self.record.pushed(repository, &digest);
        }
        self.record.place(repository, Placed::Pushed(descriptor.clone(), bytes));
        if let Some(tag) = destination.tag() {
            self.record.tag(repository, tag, &descriptor.digest);
        }
        Ok(descriptor)
    }

    /// Pushes a blob.
    pub(super) async fn push_blob(
        &self,
        span: usize,
        repository: &Repository,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Failed> {
        let digest = verify::digest(Algorithm::Sha256, &bytes);
        let call = Call::PushBlob(repository.clone(), digest.clone());
        let answers = &self.run.answers;
        let fail = |kind| answers.refuse(Some(span), &call, kind);
        answers.enter(Some(span), &call)?;
        self.grants.content(&self.destinations, repository).map_err(fail)?;
        if bytes.len() as u64 > answers.budget.content {
            return Err(fail(ErrorKind::TooLarge { limit: answers.budget.content }));
        }
        if media_type::is_document(media_type) {
            let text = "a manifest or an index is pushed with push-manifest, which checks it";
            return Err(fail(ErrorKind::Malformed(text.into())));
        }
        let descriptor = Descriptor::new(media_type, digest, bytes.len() as u64);
        let push = self.target.push_blob(repository, &descriptor, Body::from_bytes(Origin::Memory, bytes.clone()));
        self.write(Some(span), &call, Answer::Pushed(descriptor.clone()), Some(&bytes), push).await?;
        self.record.place(repository, Placed::Pushed(descriptor.clone(), bytes));
        Ok(descriptor)
    }

    /// Pushes a manifest that waits, under its digest.
    pub(super) async fn flush(
        &self,
        span: Option<usize>,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<(), Failed> {
        let Some(Waiting { media_type, bytes }) = self.record.waiting(repository, digest) else { return Ok(()) };
        let destination = Reference::to_digest(repository.clone(), digest.clone());
        let call = Call::PushManifest(destination.clone(), digest.clone());
        let pushed = Answer::Pushed(Descriptor::new(&*media_type, digest.clone(), bytes.len() as u64));
        let descriptor = Descriptor::new(&*media_type, digest.clone(), bytes.len() as u64);
        let push = self.send(&destination, descriptor, bytes.clone(), Vec::new());
        self.write(span, &call, pushed, Some(&bytes), push).await?;
        self.record.pushed(repository, digest);
        Ok(())
    }

    /// Pushes what still waits: a policy copied it, and moved no tag to it.
    pub(super) async fn flush_all(&self) -> Result<(), Failed> {
        for (repository, digest) in self.record.all_waiting() {
            self.flush(None, &repository, &digest).await?;
        }
        Ok(())
    }

    /// Returns whether a policy has refused a manifest, or the reference that names it (in this repository, if one is
    /// given).
    pub(super) fn refuses(&self, repository: Option<&Repository>, digest: &Digest) -> bool {
        let refusals = &self.run.refusals;
        refusals.refuses(digest) || refusals.refuses_root(&self.run.answers.ledger, repository, digest)
    }

    /// Checks that a repository has what a manifest refers to: this run put it there, or has met it there.
    pub(super) fn is_there(&self, repository: &Repository, child: &Descriptor) -> Result<(), ErrorKind> {
        if self.run.refusals.refuses(&child.digest) {
            return Err(refused());
        }
        let met = || self.run.answers.ledger.met(repository, &child.digest).map(|(met, _)| met);
        let Some(known) = self.record.descriptor(repository, &child.digest).or_else(met) else {
            let text = format!("{} is not in {repository}: push or copy it there first", child.digest);
            return Err(ErrorKind::NotGranted(text));
        };
        if known.size != child.size {
            let text = format!("{} has {} bytes, and the manifest says {}", child.digest, known.size, child.size);
            return Err(ErrorKind::Malformed(text));
        }
        Ok(())
    }

    /// Writes, and records the observation with the bytes, where the run has them: it answers for them from its record.
    pub(super) async fn write(
        &self,
        span: Option<usize>,
        call: &Call,
        answer: Answer,
        bytes: Option<&Bytes>,
        write: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Failed> {
        let write = async {
            write.await?;
            let answered = Answered::new(answer, WithOrigin { value: (), origin: Origin::Memory });
            Ok(match bytes {
                Some(bytes) => answered.with_bytes(bytes.clone()),
                None => answered,
            })
        };
        self.run.answers.observe(span, call, write).await
    }
}
