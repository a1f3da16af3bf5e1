//! A source that asks a cache first.

use async_trait::async_trait;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use super::{Cache, worth_keeping};
use crate::verify::{self, MANIFEST_LIMIT};
use crate::{Answer, Body, Content, Discover, Error, Fetch, Operation, Origin, Resolve};

/// A source behind a [`Cache`].
#[derive(Debug, Clone)]
pub struct Cached<S> {
    source: S,
    cache: Cache,
}

impl<S> Cached<S> {
    /// Returns the source behind the cache.
    pub fn new(source: S, cache: Cache) -> Self {
        Self { source, cache }
    }

    /// Returns the source itself.
    pub fn source(&self) -> &S {
        &self.source
    }
}

#[async_trait]
impl<S: Resolve> Resolve for Cached<S> {
    async fn resolve(&self, reference: &Reference) -> Result<Answer<Descriptor>, Error> {
        match self.cache.manifest(reference) {
            Some(content) => Ok(Answer { value: content.descriptor, origin: Origin::Cache }),
            None => self.source.resolve(reference).await,
        }
    }

    async fn pull(&self, reference: &Reference) -> Result<Answer<Content>, Error> {
        if let Some(value) = self.cache.manifest(reference) {
            return Ok(Answer { value, origin: Origin::Cache });
        }
        let answer = self.source.pull(reference).await?;
        let Content { descriptor, bytes } = &answer.value;
        verify::check(descriptor, bytes)
            .and_then(|()| match reference.digest() {
                Some(wanted) if *wanted != descriptor.digest => verify::check_digest(wanted, bytes),
                _ => Ok(()),
            })
            .map_err(|problem| Error::new(Operation::Pull, reference, problem).at(&answer.origin))?;
        self.cache.insert(reference.repository(), descriptor, bytes, true);
        Ok(answer)
    }
}

#[async_trait]
impl<S: Fetch> Fetch for Cached<S> {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        if let Some(bytes) = self.cache.bytes(repository, &descriptor.digest) {
            return Ok(Body::from_bytes(Origin::Cache, bytes));
        }
        if !worth_keeping(descriptor) {
            return self.source.open(repository, descriptor).await;
        }
        // Read whole before it is handed on: it is small, and only verified bytes may enter. Inline data is no grant.
        let descriptor = Descriptor { data: None, ..descriptor.clone() };
        let answer = verify::fetch(&self.source, repository, &descriptor, MANIFEST_LIMIT).await?;
        self.cache.insert(repository, &descriptor, &answer.value, false);
        Ok(Body::from_bytes(answer.origin, answer.value))
    }
}

#[async_trait]
impl<S: Discover> Discover for Cached<S> {
    async fn tags(&self, repository: &Repository) -> Result<Answer<Vec<String>>, Error> {
        self.source.tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Answer<Vec<Descriptor>>, Error> {
        self.source.referrers(repository, subject, artifact_type).await
    }
}
