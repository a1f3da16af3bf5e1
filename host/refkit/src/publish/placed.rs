//! What one run has put into the destinations, and what it still has to push.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use parking_lot::Mutex;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

/// How a run put content into a repository.
#[derive(Debug, Clone)]
pub(super) enum Placed {
    /// The run has pushed these bytes.
    Pushed(Descriptor, Bytes),
    /// The run has copied the content from this repository.
    Copied(Descriptor, Repository),
}

impl Placed {
    fn descriptor(&self) -> &Descriptor {
        match self {
            Self::Pushed(descriptor, _) | Self::Copied(descriptor, _) => descriptor,
        }
    }
}

/// A manifest or an index whose content is at the destination, and that is not itself pushed yet. A tag mostly follows, and
/// one request pushes both.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
}

#[derive(Debug, Default)]
struct Tables {
    placed: HashMap<Repository, HashMap<Digest, Placed>>,
    waiting: HashMap<Repository, HashMap<Digest, Waiting>>,
    tags: HashMap<(Repository, String), Digest>,
    absent: BTreeSet<Digest>,
}

/// The record of what a run has written.
#[derive(Debug, Default)]
pub(super) struct Record(Mutex<Tables>);

impl Record {
    /// Records content that is at a destination now. The first record of a digest stays.
    pub(super) fn place(&self, repository: &Repository, placed: Placed) {
        let mut tables = self.0.lock();
        let digest = placed.descriptor().digest.clone();
        tables.placed.entry(repository.clone()).or_default().entry(digest).or_insert(placed);
    }

    /// Returns how content came into a repository in this run.
    pub(super) fn find(&self, repository: &Repository, digest: &Digest) -> Option<Placed> {
        self.0.lock().placed.get(repository)?.get(digest).cloned()
    }

    /// Returns the repositories from which this run copied something into another one.
    pub(super) fn origins(&self, repository: &Repository) -> Vec<Repository> {
        let tables = self.0.lock();
        let mut origins = Vec::new();
        for placed in tables.placed.get(repository).into_iter().flat_map(HashMap::values) {
            if let Placed::Copied(_, from) = placed
                && !origins.contains(from)
            {
                origins.push(from.clone());
            }
        }
        origins.sort_by_key(Repository::to_string);
        origins
    }

    /// Returns the descriptor of content that this run put into a repository.
    pub(super) fn descriptor(&self, repository: &Repository, digest: &Digest) -> Option<Descriptor> {
        self.0.lock().placed.get(repository)?.get(digest).map(|placed| placed.descriptor().clone())
    }

    /// Records a manifest that is to be pushed once something needs it.
    pub(super) fn wait(&self, repository: &Repository, digest: Digest, waiting: Waiting) {
        self.0.lock().waiting.entry(repository.clone()).or_default().insert(digest, waiting);
    }

    /// Returns a manifest that waits. It waits until it is pushed: a push may fail.
    pub(super) fn waiting(&self, repository: &Repository, digest: &Digest) -> Option<Waiting> {
        self.0.lock().waiting.get(repository)?.get(digest).cloned()
    }

    /// Returns all manifests that wait.
    pub(super) fn all_waiting(&self) -> Vec<(Repository, Digest)> {
        let tables = self.0.lock();
        let each = |(repository, list): (&Repository, &HashMap<Digest, Waiting>)| {
            list.keys().map(|digest| (repository.clone(), digest.clone())).collect::<Vec<_>>()
        };
        tables.waiting.iter().flat_map(each).collect()
    }

    /// Records that a manifest was pushed, and no longer waits.
    pub(super) fn pushed(&self, repository: &Repository, digest: &Digest) {
        if let Some(waiting) = self.0.lock().waiting.get_mut(repository) {
            waiting.remove(digest);
        }
    }

    /// Records manifests that a sparse index names, and that the run has not copied.
    pub(super) fn leave(&self, absent: impl IntoIterator<Item = Digest>) {
        self.0.lock().absent.extend(absent);
    }

    /// Returns the manifests that the run has left out.
    pub(super) fn absent(&self) -> Vec<Digest> {
        self.0.lock().absent.iter().cloned().collect()
    }

    /// Records that a tag names a digest now.
    pub(super) fn tag(&self, repository: &Repository, tag: &str, digest: &Digest) {
        self.0.lock().tags.insert((repository.clone(), tag.to_owned()), digest.clone());
    }

    /// Returns the tags of a repository that this run has moved.
    pub(super) fn tags(&self, repository: &Repository) -> Vec<String> {
        let tables = self.0.lock();
        tables.tags.keys().filter(|(of, _)| of == repository).map(|(_, tag)| tag.clone()).collect()
    }

    /// Returns whether this run has moved the tag of a destination.
    pub(super) fn moved(&self, destination: &Reference) -> bool {
        let of = destination.tag().map(|tag| (destination.repository().clone(), tag.to_owned()));
        of.is_some_and(|of| self.0.lock().tags.contains_key(&of))
    }

    /// Returns whether this run pushed a digest under a destination: under its tag, or, where it has none, into its
    /// repository.
    pub(super) fn holds(&self, destination: &Reference, digest: &Digest) -> bool {
        let tables = self.0.lock();
        let repository = destination.repository();
        match destination.tag() {
            Some(tag) => tables.tags.get(&(repository.clone(), tag.to_owned())) == Some(digest),
            None => tables.placed.get(repository).is_some_and(|placed| placed.contains_key(digest)),
        }
    }
}
