//! The digests that one run has observed: in which repository, and which content names which.
//!
//! The host checks every outcome against it, and puts its descriptors in the place of those that a policy returns.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use refkit_content::ErrorKind;
use refkit_oci::document::{self, Document, Index};
use refkit_oci::{Descriptor, Digest, Footprint, Reference, Repository};

use crate::account::Account;

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

/// The record of a run. What it keeps is on the run's account.
#[derive(Debug)]
pub(crate) struct Ledger {
    tables: Mutex<Tables>,
    account: Arc<Account>,
}

#[derive(Debug, Default)]
struct Tables {
    roots: HashMap<Name, Digest>,
    met: HashMap<Repository, HashMap<Digest, Met>>,
    contents: HashMap<Digest, Bytes>,
}

#[derive(Debug)]
struct Met {
    descriptor: Descriptor,
    depth: u64,
    document: Option<Arc<Names>>,
    subjects: HashSet<Digest>,
    /// Whether only a delegate answered for it, and the run has not read its bytes.
    delegated: bool,
}

/// What a manifest or an index names: read once in a run.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// An index.
    pub(crate) index: Option<Index>,
    /// A manifest's config.
    pub(crate) config: Option<Descriptor>,
    /// A manifest's layers.
    pub(crate) layers: Vec<Descriptor>,
    /// The places of an index's entries in the order of their digests: sorted when it is asked for one of them.
    order: OnceLock<Vec<u32>>,
}

impl Names {
    /// Returns the first entry of an index that has the digest.
    pub(crate) fn entry(&self, digest: &Digest) -> Option<&Descriptor> {
        let entries = self.entries();
        let order = self.order.get_or_init(|| {
            let mut order: Vec<u32> = (0..entries.len() as u32).collect();
            order.sort_by(|&a, &b| entries[a as usize].digest.cmp(&entries[b as usize].digest));
            order
        });
        let first = order.partition_point(|&place| entries[place as usize].digest < *digest);
        order.get(first).map(|&place| &entries[place as usize]).filter(|entry| entry.digest == *digest)
    }

    /// Returns an index's entries.
    pub(crate) fn entries(&self) -> &[Descriptor] {
        self.index.as_ref().map_or(&[], |index| &index.manifests)
    }

    fn all(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.layers).chain(self.entries())
    }
}

impl Footprint for Names {
    fn footprint(&self) -> usize {
        let index = self.index.as_ref().map_or(0, |index| {
            let subject = index.subject.footprint() + index.artifact_type.footprint();
            index.media_type.footprint() + subject + index.annotations.footprint() + index.unverifiable.footprint()
        });
        let order = self.entries().len() * size_of::<u32>();
        size_of::<Self>() + index + order + self.all().map(Descriptor::footprint).sum::<usize>()
    }
}

/// Bytes of memory that an observed digest takes besides its descriptor: its key, and its place in the table.
const MET: usize = size_of::<Met>() + size_of::<Digest>() + 128 + 32;

