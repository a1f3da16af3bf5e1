//! The host call that copies: what the destination lacks of manifests and indexes, with all that they refer to.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt as _};
use refkit_content::copy::Between;
use refkit_content::{Content, ErrorKind, Origin, Push};
use refkit_oci::document::{Document, media_type};
use refkit_oci::{Descriptor, Digest};
use refkit_sandbox::Copy;

use super::placed::{Placed, Waiting};
use super::run::PublishRun;
use super::store::{RunSource, refused};
use crate::observation::{Answer, Call, Failed};

/// How many manifests of one call are copied side by side.
const COPIES_AT_ONCE: usize = 4;

/// Returns the call for the copy of one manifest or index.
pub(super) fn call(copy: &Copy, digest: &Digest) -> Call {
    Call::Copy(copy.source.clone(), copy.destination.clone(), digest.clone(), copy.with_referrers.clone())
}

impl PublishRun {
    /// Copies manifests and indexes, and all that they refer to.
    pub(super) async fn copy(&self, span: usize, copy: &Copy) -> Result<(), Failed> {
        let options = self.options(&copy.source, &copy.destination, &copy.with_referrers);
        let from = (&self.copied, &copy.source, &Origin::Memory);
        let between = options.between(from, (&*self.target, &copy.destination));
        self.ask_for_root(copy, &between).await;
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
        answers.grants.check(&answers.requested, source).map_err(fail)?;
        let Some((descriptor, _)) = answers.ledger.met(source, digest) else {
            let text = "this run has not met that digest in that repository; resolve or pull what names it first";
            return Err(fail(ErrorKind::NotGranted(text.into())));
        };
        if !media_type::is_document(&descriptor.media_type) {
            return Err(fail(ErrorKind::Malformed(format!("{digest} is neither a manifest nor an index"))));
        }
        if self.refuses(Some(source), digest) {
            return Err(fail(refused()));
        }
        if source == destination {
            // That it can be read proves that it is there.
            answers.fetch(None, source, digest).await?;
            self.record.place(destination, Placed::Copied(descriptor, source.clone()));
            return Ok(());
        }
        let copied = Answer::Copied(descriptor.clone());
        let there = match between.has(&descriptor).await {
            Ok(there) => there,
            Err(error) => return self.write(Some(span), &call, copied, None, async { Err(error.error) }).await,
        };
        // Of a manifest that is there, only the referrers are of interest.
        let bytes = match there && !media_type::is_index(&descriptor.media_type) {
            true => None,
            false => Some(answers.fetch(None, source, digest).await?),
        };
        let write = async {
            match &bytes {
                None => between.about(digest).await?,
                Some(bytes) => {
                    let content = Content { descriptor: descriptor.clone(), bytes: bytes.clone() };
                    if !between.below(&content).await? {
                        let waiting = Waiting { media_type: descriptor.media_type.clone(), bytes: bytes.clone() };
                        self.record.wait(destination, digest.clone(), waiting);
                    }
                }
            }
            Ok(())
        };
        // From now on the destination answers for it as the source does.
        self.write(Some(span), &call, copied, bytes.as_ref(), write).await?;
        self.record.place(destination, Placed::Copied(descriptor, source.clone()));
        // One that is copied alone mostly gets a tag, and one request pushes both.
        match copy.digests.len() {
            1 => Ok(()),
            _ => self.flush(Some(span), destination, digest).await,
        }
    }

    /// Asks whether the destination has what the copy is a part of, with all that is below. The error of that request ends
    /// the copy: each part returns it.
    async fn ask_for_root(&self, copy: &Copy, between: &Between<'_, RunSource, dyn Push>) {
        let Copy { source, destination, digests, .. } = copy;
        if source == destination || self.grants.content(&self.destinations, destination).is_err() {
            return;
        }
        let ledger = &self.run.answers.ledger;
        let parts: Vec<Descriptor> = digests.iter().filter_map(|one| Some(ledger.met(source, one)?.0)).collect();
        between.list(&parts);
        let to = self.destinations.iter().find(|one| one.repository() == destination);
        if let Some((root, to)) = self.root_of(copy).zip(to) {
            let _ = between.root(&root, to).await;
        }
    }

    /// Returns the only source of the run, where it stays as it is and the copy comprises it: the index that lists the copied
    /// manifests and no others, or the copied manifest or index itself. The tag of the destination may name it already.
    fn root_of(&self, Copy { source, digests, .. }: &Copy) -> Option<Content> {
        let documents = if self.stays.index { self.run.answers.ledger.documents(source) } else { return None };
        let copied: HashSet<&Digest> = digests.iter().collect();
        let lists = |document: &Document| match document {
            Document::Index(index) if index.unverifiable.is_empty() => {
                index.manifests.iter().map(|entry| &entry.digest).collect::<HashSet<_>>() == copied
            }
            _ => false,
        };
        let stays = |document: &Document| self.stays.manifest || matches!(document, Document::Index(_));
        let listing = documents.iter().find(|(_, document)| lists(document));
        let itself = || digests.first().filter(|_| copied.len() == 1).and_then(|one| documents.get_key_value(one));
        let (root, _) = listing.or_else(|| itself().filter(|(_, document)| stays(document)))?;
        let ledger = &self.run.answers.ledger;
        Some(Content { descriptor: ledger.met(source, root)?.0, bytes: ledger.bytes(root)? })
    }
}
