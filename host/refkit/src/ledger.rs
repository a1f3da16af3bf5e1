//! The digests that one run has observed: in which repository, and which content names which.
//!
//! The ledger is a view of the observations: [`Ledger::observe`] is the only way in. The host checks every outcome against
//! it, and puts its descriptors in the place of those that a policy returns.

mod document;
mod tables;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use refkit_content::ErrorKind;
use refkit_oci::document::{Document, media_type};
use refkit_oci::{Descriptor, Digest, Footprint, Reference, Repository};

pub(crate) use document::ReadDocument;
use tables::{MET, Met, Tables};

use crate::account::Account;
use crate::observation::{Answer, Call};

/// The media type of a root that only a delegate answered for.
pub(crate) const UNSEEN: &str = "application/octet-stream";

/// The tag or the digest that a reference names in its repository; with both, the digest counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    pub(crate) repository: Repository,
    pub(crate) tag: Option<String>,
    pub(crate) digest: Option<Digest>,
}

impl Name {
    pub(crate) fn of(reference: &Reference) -> Self {
        let digest = reference.digest().cloned();
        let tag = if digest.is_some() { None } else { reference.tag().map(str::to_owned) };
        Self { repository: reference.repository().clone(), tag, digest }
    }
}

impl Footprint for Name {
    fn footprint(&self) -> usize {
        self.repository.footprint() + self.tag.footprint() + self.digest.footprint()
    }
}

/// The record of a run. The memory that it takes is on the run's account.
#[derive(Debug)]
pub(crate) struct Ledger {
    tables: Mutex<Tables>,
    account: Arc<Account>,
}

