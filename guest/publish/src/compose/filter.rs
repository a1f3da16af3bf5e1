//! Which entries of an index stay for wanted platforms, and which of them lack an attestation.

use std::collections::{HashMap, HashSet};

use refkit_oci::matching::{Matcher, OnlyStrict};
use refkit_oci::{Descriptor, Digest, Platform};

use super::Ask;
use super::combine::Index;

/// The platforms that are wanted; none are all.
pub(super) struct Filter(Vec<OnlyStrict>);

/// The attestations of the entries that stay.
#[derive(Debug, Clone, Default)]
pub(super) struct Attestations {
    /// Which entries may have an attestation that the index does not list.
    pub missing: Vec<Ask>,
    /// The attestations in the index.
    pub listed: HashSet<Digest>,
}

impl Filter {
    pub fn new(platforms: &[Platform]) -> Self {
        Self(platforms.iter().cloned().map(OnlyStrict::new).collect())
    }

    pub fn matches(&self, platform: &Platform) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| wanted.matches(platform))
    }

    fn takes(&self, entry: &Descriptor) -> bool {
        entry.platform.as_ref().is_none_or(|platform| self.matches(platform))
    }

    /// Puts the entries of an index without a platform in its place. Returns whether there was one.
    pub fn open(&self, index: &mut Index) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let (entries, opened) = index.nested.open(std::mem::take(&mut index.entries));
        index.entries = entries;
        opened
    }

    /// Removes the entries that are not wanted; all, where nothing is wanted itself or within an entry. A sparse index keeps
    /// the indexes without a platform: who opens it reads them.
    pub fn apply(&self, index: &mut Index) -> Attestations {
        let entries: HashMap<&str, &Descriptor> =
            index.entries.iter().map(|entry| (entry.descriptor.digest.as_str(), &entry.descriptor)).collect();
        // The attestations of wanted entries, with what they are about.
        let attestations: HashMap<Digest, Digest> = index
            .entries
            .iter()
            .filter_map(|entry| {
                let about = entries.get(entry.descriptor.attests()?).filter(|about| self.takes(about))?;
                Some((entry.descriptor.digest.clone(), about.digest.clone()))
            })
            .collect();
        index
            .entries
            .retain(|entry| attestations.contains_key(&entry.descriptor.digest) || self.takes(&entry.descriptor));
        let mut below = index.entries.iter().flat_map(|entry| index.nested.below(&entry.descriptor));
        if !below.any(|one| self.takes(one)) {
            index.entries.clear();
        }
        let mut settled: HashSet<&Digest> = attestations.iter().flat_map(|(one, about)| [one, about]).collect();
        let asked = index
            .entries
            .iter()
            .filter(|entry| self.takes(&entry.descriptor) && settled.insert(&entry.descriptor.digest));
        let missing =
            asked.map(|entry| Ask { subject: entry.descriptor.digest.clone(), source: entry.source }).collect();
        Attestations { missing, listed: attestations.into_keys().collect() }
    }
}
