//! One tag, one answer: which question BuildKit is asked about a reference, and when none.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use refkit_content::ErrorKind;
use refkit_oci::Digest;

use super::Inner;
use super::meta::{MetaKey, Metadata};

impl Inner {
    /// Returns what BuildKit says of a reference.
    pub fn metadata(self: &Arc<Self>, key: MetaKey) -> BoxFuture<'static, Result<Metadata, ErrorKind>> {
        let inner = Arc::clone(self);
        async move {
            if let Some(answer) = inner.record.answered(&inner.pinned(&key)) {
                return Ok(answer);
            }
            let asking = Arc::clone(&inner);
            inner.metadata.join(key.clone(), || asking.locate(key).boxed()).await
        }
        .boxed()
    }

    /// Returns the question about what a tag is pinned to; the same question, where it has no answer yet.
    fn pinned(&self, key: &MetaKey) -> MetaKey {
        let digest = key.reference.digest().cloned().or_else(|| self.record.pinned(&key.reference));
        let reference = digest.map_or_else(|| key.reference.clone(), |digest| key.reference.with_digest(digest));
        MetaKey { reference, ..key.clone() }
    }

    async fn locate(self: Arc<Self>, key: MetaKey) -> Result<Metadata, ErrorKind> {
        if key.reference.digest().is_some() {
            return self.ask_pinned(key).await;
        }
        // One platform after the other, until one has an answer for all.
        let gate = self.record.gate(&key.reference);
        let guard = gate.lock().await;
        if let Some(digest) = self.record.pinned(&key.reference) {
            drop(guard);
            return self.ask_again(key, digest).await;
        }
        self.record.note_tag(&key);
        let answer = self.ask(&key).await?;
        self.record.pin(key.reference.clone(), answer.digest.clone());
        self.record.answer(self.pinned(&key), &answer);
        Ok(answer)
    }

    async fn ask_pinned(&self, key: MetaKey) -> Result<Metadata, ErrorKind> {
        let answer = self.ask(&key).await?;
        self.record.answer(key, &answer);
        Ok(answer)
    }

    /// Asks by a tag that has its answer, for one more platform. BuildKit records which tag was asked for which platform,
    /// and leaves out of a build's provenance what was asked by digest where the tag is there as well; so the tag is
    /// asked for every platform, as a frontend does. The first answer stays nevertheless: where the tag names something
    /// else by now, or nothing, what it was pinned to is asked for.
    async fn ask_again(&self, key: MetaKey, digest: Digest) -> Result<Metadata, ErrorKind> {
        let pinned = self.pinned(&key);
        if !self.record.note_tag(&key) {
            return self.ask_pinned(pinned).await;
        }
        let place = self.record.place(key.reference.repository())?;
        if let Ok(answer) = self.ask_for(&place, &key, key.platform.as_ref()).await {
            let answer = self.read(&key.reference, &place, answer.into_view())?;
            if answer.digest == digest {
                self.record.answer(pinned, &answer);
                return Ok(answer);
            }
            self.record.note_moved(key.reference, answer.digest);
        }
        self.ask_pinned(pinned).await
    }
}
