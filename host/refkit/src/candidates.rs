//! What else there was: the entries of the indexes that a run has read, and why each was taken or passed over.

use std::collections::HashSet;

use refkit_oci::document::{self, Document, media_type};
use refkit_oci::matching::{Matcher, Only};
use refkit_oci::{Descriptor, Digest, Platform};
use refkit_sandbox::Selection;

use crate::Resolution;

/// An entry of an index that this run has read.
#[derive(Debug, Clone)]
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
    /// Returns the entries of the indexes that were read, in their order, with what became of each.
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        self.entries(&self.root, 0, &mut candidates);
        candidates
    }

    /// Returns what some client may take from the root: the manifests of images that it lists, attestations aside, and
    /// in the place of an index that this run has not read, that index.
    pub fn images_of_root(&self) -> Vec<Digest> {
        let (mut images, mut open, mut seen) = (Vec::new(), vec![self.root.clone()], HashSet::new());
        while let Some(next) = open.pop() {
            if !seen.insert(next.digest.clone()) {
                continue;
            }
            if !media_type::is_index(&next.media_type) {
                images.push(next.digest);
                continue;
            }
            let Some(index) = self.index(&next) else {
                images.push(next.digest);
                continue;
            };
            let wanted = |entry: &Descriptor| media_type::is_document(&entry.media_type) && !entry.is_attestation();
            open.extend(index.manifests.into_iter().filter(wanted));
        }
        images
    }

    fn index(&self, descriptor: &Descriptor) -> Option<document::Index> {
        let bytes = self.bytes(&descriptor.digest).filter(|_| media_type::is_index(&descriptor.media_type))?;
        match document::read(Some(&descriptor.media_type), bytes, &document::Limits::default()) {
            Ok(Document::Index(index)) => Some(index),
            _ => None,
        }
    }

    fn entries(&self, index: &Descriptor, depth: usize, into: &mut Vec<Candidate>) {
        let Some(document) = self.index(index) else { return };
        for descriptor in document.manifests {
            let verdict = self.verdict(&descriptor);
            let follow = verdict == Verdict::Followed;
            into.push(Candidate { index: index.digest.clone(), depth, descriptor: descriptor.clone(), verdict });
            if follow {
                self.entries(&descriptor, depth + 1, into);
            }
        }
    }

    fn denied(&self, manifest: &Digest) -> Option<Verdict> {
        let refused = self.refused.iter().find(|refused| refused.manifest.as_ref() == Some(manifest))?;
        let denial = refused.denials.first()?;
        let (policy, rule, message) = (refused.policy.clone(), denial.rule.clone(), denial.message.clone());
        Some(Verdict::Denied { policy, rule, message })
    }

    fn verdict(&self, entry: &Descriptor) -> Verdict {
        let images = || self.images.iter().flatten();
        if images().any(|image| image.manifest.digest == entry.digest) {
            return Verdict::Taken;
        }
        if let Some(denied) = self.denied(&entry.digest) {
            return denied;
        }
        if images().any(|image| image.parents.iter().any(|parent| parent.digest == entry.digest)) {
            return Verdict::Followed;
        }
        if entry.is_attestation() {
            return Verdict::Attestation;
        }
        if !media_type::is_document(&entry.media_type) {
            return Verdict::NoImage(entry.media_type.clone());
        }
        match (&self.request.selection, &entry.platform) {
            (Selection::All, _) => Verdict::Absent,
            (Selection::Platforms(_), None) => Verdict::NoPlatform,
            (Selection::Platforms(wanted), Some(platform)) => {
                let suits = wanted.iter().any(|wanted| Only::new(wanted.clone()).matches(platform));
                if suits { Verdict::LessSuited } else { Verdict::OtherPlatform(platform.clone()) }
            }
        }
    }
}
