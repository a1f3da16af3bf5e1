//! A store in memory that behaves as a registry does: several repositories, tags, referrers, and checks at a push.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use parking_lot::RwLock;
use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};

use crate::links::{self, Links};
use crate::verify;
use crate::{Body, Content, Discover, Error, ErrorKind, Fetch, Operation, Origin, Push, Resolve, WithOrigin};

/// Repositories in memory. Clones share the store.
#[derive(Clone, Default)]
pub struct Memory {
    repositories: Arc<RwLock<HashMap<Repository, Holdings>>>,
}

/// The content of one repository.
#[derive(Default)]
struct Holdings {
    blobs: HashMap<Digest, Bytes>,
    manifests: HashMap<Digest, Content>,
    tags: BTreeMap<String, Digest>,
    /// By subject, in the order of their pushes.
    referrers: HashMap<Digest, Vec<Descriptor>>,
}

impl Holdings {
    fn find(&self, reference: &Reference) -> Option<&Content> {
        let digest = match reference.digest() {
            Some(digest) => digest,
            None => self.tags.get(reference.tag()?)?,
        };
        self.manifests.get(digest)
    }

    fn size(&self, digest: &Digest) -> Option<u64> {
        let bytes = self.blobs.get(digest).or_else(|| self.manifests.get(digest).map(|content| &content.bytes));
        bytes.map(|bytes| bytes.len() as u64)
    }

    fn put(&mut self, descriptor: &Descriptor, bytes: Bytes, tag: Option<&str>, links: Option<Links>) {
        if let Some(Links { subject: Some(subject), artifact_type, annotations, .. }) = links {
            let referrers = self.referrers.entry(subject.digest).or_default();
            if !referrers.iter().any(|known| known.digest == descriptor.digest) {
                referrers.push(Descriptor { artifact_type, annotations, ..descriptor.clone() });
            }
        }
        if let Some(tag) = tag {
            self.tags.insert(tag.to_owned(), descriptor.digest.clone());
        }
        self.manifests.insert(descriptor.digest.clone(), Content { descriptor: descriptor.clone(), bytes });
    }
}

impl Memory {
    /// Returns an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a manifest without any check: the content that it refers to may be absent or contradict it, and the bytes
    /// may be no manifest at all. This is for tests of code that reads from careless registries; [`Push`] checks.
    pub fn insert(&self, reference: &Reference, media_type: &str, bytes: impl Into<Bytes>) -> Descriptor {
        let bytes = bytes.into();
        let algorithm = reference.digest().map_or(Algorithm::Sha256, Digest::algorithm);
        let descriptor = Descriptor::new(media_type, verify::digest(algorithm, &bytes), bytes.len() as u64);
        let links = Links::read(media_type, &bytes).ok();
        self.write(reference.repository(), |held| held.put(&descriptor, bytes, reference.tag(), links));
        descriptor
    }

    fn read<T>(&self, repository: &Repository, found: impl FnOnce(&Holdings) -> Option<T>) -> Result<T, ErrorKind> {
        let repositories = self.repositories.read();
        repositories.get(repository).and_then(found).ok_or(ErrorKind::NotFound)
    }

    fn write<T>(&self, repository: &Repository, change: impl FnOnce(&mut Holdings) -> T) -> T {
        let mut repositories = self.repositories.write();
        change(repositories.entry(repository.clone()).or_default())
    }
}

fn answer<T>(value: T) -> WithOrigin<T> {
    WithOrigin { value, origin: Origin::Memory }
}

fn at_memory(operation: Operation, subject: impl std::fmt::Display) -> impl FnOnce(ErrorKind) -> Error {
    let subject = subject.to_string();
    move |kind| Error::new(operation, subject, kind).at(Origin::Memory)
}

#[async_trait]
impl Resolve for Memory {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.read(reference.repository(), |held| held.find(reference).map(|content| content.descriptor.clone()))
            .map(answer)
            .map_err(at_memory(Operation::Resolve, reference))
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.read(reference.repository(), |held| held.find(reference).cloned())
            .map(answer)
            .map_err(at_memory(Operation::Pull, reference))
    }
}

#[async_trait]
impl Fetch for Memory {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let digest = &descriptor.digest;
        let find = |held: &Holdings| {
            held.manifests.get(digest).map(|content| &content.bytes).or_else(|| held.blobs.get(digest)).cloned()
        };
        self.read(repository, find)
            .map(|bytes| Body::from_bytes(Origin::Memory, bytes))
            .map_err(at_memory(Operation::Fetch, format_args!("{repository}@{digest}")))
    }
}

#[async_trait]
impl Discover for Memory {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.read(repository, |held| Some(held.tags.keys().cloned().collect()))
            .map(answer)
            .map_err(at_memory(Operation::Tags, repository))
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let wanted = |of: &&Descriptor| artifact_type.is_none_or(|wanted| of.artifact_type.as_deref() == Some(wanted));
        let list =
            |held: &Holdings| held.referrers.get(subject).map(|all| all.iter().filter(wanted).cloned().collect());
        Ok(answer(self.read(repository, list).unwrap_or_default()))
    }
}

#[async_trait]
impl Push for Memory {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        let digest = &descriptor.digest;
        let found = |held: &Holdings| match links::is_manifest(&descriptor.media_type) {
            true => held.manifests.contains_key(digest).then_some(()),
            false => held.blobs.contains_key(digest).then_some(()),
        };
        Ok(self.read(repository, found).is_ok())
    }

    async fn tagged(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        let Some(tag) = reference.tag() else { return Ok(None) };
        Ok(self.read(reference.repository(), |held| held.tags.get(tag).cloned()).ok())
    }

    async fn mount(&self, repository: &Repository, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
        if repository.registry() != from.registry() {
            return Ok(false);
        }
        let Ok(bytes) = self.read(from, |held| held.blobs.get(&blob.digest).cloned()) else { return Ok(false) };
        self.write(repository, |held| held.blobs.insert(blob.digest.clone(), bytes));
        Ok(true)
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        let digest = &descriptor.digest;
        if self.read(repository, |held| held.blobs.contains_key(digest).then_some(())).is_ok() {
            return Ok(());
        }
        let pieces = verify::verified(descriptor, body).stream;
        let bytes: BytesMut = pieces.try_collect().await?;
        self.write(repository, |held| held.blobs.insert(digest.clone(), bytes.freeze()));
        Ok(())
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        let fail = at_memory(Operation::Push, destination);
        let check = || {
            let descriptor = verify::manifest(destination, media_type, &bytes)?;
            let links = Links::read(media_type, &bytes)?;
            self.write(destination.repository(), |held| {
                links.complete(false, |digest| Ok(held.size(digest)))?;
                held.put(&descriptor, bytes.clone(), destination.tag(), Some(links));
                Ok(descriptor)
            })
        };
        check().map_err(fail)
    }
}
