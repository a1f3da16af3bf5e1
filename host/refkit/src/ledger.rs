//! What one run has met: which digests, in which repository, and which content names which.
//!
//! This is what an outcome is held against, and what stands in for every descriptor that a policy hands back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use refkit_content::Problem;
use refkit_oci::document::{self, Document};
use refkit_oci::{Descriptor, Digest, Reference, Repository};

/// What a reference asks for in its repository: the digest decides where there is one.
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

/// The record of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Tables>);

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
    subjects: Vec<Digest>,
    /// Whether a transport's word stands for it: nobody has seen its bytes.
    vouched: bool,
}

/// What a manifest or an index names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// An index's entries.
    pub(crate) entries: Vec<Descriptor>,
    /// A manifest's config.
    pub(crate) config: Option<Descriptor>,
    /// A manifest's layers.
    pub(crate) layers: Vec<Descriptor>,
}

impl Ledger {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Records what a reference names in this run.
    pub(crate) fn root(&self, name: Name, descriptor: &Descriptor) {
        let mut tables = self.tables();
        tables.meet(&name.repository, descriptor, 0);
        tables.roots.insert(name, descriptor.digest.clone());
    }

    /// Returns what a reference was found to name in this run. A reference with a digest names that, once it was met.
    pub(crate) fn named(&self, name: &Name) -> Option<Descriptor> {
        let tables = self.tables();
        let digest = name.digest.as_ref().or_else(|| tables.roots.get(name))?;
        Some(tables.find(&name.repository, digest)?.descriptor.clone())
    }

    /// Returns whether a digest is known to be a manifest or an index: a reference was answered with it, or its bytes
    /// were read, or a transport vouches for it. What an index or a list merely names may be something else.
    pub(crate) fn is_seen(&self, repository: &Repository, digest: &Digest) -> bool {
        let tables = self.tables();
        let answered = |(name, root): (&Name, &Digest)| name.repository == *repository && root == digest;
        tables.find(repository, digest).is_some_and(|met| met.document.is_some() || met.vouched)
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
    pub(crate) fn referrers(&self, repository: &Repository, subject: &Digest, list: &[Descriptor]) {
        let mut tables = self.tables();
        for descriptor in list {
            tables.meet(repository, descriptor, 1).subject(subject);
        }
    }

    /// Records verified bytes, and what they name where they are a manifest or an index.
    ///
    /// # Errors
    /// [`Problem::Malformed`] or [`Problem::Unsupported`] for a manifest or index that the strict reader refuses.
    pub(crate) fn read(&self, repository: &Repository, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), Problem> {
        let names = if document::media_type::is_document(&descriptor.media_type) {
            Some(Arc::new(names(&descriptor.media_type, bytes)?))
        } else {
            None
        };
        let mut tables = self.tables();
        tables.contents.insert(descriptor.digest.clone(), bytes.clone());
        let met = tables.meet(repository, descriptor, 0);
        let depth = met.depth + 1;
        if met.document.is_some() {
            return Ok(());
        }
        met.document.clone_from(&names);
        for child in names.iter().flat_map(|names| names.config.iter().chain(&names.layers)) {
            tables.meet(repository, child, depth);
        }
        for child in names.iter().flat_map(|names| &names.entries) {
            let subject = child.attests().and_then(|text| text.parse::<Digest>().ok());
            let met = tables.meet(repository, child, depth);
            if let Some(subject) = subject {
                met.subject(&subject);
            }
        }
        Ok(())
    }

    /// Records a config that a transport's word gives to a manifest which it does not show.
    pub(crate) fn vouch(&self, repository: &Repository, manifest: &Descriptor, config: Option<(&Descriptor, &Bytes)>) {
        let mut tables = self.tables();
        if let Some((descriptor, bytes)) = config {
            tables.contents.insert(descriptor.digest.clone(), bytes.clone());
            tables.meet(repository, descriptor, 1);
        }
        let met = tables.meet(repository, manifest, 0);
        if met.document.is_none() {
            let config = config.map(|(descriptor, _)| descriptor.clone());
            met.document = Some(Arc::new(Names { config, ..Names::default() }));
            met.vouched = true;
        }
    }

    /// Returns whether a transport's word stands for a manifest.
    pub(crate) fn is_vouched(&self, repository: &Repository, digest: &Digest) -> bool {
        self.tables().find(repository, digest).is_some_and(|met| met.vouched)
    }

    /// Returns bytes that this run has read.
    pub(crate) fn bytes(&self, digest: &Digest) -> Option<Bytes> {
        self.tables().contents.get(digest).cloned()
    }

    /// Returns all bytes that this run has read.
    pub(crate) fn contents(&self) -> HashMap<Digest, Bytes> {
        self.tables().contents.clone()
    }
}

impl Tables {
    fn find(&self, repository: &Repository, digest: &Digest) -> Option<&Met> {
        self.met.get(repository)?.get(digest)
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
            subjects: Vec::new(),
            vouched: false,
        })
    }
}

impl Met {
    fn subject(&mut self, subject: &Digest) {
        if !self.subjects.contains(subject) {
            self.subjects.push(subject.clone());
        }
    }
}

fn names(media_type: &str, bytes: &[u8]) -> Result<Names, Problem> {
    let document = document::read(Some(media_type), bytes, &document::Limits::default());
    Ok(match document.map_err(problem)? {
        Document::Index(index) => Names { entries: index.manifests, ..Names::default() },
        Document::Manifest(manifest) => {
            Names { entries: Vec::new(), config: Some(manifest.config), layers: manifest.layers }
        }
    })
}

fn problem(error: document::DocumentError) -> Problem {
    if error.is_unsupported() { Problem::Unsupported(error.to_string()) } else { Problem::Malformed(error.to_string()) }
}
