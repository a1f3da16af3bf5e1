//! The traits for an [`Arc`]: a shared source can be wrapped, copied from and pushed to like any other.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use crate::{Body, Content, Discover, Error, Fetch, Principal, Push, Resolve, WithOrigin};

#[async_trait]
impl<T: Resolve + ?Sized> Resolve for Arc<T> {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        (**self).resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        (**self).pull(reference).await
    }
}

#[async_trait]
impl<T: Fetch + ?Sized> Fetch for Arc<T> {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        (**self).open(repository, descriptor).await
    }
}

#[async_trait]
impl<T: Discover + ?Sized> Discover for Arc<T> {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        (**self).tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        (**self).referrers(repository, subject, artifact_type).await
    }
}

#[async_trait]
impl<T: Push + ?Sized> Push for Arc<T> {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        (**self).has(repository, descriptor).await
    }

    async fn tagged(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        (**self).tagged(reference).await
    }

    async fn mount(&self, repository: &Repository, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
        (**self).mount(repository, blob, from).await
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        (**self).push_blob(repository, descriptor, body).await
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        (**self).push_manifest(destination, media_type, bytes).await
    }

    async fn push_referrer(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        (**self).push_referrer(destination, media_type, bytes).await
    }

    async fn complete_referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        present: &[Descriptor],
    ) -> Result<(), Error> {
        (**self).complete_referrers(repository, subject, present).await
    }
}

#[async_trait]
impl<T: Principal + ?Sized> Principal for Arc<T> {
    async fn principal(&self, repository: &Repository) -> Result<[u8; 32], Error> {
        (**self).principal(repository).await
    }

    async fn anonymous(&self, repository: &Repository) -> Option<[u8; 32]> {
        (**self).anonymous(repository).await
    }

    fn is_anonymous(&self, repository: &Repository) -> bool {
        (**self).is_anonymous(repository)
    }
}
