//! Several stores as one: a repository decides which of them answers.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use crate::{Body, Content, Discover, Error, Fetch, Push, Resolve, Source, WithOrigin};

/// A source or a destination of several stores. Each named repository has a store of its own, such as a layout; one store
/// has all others, such as a client of registries.
///
/// ```
/// use std::sync::Arc;
/// use refkit_content::{Memory, Push, Resolve as _, Routed, Source};
/// use refkit_oci::Reference;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (rest, store) = (Memory::new(), Memory::new());
/// let to = Reference::parse("registry.example/app:1.0")?;
/// let targets = Routed::<dyn Push>::new(Arc::new(rest.clone()));
/// let targets = targets.with(to.repository().clone(), Arc::new(store.clone()));
/// let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
/// targets.push_manifest(&to, "application/vnd.oci.image.index.v1+json", index.into()).await?;
///
/// assert!(store.resolve(&to).await.is_ok());
/// assert!(rest.resolve(&to).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Routed<T: ?Sized> {
    rest: Arc<T>,
    stores: HashMap<Repository, Arc<T>>,
}

impl<T: ?Sized> Clone for Routed<T> {
    fn clone(&self) -> Self {
        Self { rest: self.rest.clone(), stores: self.stores.clone() }
    }
}

impl<T: ?Sized> Routed<T> {
    /// Returns one store for all repositories.
    pub fn new(rest: Arc<T>) -> Self {
        Self { rest, stores: HashMap::new() }
    }

    /// Sets the store of a repository.
    #[must_use]
    pub fn with(mut self, repository: Repository, store: Arc<T>) -> Self {
        self.stores.insert(repository, store);
        self
    }

    fn of(&self, repository: &Repository) -> &T {
        self.stores.get(repository).unwrap_or(&self.rest)
    }
}

#[async_trait]
impl Resolve for Routed<dyn Source> {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.of(reference.repository()).resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.of(reference.repository()).pull(reference).await
    }
}

#[async_trait]
impl Fetch for Routed<dyn Source> {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        self.of(repository).open(repository, descriptor).await
    }
}

#[async_trait]
impl Discover for Routed<dyn Source> {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.of(repository).tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        self.of(repository).referrers(repository, subject, artifact_type).await
    }
}

#[async_trait]
impl Push for Routed<dyn Push> {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        self.of(repository).has(repository, descriptor).await
    }

    async fn tagged(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        self.of(reference.repository()).tagged(reference).await
    }

    async fn mount(&self, repository: &Repository, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
        self.of(repository).mount(repository, blob, from).await
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        self.of(repository).push_blob(repository, descriptor, body).await
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        self.of(destination.repository()).push_manifest(destination, media_type, bytes).await
    }

    async fn push_referrer(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        self.of(destination.repository()).push_referrer(destination, media_type, bytes).await
    }

    async fn complete_referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        present: &[Descriptor],
    ) -> Result<(), Error> {
        self.of(repository).complete_referrers(repository, subject, present).await
    }
}
