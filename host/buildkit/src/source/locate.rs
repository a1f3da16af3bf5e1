//! One digest for each tag: which request BuildKit gets for a reference, and when it gets none.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use refkit_content::ErrorKind;
use refkit_oci::Digest;

use super::Inner;
use super::meta::{MetaKey, Metadata};

impl Inner {
    /// Returns BuildKit's metadata of a reference.
    pub fn metadata(self: &Arc<Self>, key: MetaKey) -> BoxFuture<'static, Result<Metadata, ErrorKind>> {
        let inner = Arc::clone(self);
        async move {
            if let Some(metadata) = inner.record.metadata(&inner.pinned(&key)) {
                return Ok(metadata);
            }
            let asking = Arc::clone(&inner);
            inner.metadata.join(key.clone(), || asking.locate(key).boxed()).await
        }
        .boxed()
    }

    /// Returns the request for the digest that a tag keeps. Returns the same request for a tag without a digest.
    fn pinned(&self, key: &MetaKey) -> MetaKey {
        let digest = key.reference.digest().cloned().or_else(|| self.record.pinned(&key.reference));
        let reference = digest.map_or_else(|| key.reference.clone(), |digest| key.reference.with_digest(digest));
        MetaKey { reference, ..key.clone() }
    }

    async fn locate(self: Arc<Self>, key: MetaKey) -> Result<Metadata, ErrorKind> {
        if key.reference.digest().is_some() {
            return self.ask_pinned(key).await;
        }
        // The first response pins the tag for all platforms, so the other requests wait for it.
        let lock = self.record.tag_lock(&key.reference);
        let guard = lock.lock().await;
        if let Some(digest) = self.record.pinned(&key.reference) {
            drop(guard);
            return self.ask_again(key, digest).await;
        }
        self.record.note_tag(&key);
        let metadata = self.ask(&key).await?;
        self.record.pin(key.reference.clone(), metadata.digest.clone());
        self.record.keep_metadata(self.pinned(&key), &metadata);
        Ok(metadata)
    }

    async fn ask_pinned(&self, key: MetaKey) -> Result<Metadata, ErrorKind> {
        let metadata = self.ask(&key).await?;
        self.record.keep_metadata(key, &metadata);
        Ok(metadata)
    }

    /// Resolves a tag that keeps a digest for one more platform. BuildKit records the tag and the platform of each request,
    /// and omits a digest from the provenance where the tag is there as well. So the request has the tag, as a frontend's
    /// would. The tag keeps its first digest nevertheless: where the tag has moved or is gone, the source asks for that
    /// digest.
    async fn ask_again(&self, key: MetaKey, digest: Digest) -> Result<Metadata, ErrorKind> {
        let pinned = self.pinned(&key);
        if !self.record.note_tag(&key) {
            return self.ask_pinned(pinned).await;
        }
        let repository = self.record.repository(key.reference.repository())?;
        if let Ok(response) = self.ask_for(&repository, &key, key.platform.as_ref()).await {
            let metadata = self.read(&key.reference, &repository, response.into_view())?;
            if metadata.digest == digest {
                self.record.keep_metadata(pinned, &metadata);
                return Ok(metadata);
            }
            self.record.note_moved(key.reference, metadata.digest);
        }
        self.ask_pinned(pinned).await
    }
}
