//! The entries of the indexes that a run has read, and why each was taken or passed over.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use refkit_contract::Selection;
use refkit_oci::document::{Document, Index, media_type};
use refkit_oci::matching::{Matcher, Only};
use refkit_oci::{Descriptor, Digest, Platform};

use crate::{Refused, Resolution};

/// An entry of an index that this run has read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Candidate {
    /// The index that names it.
    pub index: Digest,
    /// How far below the root that index is.
    pub depth: usize,
    /// The entry.
    pub descriptor: Descriptor,
    /// What became of it.
    pub verdict: Verdict,
}

/// Why an entry was taken or passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is an image of the outcome.
    Taken,
    /// It leads to one.
    Followed,
    /// It is about another manifest.
    Attestation,
    /// Its platform suits none of the wanted ones.
    OtherPlatform(Platform),
    /// It suits, and another suits better or stands before it.
    LessSuited,
    /// It says no platform, and is asked only where nothing else suits.
    NoPlatform,
    /// Its media type is none of an image or an index.
    NoImage(String),
    /// A policy refused it, for this reason and maybe others.
    Denied {
        /// The policy.
        policy: String,
        /// The rule that was broken.
        rule: String,
        /// The reason, for a person.
        message: String,
    },
    /// It could not be read.
    Absent,
}

impl Resolution {
    /// Returns the entries of the indexes that were read, in their order, with what became of each. An index that is
    /// listed again is opened where it stands first.
    pub fn candidates(&self) -> Vec<Candidate> {
        let images = || self.images.iter().flatten();
        let wanted = match &self.request.selection {
            Selection::Platforms(wanted) => Some(&wanted[..]),
            Selection::All => None,
        };
        let mut denied = HashMap::new();
        for refused in &self.refused {
            if let Some(manifest) = &refused.manifest {
                denied.entry(manifest).or_insert(refused);
            }
        }
        let taken = images().map(|image| &image.manifest.digest).collect();
        let followed = images().flat_map(|image| &image.parents).map(|parent| &parent.digest).collect();
        let mut walk = Walk { denied, followed, ..Walk::new(&self.documents, taken, wanted) };
        walk.open(&self.root.digest, 0);
        walk.candidates
    }

    /// Returns the platforms of the images that the read indexes list, each once, in their order.
    pub fn platforms(&self) -> Vec<Platform> {
        let images = self.candidates().into_iter().filter(|candidate| candidate.verdict != Verdict::Attestation);
        let mut met = HashSet::new();
        let platforms = images.filter_map(|image| image.descriptor.platform).map(Platform::normalized);
        platforms.filter(|platform| met.insert(platform.clone())).collect()
    }

    /// Returns what some client may take from the root: the manifests of images that it lists, attestations aside, and
    /// in the place of an index that this run has not read, that index.
    pub fn images_of_root(&self) -> Vec<Digest> {
        let (mut images, mut open, mut seen) = (Vec::new(), vec![&self.root], HashSet::new());
        while let Some(next) = open.pop() {
            if !seen.insert(&next.digest) {
                continue;
            }
            let Some(index) = self.index(&next.digest).filter(|_| media_type::is_index(&next.media_type)) else {
                images.push(next.digest.clone());
                continue;
            };
            let wanted = |entry: &&Descriptor| media_type::is_document(&entry.media_type) && !entry.is_attestation();
            open.extend(index.manifests.iter().filter(wanted));
        }
        images
    }
}

/// Returns the entries of an index of which the `taken` ones were published, chosen by platforms.
pub(crate) fn of_source(
    documents: &HashMap<Digest, Arc<Document>>,
    root: &Digest,
    taken: HashSet<&Digest>,
    wanted: &[Platform],
) -> Vec<Candidate> {
    let mut walk = Walk::new(documents, taken, Some(wanted));
    walk.open(root, 0);
    walk.candidates
}

struct Walk<'a> {
    documents: &'a HashMap<Digest, Arc<Document>>,
    taken: HashSet<&'a Digest>,
    denied: HashMap<&'a Digest, &'a Refused>,
    followed: HashSet<&'a Digest>,
    /// The wanted platforms; nothing where all are.
    wanted: Option<Vec<Only>>,
    opened: HashSet<&'a Digest>,
    candidates: Vec<Candidate>,
}

impl<'a> Walk<'a> {
    fn new(
        documents: &'a HashMap<Digest, Arc<Document>>,
        taken: HashSet<&'a Digest>,
        wanted: Option<&[Platform]>,
    ) -> Self {
        let wanted = wanted.map(|wanted| wanted.iter().cloned().map(Only::new).collect());
        let (denied, followed, opened) = (HashMap::new(), HashSet::new(), HashSet::new());
        Self { documents, taken, denied, followed, wanted, opened, candidates: Vec::new() }
    }

    fn index(&self, digest: &Digest) -> Option<&'a Index> {
        match &**self.documents.get(digest)? {
            Document::Index(index) => Some(index),
            Document::Manifest(_) => None,
        }
    }

    fn open(&mut self, digest: &'a Digest, depth: usize) {
        let Some(index) = self.index(digest).filter(|_| self.opened.insert(digest)) else { return };
        for descriptor in &index.manifests {
            let verdict = self.verdict(descriptor);
            let index = digest.clone();
            self.candidates.push(Candidate { index, depth, descriptor: descriptor.clone(), verdict });
            self.open(&descriptor.digest, depth + 1);
        }
    }

    fn denied(&self, manifest: &Digest) -> Option<Verdict> {
        let refused = self.denied.get(manifest)?;
        let denial = refused.denials.first()?;
        let (policy, rule, message) = (refused.policy.clone(), denial.rule.clone(), denial.message.clone());
        Some(Verdict::Denied { policy, rule, message })
    }

    /// Returns whether an index lists what was taken, itself or in an index below it.
    fn leads(&self, digest: &Digest) -> bool {
        let (mut open, mut met) = (vec![digest], HashSet::new());
        while let Some(index) = open.pop().and_then(|next| self.index(next)) {
            for entry in index.manifests.iter().filter(|entry| met.insert(&entry.digest)) {
                if self.taken.contains(&entry.digest) {
                    return true;
                }
                open.extend(self.index(&entry.digest).map(|_| &entry.digest));
            }
        }
        false
    }

    fn verdict(&self, entry: &Descriptor) -> Verdict {
        if self.taken.contains(&entry.digest) {
            return Verdict::Taken;
        }
        if let Some(denied) = self.denied(&entry.digest) {
            return denied;
        }
        if self.followed.contains(&entry.digest) {
            return Verdict::Followed;
        }
        if entry.is_attestation() {
            return Verdict::Attestation;
        }
        if !media_type::is_document(&entry.media_type) {
            return Verdict::NoImage(entry.media_type.clone());
        }
        match (&self.wanted, &entry.platform) {
            (None, _) => Verdict::Absent,
            (Some(_), None) if self.leads(&entry.digest) => Verdict::Followed,
            (Some(_), None) => Verdict::NoPlatform,
            (Some(wanted), Some(platform)) => {
                let suits = wanted.iter().any(|wanted| wanted.matches(platform));
                if suits { Verdict::LessSuited } else { Verdict::OtherPlatform(platform.clone()) }
            }
        }
    }
}