impl Ledger {
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self { tables: Mutex::default(), account }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock()
    }

    /// Records the answer to a call, with the verified bytes that came with it.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] or [`ErrorKind::Unsupported`] for a manifest or index that the strict reader refuses;
    /// [`ErrorKind::Held`].
    pub(crate) fn observe(&self, call: &Call, answer: &Answer, bytes: Option<&Bytes>) -> Result<(), ErrorKind> {
        match (call, answer) {
            (Call::Resolve(reference), Answer::Resolved(descriptor)) => self.root(Name::of(reference), descriptor),
            (Call::Pull(reference), Answer::Pulled(descriptor)) => {
                // A document that is refused leaves nothing.
                bytes.map_or(Ok(()), |bytes| self.read(reference.repository(), descriptor, bytes))?;
                self.root(Name::of(reference), descriptor)
            }
            (Call::Fetch(repository, _), Answer::Fetched(descriptor)) => {
                bytes.map_or(Ok(()), |bytes| self.read(repository, descriptor, bytes))
            }
            (Call::Referrers(repository, subject, _), Answer::Referrers(list)) => {
                self.referrers(repository, subject, list)
            }
            (Call::Delegate(reference), Answer::Delegated { root, config }) => {
                self.delegated(reference, root, config.as_ref().map(|(digest, _)| digest).zip(bytes))
            }
            (Call::PushManifest(reference, _), Answer::Pushed(descriptor)) => {
                bytes.map_or(Ok(()), |bytes| self.read(reference.repository(), descriptor, bytes))?;
                // One tag, one answer per run: a policy that asked before the push keeps the answer that it got.
                let tag = reference.tag().map(str::to_owned);
                let name = Name { repository: reference.repository().clone(), tag, digest: None };
                match name.tag.is_some() && self.named(&name).is_none() {
                    true => self.root(name, descriptor),
                    false => Ok(()),
                }
            }
            (Call::PushBlob(repository, _), Answer::Pushed(descriptor))
            | (Call::Copy(_, repository, ..), Answer::Copied(descriptor)) => match bytes {
                Some(bytes) => self.read(repository, descriptor, bytes),
                None => self.meet(repository, descriptor),
            },
            // Tags name no digest. No other answer fits its call.
            _ => Ok(()),
        }
    }

    fn meet(&self, repository: &Repository, descriptor: &Descriptor) -> Result<(), ErrorKind> {
        let mut tables = self.tables();
        self.account.take(tables.unmet(repository, [descriptor]))?;
        tables.meet(repository, descriptor, 0);
        Ok(())
    }

    fn root(&self, name: Name, descriptor: &Descriptor) -> Result<(), ErrorKind> {
        let mut tables = self.tables();
        let met = tables.unmet(&name.repository, [descriptor]);
        self.account.take(name.footprint() + descriptor.digest.footprint() + met)?;
        tables.meet(&name.repository, descriptor, 0);
        tables.roots.insert(name, descriptor.digest.clone());
        Ok(())
    }

    /// Returns what a reference was found to name in this run. A reference with a digest names that, once it was met.
    pub(crate) fn named(&self, name: &Name) -> Option<Descriptor> {
        let tables = self.tables();
        let digest = name.digest.as_ref().or_else(|| tables.roots.get(name))?;
        Some(tables.find(&name.repository, digest)?.descriptor.clone())
    }

    /// Returns whether a digest is known to be a manifest or an index: a reference was answered with it, or its bytes
    /// were read, or a delegate answered for it. What an index or a list merely names may be something else.
    pub(crate) fn is_seen(&self, repository: &Repository, digest: &Digest) -> bool {
        let tables = self.tables();
        let answered = |(name, root): (&Name, &Digest)| name.repository == *repository && root == digest;
        tables.find(repository, digest).is_some_and(|met| met.document.is_some() || met.delegated.is_some())
            || tables.roots.iter().any(answered)
    }

    /// Returns the record of a digest that was met in a repository, and how far below a root.
    pub(crate) fn met(&self, repository: &Repository, digest: &Digest) -> Option<(Descriptor, u64)> {
        self.tables().find(repository, digest).map(|met| (met.descriptor.clone(), met.depth))
    }

    /// Returns another repository in which this run has read a manifest or an index.
    pub(crate) fn elsewhere(&self, repository: &Repository, digest: &Digest) -> Option<Repository> {
        let tables = self.tables();
        let read = |met: &Met| met.document.is_some();
        let others = tables.met.iter().filter(|(other, met)| *other != repository && met.get(digest).is_some_and(read));
        others.map(|(other, _)| other.clone()).min_by_key(Repository::to_string)
    }

    /// Returns a manifest or an index that this run has read.
    pub(crate) fn document(&self, repository: &Repository, digest: &Digest) -> Option<Arc<ReadDocument>> {
        self.tables().find(repository, digest)?.document.clone()
    }

    /// Returns the config of a manifest: the one that a delegate gave, or else the one that the manifest names.
    pub(crate) fn config(&self, repository: &Repository, manifest: &Digest) -> Option<Descriptor> {
        let tables = self.tables();
        let met = tables.find(repository, manifest)?;
        match (&met.delegated, &met.document) {
            (Some(config), _) => config.clone(),
            (None, Some(document)) => document.config().cloned(),
            (None, None) => None,
        }
    }

    /// Returns whether this run knows the manifest to be about the subject.
    pub(crate) fn about(&self, repository: &Repository, manifest: &Digest, subject: &Digest) -> bool {
        self.tables().find(repository, manifest).is_some_and(|met| met.subjects.contains(subject))
    }

    fn referrers(&self, repository: &Repository, subject: &Digest, list: &[Descriptor]) -> Result<(), ErrorKind> {
        let mut tables = self.tables();
        self.account.take(tables.unmet(repository, list) + list.len() * subject.footprint())?;
        for descriptor in list {
            tables.meet(repository, descriptor, 1).subjects.insert(subject.clone());
        }
        Ok(())
    }

    /// Records verified bytes, and what they name where they are a manifest or an index.
    fn read(&self, repository: &Repository, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), ErrorKind> {
        // Bytes that the run may not hold are not parsed at all.
        let aside = self.account.set_aside(bytes.len())?;
        let document = match media_type::is_document(&descriptor.media_type) {
            true => Some(Arc::new(ReadDocument::parse(&descriptor.media_type, bytes)?)),
            false => None,
        };
        drop(aside);
        let mut tables = self.tables();
        let content = if tables.contents.contains_key(&descriptor.digest) {
            0
        } else {
            descriptor.digest.footprint() + size_of::<Bytes>() + bytes.len()
        };
        let known = tables.find(repository, &descriptor.digest).is_some_and(|met| met.document.is_some());
        let document = document.filter(|_| !known);
        let attested = |entry: &Descriptor| entry.attests().map_or(0, str::len) + size_of::<Digest>();
        let met = document.as_ref().map_or(0, |document| {
            let attested: usize = document.entries().iter().map(attested).sum();
            document.footprint() + tables.unmet(repository, document.named()) + attested
        });
        self.account.take(content + tables.unmet(repository, [descriptor]) + met)?;
        tables.contents.entry(descriptor.digest.clone()).or_insert_with(|| bytes.clone());
        let met = tables.meet(repository, descriptor, 0);
        let depth = met.depth + 1;
        let Some(document) = document else { return Ok(()) };
        met.document = Some(document.clone());
        for child in document.blobs() {
            tables.meet(repository, child, depth);
        }
        for child in document.entries() {
            let subject = child.attests().and_then(|text| text.parse::<Digest>().ok());
            let met = tables.meet(repository, child, depth);
            met.subjects.extend(subject);
        }
        Ok(())
    }

    /// Records a delegate's answer: the manifest that it does not show, with the config where it gave one. A reference
    /// with a digest names that.
    fn delegated(
        &self,
        reference: &Reference,
        root: &Digest,
        config: Option<(&Digest, &Bytes)>,
    ) -> Result<(), ErrorKind> {
        let (name, repository) = (Name::of(reference), reference.repository());
        let mut tables = self.tables();
        let digest = name.digest.as_ref().unwrap_or(root);
        let known = tables.find(repository, digest).map(|met| met.descriptor.clone());
        let manifest = known.unwrap_or_else(|| Descriptor::new(UNSEEN, digest.clone(), 0));
        let config = config.map(|(digest, bytes)| {
            let docker = manifest.media_type == media_type::DOCKER_MANIFEST;
            let kind = if docker { media_type::DOCKER_CONFIG } else { media_type::CONFIG };
            (Descriptor::new(kind, digest.clone(), bytes.len() as u64), bytes)
        });
        let described = |(descriptor, bytes): &(Descriptor, &Bytes)| 2 * (descriptor.footprint() + MET) + bytes.len();
        let root = name.footprint() + manifest.digest.footprint() + tables.unmet(repository, [&manifest]);
        self.account.take(root + config.as_ref().map_or(0, described))?;
        if let Some((descriptor, bytes)) = &config {
            tables.contents.insert(descriptor.digest.clone(), Bytes::clone(bytes));
            tables.meet(repository, descriptor, 1);
        }
        let met = tables.meet(repository, &manifest, 0);
        if met.document.is_none() && met.delegated.as_ref().is_none_or(Option::is_none) {
            met.delegated = Some(config.map(|(descriptor, _)| descriptor));
        }
        tables.roots.insert(name, manifest.digest);
        Ok(())
    }

    /// Returns whether only a delegate answered for a manifest.
    pub(crate) fn is_delegated(&self, repository: &Repository, digest: &Digest) -> bool {
        self.tables().find(repository, digest).is_some_and(|met| met.delegated.is_some())
    }

    /// Returns bytes that this run has read.
    pub(crate) fn bytes(&self, digest: &Digest) -> Option<Bytes> {
        self.tables().contents.get(digest).cloned()
    }

    /// Returns all bytes that this run has read.
    pub(crate) fn contents(&self) -> HashMap<Digest, Bytes> {
        self.tables().contents.clone()
    }

    /// Returns the manifests and indexes that this run has read in a repository.
    pub(crate) fn documents(&self, repository: &Repository) -> HashMap<Digest, Arc<Document>> {
        let tables = self.tables();
        let met = tables.met.get(repository).into_iter().flatten();
        met.filter_map(|(digest, met)| Some((digest.clone(), met.document.as_ref()?.document().clone()))).collect()
    }
}
