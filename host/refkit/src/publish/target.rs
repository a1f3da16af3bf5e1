//! The destination of a publishing run.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::ready;
use refkit_content::once::OnceMap;
use refkit_content::{Body, Error, Push, verify};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

/// The destination of a run, which gets each blob and each manifest once, and no tag that names its manifest already.
/// Copies that run side by side have content in common, and a registry that gets the same blob twice at once can answer for
/// a moment that it has none.
pub(super) struct Target {
    destination: Arc<dyn Push>,
    /// What is there, and whether it was mounted.
    blobs: OnceMap<(Repository, Digest), bool>,
    manifests: OnceMap<(Repository, Digest), Descriptor>,
    /// What the tags named that a copy asked for.
    tags: OnceMap<(Repository, String), Option<Digest>>,
}

impl Target {
    pub(super) fn new(destination: Arc<dyn Push>) -> Self {
        Self { destination, blobs: OnceMap::default(), manifests: OnceMap::default(), tags: OnceMap::default() }
    }

    /// Returns whether a tag names these bytes already, by an answer of this run.
    fn names(&self, destination: &Reference, media_type: &str, bytes: &Bytes) -> Option<Descriptor> {
        let key = (destination.repository().clone(), destination.tag()?.to_owned());
        let known = self.tags.known(&key).flatten()?;
        let descriptor = verify::manifest(destination, media_type, bytes).ok()?;
        (known == descriptor.digest).then_some(descriptor)
    }

    /// Pushes a manifest that has no tag once.
    async fn once(
        &self,
        destination: &Reference,
        push: impl Future<Output = Result<Descriptor, Error>>,
    ) -> Result<Descriptor, Error> {
        let repository = destination.repository();
        let pushed = match (destination.tag(), destination.digest()) {
            (None, Some(digest)) => self.manifests.try_get((repository.clone(), digest.clone()), push).await,
            _ => push.await,
        };
        if pushed.is_err() {
            self.forget(repository);
        }
        pushed
    }

    /// Asks the destination again from now on: it refused a manifest, and may have lost what the manifest refers to.
    fn forget(&self, repository: &Repository) {
        self.blobs.shrink(0, |(of, _)| of != repository);
        self.manifests.shrink(0, |(of, _)| of != repository);
    }
}

#[async_trait]
impl Push for Target {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        let there = self.destination.has(repository, descriptor).await?;
        if there && media_type::is_document(&descriptor.media_type) {
            let known = Descriptor::new(&*descriptor.media_type, descriptor.digest.clone(), descriptor.size);
            self.manifests.get((repository.clone(), descriptor.digest.clone()), ready(known)).await;
        }
        Ok(there)
    }

    async fn tagged(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        let Some(tag) = reference.tag() else { return Ok(None) };
        let key = (reference.repository().clone(), tag.to_owned());
        self.tags.try_get(key, self.destination.tagged(reference)).await
    }

    async fn mount(&self, repository: &Repository, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
        let mount = async {
            match self.destination.mount(repository, blob, from).await {
                Ok(true) => Ok(true),
                Ok(false) => Err(None),
                Err(error) => Err(Some(error)),
            }
        };
        match self.blobs.try_get((repository.clone(), blob.digest.clone()), mount).await {
            // A blob that was pushed says nothing about mounts, and its next push sends no request.
            Ok(mounted) => Ok(mounted),
            Err(None) => Ok(false),
            Err(Some(error)) => Err(error),
        }
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        let push = async { self.destination.push_blob(repository, descriptor, body).await.map(|()| false) };
        self.blobs.try_get((repository.clone(), descriptor.digest.clone()), push).await.map(drop)
    }

    async fn push_referrer(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        let push = self.destination.push_referrer(destination, media_type, bytes);
        self.once(destination, push).await
    }

    async fn complete_referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        present: &[Descriptor],
    ) -> Result<(), Error> {
        self.destination.complete_referrers(repository, subject, present).await
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        if let Some(descriptor) = self.names(destination, media_type, &bytes) {
            // The push that moved the tag may have ended before the list of referrers was written.
            if let Some((subject, entry)) = refkit_content::referrer(&descriptor, &bytes) {
                self.destination.complete_referrers(destination.repository(), &subject, &[entry]).await?;
            }
            return Ok(descriptor);
        }
        let pushed = self.once(destination, self.destination.push_manifest(destination, media_type, bytes)).await;
        let repository = destination.repository();
        if let Some(tag) = destination.tag() {
            self.tags.forget(&(repository.clone(), tag.to_owned()));
        }
        pushed
    }
}

#[cfg(test)]
mod tests;
