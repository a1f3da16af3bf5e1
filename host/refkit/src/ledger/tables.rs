//! The tables of the ledger: what each reference named, and what is known of each digest in each repository.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use refkit_oci::{Descriptor, Digest, Footprint, Repository};

use super::{Name, ReadDocument};

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) roots: HashMap<Name, Digest>,
    pub(super) met: HashMap<Repository, HashMap<Digest, Met>>,
    pub(super) contents: HashMap<Digest, Bytes>,
}

/// What the run knows of a digest in a repository.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) descriptor: Descriptor,
    pub(super) depth: u64,
    pub(super) document: Option<Arc<ReadDocument>>,
    pub(super) subjects: HashSet<Digest>,
    /// Where a delegate answered for it before the run read it: the config that the delegate gave, if any.
    pub(super) delegated: Option<Option<Descriptor>>,
}

/// Bytes of memory that an observed digest takes besides its descriptor: its key, and its place in the table.
pub(super) const MET: usize = size_of::<Met>() + size_of::<Digest>() + 128 + 32;

impl Tables {
    pub(super) fn find(&self, repository: &Repository, digest: &Digest) -> Option<&Met> {
        self.met.get(repository)?.get(digest)
    }

    /// Returns the memory that meeting descriptors takes: known ones take none.
    pub(super) fn unmet<'a>(
        &self,
        repository: &Repository,
        descriptors: impl IntoIterator<Item = &'a Descriptor>,
    ) -> usize {
        let known = self.met.get(repository);
        let table = if known.is_some() { 0 } else { repository.footprint() + size_of::<HashMap<Digest, Met>>() };
        let descriptors = descriptors.into_iter();
        let new = descriptors.filter(|descriptor| known.is_none_or(|known| !known.contains_key(&descriptor.digest)));
        table + new.map(|descriptor| descriptor.footprint() + MET).sum::<usize>()
    }

    /// The first descriptor that this run met for a digest stays its record.
    pub(super) fn meet(&mut self, repository: &Repository, descriptor: &Descriptor, depth: u64) -> &mut Met {
        if !self.met.contains_key(repository) {
            self.met.insert(repository.clone(), HashMap::new());
        }
        let known = self.met.get_mut(repository).expect("it was just put there");
        known.entry(descriptor.digest.clone()).or_insert_with(|| Met {
            descriptor: descriptor.clone(),
            depth,
            document: None,
            subjects: HashSet::new(),
            delegated: None,
        })
    }
}