impl Ledger {
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self { tables: Mutex::default(), account }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock()
    }

    /// Records what a reference names in this run.
    ///
    /// # Errors
    /// [`ErrorKind::Held`].
    pub(crate) fn root(&self, name: Name, descriptor: &Descriptor) -> Result<(), ErrorKind> {
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
        tables.find(repository, digest).is_some_and(|met| met.document.is_some() || met.delegated)
            || tables.roots.iter().any(answered)
    }

    /// Returns the record of a digest that was met in a repository, and how far below a root.
    pub(crate) fn met(&self, repository: &Repository, digest: &Digest) -> Option<(Descriptor, u64)> {
        self.tables().find(repository, digest).map(|met| (met.descriptor.clone(), met.depth))
    }

    /// Returns what a manifest or index names, where this run has read it.
    pub(crate) fn names(&self, repository: &Repository, digest: &Digest) -> Option<Arc<Names>> {
        self.tables().find(repository, digest)?.document.clone()
    }

    /// Returns whether this run knows the manifest to be about the subject.
    pub(crate) fn about(&self, repository: &Repository, manifest: &Digest, subject: &Digest) -> bool {
        self.tables().find(repository, manifest).is_some_and(|met| met.subjects.contains(subject))
    }

    /// Records manifests that a registry lists as referrers of a subject.
    ///
    /// # Errors
    /// [`ErrorKind::Held`].
    pub(crate) fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        list: &[Descriptor],
    ) -> Result<(), ErrorKind> {
        let mut tables = self.tables();
        self.account.take(tables.unmet(repository, list) + list.len() * subject.footprint())?;
        for descriptor in list {
            tables.meet(repository, descriptor, 1).subjects.insert(subject.clone());
        }
        Ok(())
    }

    /// Records verified bytes, and what they name where they are a manifest or an index.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] or [`ErrorKind::Unsupported`] for a manifest or index that the strict reader refuses;
    /// [`ErrorKind::Held`].
    pub(crate) fn read(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        bytes: &Bytes,
    ) -> Result<(), ErrorKind> {
        // What is too much by itself is not read at all.
        let aside = self.account.set_aside(bytes.len())?;
        let names = if document::media_type::is_document(&descriptor.media_type) {
            Some(Arc::new(names(&descriptor.media_type, bytes)?))
        } else {
            None
        };
        drop(aside);
        let mut tables = self.tables();
        let content = if tables.contents.contains_key(&descriptor.digest) {
            0
        } else {
            descriptor.digest.footprint() + size_of::<Bytes>() + bytes.len()
        };
        let known = tables.find(repository, &descriptor.digest).is_some_and(|met| met.document.is_some());
        let names = names.filter(|_| !known);
        let attested = |entry: &Descriptor| entry.attests().map_or(0, str::len) + size_of::<Digest>();
        let met = names.as_ref().map_or(0, |names| {
            let attested: usize = names.entries().iter().map(attested).sum();
            names.footprint() + tables.unmet(repository, names.all()) + attested
        });
        self.account.take(content + tables.unmet(repository, [descriptor]) + met)?;
        tables.contents.entry(descriptor.digest.clone()).or_insert_with(|| bytes.clone());
        let met = tables.meet(repository, descriptor, 0);
        let depth = met.depth + 1;
        let Some(names) = names else { return Ok(()) };
        met.document = Some(names.clone());
        for child in names.config.iter().chain(&names.layers) {
            tables.meet(repository, child, depth);
        }
        for child in names.entries() {
            let subject = child.attests().and_then(|text| text.parse::<Digest>().ok());
            let met = tables.meet(repository, child, depth);
            met.subjects.extend(subject);
        }
        Ok(())
    }

    /// Records a delegate's answer about a manifest that it does not show, with the config where it gave one.
    ///
    /// # Errors
    /// [`ErrorKind::Held`].
    pub(crate) fn delegated(
        &self,
        repository: &Repository,
        manifest: &Descriptor,
        config: Option<(&Descriptor, &Bytes)>,
    ) -> Result<(), ErrorKind> {
        let mut tables = self.tables();
        let described = config.map_or(0, |(descriptor, bytes)| 2 * (descriptor.footprint() + MET) + bytes.len());
        self.account.take(tables.unmet(repository, [manifest]) + described)?;
        if let Some((descriptor, bytes)) = config {
            tables.contents.insert(descriptor.digest.clone(), bytes.clone());
            tables.meet(repository, descriptor, 1);
        }
        let met = tables.meet(repository, manifest, 0);
        if met.document.is_none() {
            let config = config.map(|(descriptor, _)| descriptor.clone());
            met.document = Some(Arc::new(Names { config, ..Names::default() }));
            met.delegated = true;
        }
        Ok(())
    }

    /// Returns whether only a delegate answered for a manifest.
    pub(crate) fn is_delegated(&self, repository: &Repository, digest: &Digest) -> bool {
        self.tables().find(repository, digest).is_some_and(|met| met.delegated)
    }

    /// Returns bytes that this run has read.
    pub(crate) fn bytes(&self, digest: &Digest) -> Option<Bytes> {
        self.tables().contents.get(digest).cloned()
    }

    /// Returns all bytes that this run has read.
    pub(crate) fn contents(&self) -> HashMap<Digest, Bytes> {
        self.tables().contents.clone()
    }

    /// Returns what this run has read in a repository of indexes, by their digests.
    pub(crate) fn indexes(&self, repository: &Repository) -> HashMap<Digest, Arc<Names>> {
        let tables = self.tables();
        let met = tables.met.get(repository).into_iter().flatten();
        let read = met.filter_map(|(digest, met)| Some((digest, met.document.as_ref()?)));
        let indexes = read.filter(|(_, names)| names.index.is_some());
        indexes.map(|(digest, names)| (digest.clone(), names.clone())).collect()
    }
}

impl Tables {
    fn find(&self, repository: &Repository, digest: &Digest) -> Option<&Met> {
        self.met.get(repository)?.get(digest)
    }

    /// Returns what meeting descriptors takes: those that are known take nothing.
    fn unmet<'a>(&self, repository: &Repository, descriptors: impl IntoIterator<Item = &'a Descriptor>) -> usize {
        let known = self.met.get(repository);
        let table = if known.is_some() { 0 } else { repository.footprint() + size_of::<HashMap<Digest, Met>>() };
        let descriptors = descriptors.into_iter();
        let new = descriptors.filter(|descriptor| known.is_none_or(|known| !known.contains_key(&descriptor.digest)));
        table + new.map(|descriptor| descriptor.footprint() + MET).sum::<usize>()
    }

    /// The first descriptor that this run met for a digest stays its record.
    fn meet(&mut self, repository: &Repository, descriptor: &Descriptor, depth: u64) -> &mut Met {
        if !self.met.contains_key(repository) {
            self.met.insert(repository.clone(), HashMap::new());
        }
        let known = self.met.get_mut(repository).expect("it was just put there");
        known.entry(descriptor.digest.clone()).or_insert_with(|| Met {
            descriptor: descriptor.clone(),
            depth,
            document: None,
            subjects: HashSet::new(),
            delegated: false,
        })
    }
}

fn names(media_type: &str, bytes: &[u8]) -> Result<Names, ErrorKind> {
    let document = document::read(Some(media_type), bytes, &document::Limits::default());
    Ok(match document.map_err(problem)? {
        Document::Index(index) => Names { index: Some(index), ..Names::default() },
        Document::Manifest(manifest) => {
            Names { config: Some(manifest.config), layers: manifest.layers, ..Names::default() }
        }
    })
}

fn problem(error: document::DocumentError) -> ErrorKind {
    if error.is_unsupported() {
        ErrorKind::Unsupported(error.to_string())
    } else {
        ErrorKind::Malformed(error.to_string())
    }
}
