//! The source of a publishing run, and the destination of a dry one.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_content::once::OnceMap;
use refkit_content::verify;
use refkit_content::{
    Body, Content, Discover, Error, ErrorCode, ErrorKind, Fetch, Operation, Origin, Push, Resolve, Source, WithOrigin,
};
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use super::listed::Listed;
use super::placed::{Placed, Record};
use crate::refusals::Refusals;

/// The source of a publishing run. It reads what the run has put into a destination from where that came: after a dry run
/// it is nowhere else.
#[derive(Clone)]
pub(super) struct RunSource {
    pub(super) source: Arc<dyn Source>,
    pub(super) record: Arc<Record>,
    pub(super) listed: Arc<Listed>,
    /// Where copies read, and no policy.
    pub(super) copies: Option<Arc<Copies>>,
    pub(super) dry_run: bool,
}

/// What the copies of a run share.
pub(super) struct Copies {
    /// A copy does not read what a resolution policy has refused.
    refusals: Arc<Refusals>,
    /// Each copy looks for the tags of cosign.
    tags: OnceMap<Repository, Result<WithOrigin<Vec<String>>, Error>>,
}

impl Copies {
    pub(super) fn new(refusals: Arc<Refusals>) -> Self {
        Self { refusals, tags: OnceMap::default() }
    }
}

impl RunSource {
    /// Opens content that this run has not put into a repository. A copy that finds it lost there opens it where other
    /// content of the repository came from.
    async fn open_copied(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let opened = self.source.open(repository, descriptor).await;
        match opened {
            Err(error) if self.copies.is_some() && error.code() == ErrorCode::NotFound => {
                for from in self.record.origins(repository) {
                    if let Ok(body) = self.source.open(&from, descriptor).await {
                        return Ok(body);
                    }
                }
                Err(error)
            }
            opened => opened,
        }
    }

    /// Checks that a copy may read content.
    fn may_read(&self, repository: &Repository, digest: &Digest) -> Result<(), Error> {
        match &self.copies {
            Some(copies) if copies.refusals.refuses(digest) => {
                Err(Error::new(Operation::Fetch, format_args!("{repository}@{digest}"), refused()))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Resolve for RunSource {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.source.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        let pulled = self.source.pull(reference).await?;
        self.may_read(reference.repository(), &pulled.value.descriptor.digest)?;
        Ok(pulled)
    }
}

#[async_trait]
impl Fetch for RunSource {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        self.may_read(repository, &descriptor.digest)?;
        match self.record.find(repository, &descriptor.digest) {
            Some(Placed::Pushed(_, bytes)) => Ok(Body::from_bytes(Origin::Memory, bytes)),
            Some(Placed::Copied(_, from)) => self.source.open(&from, descriptor).await,
            None => self.open_copied(repository, descriptor).await,
        }
    }
}

#[async_trait]
impl Discover for RunSource {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        if let Some(copies) = &self.copies {
            return copies.tags.get(repository.clone(), self.source.tags(repository)).await;
        }
        let moved = if self.dry_run { self.record.tags(repository) } else { Vec::new() };
        let mut tags = match self.source.tags(repository).await {
            Ok(tags) => tags,
            // The push would have made the repository.
            Err(Error { kind: ErrorKind::NotFound, .. }) if !moved.is_empty() => {
                WithOrigin { value: Vec::new(), origin: Origin::Memory }
            }
            Err(error) => return Err(error),
        };
        for tag in moved {
            if !tags.value.contains(&tag) {
                let place = tags.value.partition_point(|known| *known < tag);
                tags.value.insert(place, tag);
            }
        }
        Ok(tags)
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        self.listed.get(&*self.source, (repository, subject), artifact_type).await
    }
}

/// Returns the error for content that a resolution policy has refused in this run.
pub(super) fn refused() -> ErrorKind {
    ErrorKind::NotGranted("a policy of this run has refused it".into())
}

/// The destination of a dry run: it answers as if it had written, and sends nothing.
pub(super) struct DryRun(pub(super) Arc<dyn Push>);

#[async_trait]
impl Push for DryRun {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        self.0.has(repository, descriptor).await
    }

    async fn tagged(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        self.0.tagged(reference).await
    }

    async fn push_blob(&self, _: &Repository, _: &Descriptor, _: Body) -> Result<(), Error> {
        Ok(())
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        let described = verify::manifest(destination, media_type, &bytes);
        described.map_err(|kind| Error::new(Operation::Push, destination, kind))
    }
}
