//! The host calls that write: the host checks the grant and the content, writes, and keeps the observation.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use refkit_content::copy::Between;
use refkit_content::verify;
use refkit_content::{Body, Content, Error, ErrorKind, Origin, Push, WithOrigin};
use refkit_oci::document::media_type;
use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};
use refkit_sandbox::Copy;

use super::manifest;
use super::placed::{Placed, Waiting};
use super::run::PublishRun;
use super::store::{RunSource, refused};
use crate::answers::Answered;
use crate::observation::{Answer, Call, Failed};

/// How many manifests of one call are copied side by side.
const COPIES_AT_ONCE: usize = 4;

/// Returns the call for the copy of one manifest or index.
pub(super) fn call(copy: &Copy, digest: &Digest) -> Call {
    Call::Copy(copy.source.clone(), copy.destination.clone(), digest.clone(), copy.with_referrers.clone())
}

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
        let (mut sparse, mut absent) = (None, Vec::new());
        for child in manifest::children(media_type, &bytes).map_err(fail)? {
            match self.is_there(repository, &child) {
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
            let push = self.send(destination, descriptor.clone(), bytes.clone(), absent);
            self.write(Some(span), &call, Answer::Pushed(descriptor.clone()), &bytes, push).await?;
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
        self.write(Some(span), &call, Answer::Pushed(descriptor.clone()), &bytes, push).await?;
        self.record.place(repository, Placed::Pushed(descriptor.clone(), bytes));
        Ok(descriptor)
    }

    /// Copies manifests and indexes, and all that they refer to.
    pub(super) async fn copy(&self, span: usize, copy: &Copy) -> Result<(), Failed> {
        let options = self.options(&copy.source, &copy.destination, &copy.with_referrers);
        let from = (&self.copied, &copy.source, &Origin::Memory);
        let between = options.between(from, (&*self.target, &copy.destination));
        let copies = copy.digests.iter().map(|digest| self.copy_one(span, copy, &between, digest));
        // All of them run to their end: dropping a push could leave an upload behind.
        let copies = stream::iter(copies.collect::<Vec<_>>()).buffer_unordered(COPIES_AT_ONCE);
        copies.fold(Ok(()), |all, one| async move { all.and(one) }).await
    }

    async fn copy_one(
        &self,
        span: usize,
        copy: &Copy,
        between: &Between<'_, RunSource, dyn Push>,
        digest: &Digest,
    ) -> Result<(), Failed> {
        let Copy { source, destination, .. } = copy;
        let (answers, call) = (&self.run.answers, call(copy, digest));
        let fail = |kind| answers.refuse(Some(span), &call, kind);
        answers.enter(Some(span), &call)?;
        self.grants.content(&self.destinations, destination).map_err(fail)?;
        let bytes = answers.fetch(None, source, digest).await?;
        let met = answers.ledger.met(source, digest);
        let Some((descriptor, _)) = met.filter(|(met, _)| media_type::is_document(&met.media_type)) else {
            return Err(fail(ErrorKind::Malformed(format!("{digest} is neither a manifest nor an index"))));
        };
        if self.refuses(Some(source), digest) {
            return Err(fail(refused()));
        }
        if source == destination {
            self.record.place(destination, Placed::Copied(descriptor, source.clone()));
            return Ok(());
        }
        let content = Content { descriptor: descriptor.clone(), bytes: bytes.clone() };
        let write = async {
            let there = between.below(&content).await.map_err(|error| error.error)?;
            if !there {
                let waiting = Waiting { media_type: descriptor.media_type.clone(), bytes: bytes.clone() };
                self.record.wait(destination, digest.clone(), waiting);
            }
            Ok(())
        };
        // From now on the destination answers for it as the source does.
        self.write(Some(span), &call, Answer::Copied(descriptor.clone()), &bytes, write).await?;
        self.record.place(destination, Placed::Copied(descriptor, source.clone()));
        // One that is copied alone mostly gets a tag, and one request pushes both.
        match copy.digests.len() {
            1 => Ok(()),
            _ => self.flush(Some(span), destination, digest).await,
        }
    }

    /// Pushes a manifest that waits, under its digest.
    async fn flush(&self, span: Option<usize>, repository: &Repository, digest: &Digest) -> Result<(), Failed> {
        let Some(Waiting { media_type, bytes }) = self.record.waiting(repository, digest) else { return Ok(()) };
        let destination = Reference::to_digest(repository.clone(), digest.clone());
        let call = Call::PushManifest(destination.clone(), digest.clone());
        let pushed = Answer::Pushed(Descriptor::new(&*media_type, digest.clone(), bytes.len() as u64));
        let descriptor = Descriptor::new(&*media_type, digest.clone(), bytes.len() as u64);
        let push = self.send(&destination, descriptor, bytes.clone(), Vec::new());
        self.write(span, &call, pushed, &bytes, push).await?;
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
    fn refuses(&self, repository: Option<&Repository>, digest: &Digest) -> bool {
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

    /// Writes, and records the observation with the bytes: the run answers for them from its record.
    async fn write(
        &self,
        span: Option<usize>,
        call: &Call,
        answer: Answer,
        bytes: &Bytes,
        write: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Failed> {
        let write = async {
            write.await?;
            Ok(Answered::new(answer, WithOrigin { value: (), origin: Origin::Memory }).with_bytes(bytes.clone()))
        };
        self.run.answers.observe(span, call, write).await
    }
}
