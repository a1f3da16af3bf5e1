//! Reads the layout as it is at each call.

use std::sync::Arc;

use async_trait::async_trait;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use super::LayoutWriter;
use crate::layout::Layout;
use crate::{Body, Content, Discover, Error, Fetch, Resolve, WithOrigin};

impl LayoutWriter {
    /// Returns the layout as it is now.
    ///
    /// # Errors
    /// Any error of [`Layout::open`].
    pub async fn now(&self) -> Result<Layout, Error> {
        Layout::open_as(Arc::clone(&self.directory.path), self.repository.clone(), Arc::clone(&self.subjects)).await
    }
}

#[async_trait]
impl Resolve for LayoutWriter {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.now().await?.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.now().await?.pull(reference).await
    }
}

#[async_trait]
impl Fetch for LayoutWriter {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        self.now().await?.open(repository, descriptor).await
    }
}

#[async_trait]
impl Discover for LayoutWriter {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.now().await?.tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        self.now().await?.referrers(repository, subject, artifact_type).await
    }
}
