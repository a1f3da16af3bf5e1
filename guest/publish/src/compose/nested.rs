//! Indexes in an index that state no platform: only their entries say which platforms they are for.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Descriptor, Digest};

use super::{ComposeError, Needed, Source};

/// The entries of the nested indexes that were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Nested(HashMap<Digest, Vec<Descriptor>>);

impl Source {
    /// Returns an index in this index that states no platform and was not read yet. A filter needs its entries:
    /// [`Source::with_nested`] takes its bytes, and then this returns the next one. A filter keeps one that was not read.
    pub fn nested(&self) -> Option<&Descriptor> {
        let Document::Index(index) = &self.document else { return None };
        let (mut open, mut met): (Vec<_>, _) = (index.manifests.iter().rev().collect(), HashSet::new());
        while let Some(entry) = open.pop() {
            if !hides(entry) || !met.insert(&entry.digest) {
                continue;
            }
            match self.nested.0.get(&entry.digest) {
                Some(entries) => open.extend(entries.iter().rev()),
                None => return Some(entry),
            }
        }
        None
    }

    /// Returns the source with the bytes of an index in it.
    ///
    /// # Errors
    /// [`ComposeError::Document`] where the bytes are no index, or name content that cannot be verified.
    pub fn with_nested(mut self, of: &Descriptor, bytes: &Bytes) -> Result<Self, ComposeError> {
        let read = document::read(Some(&of.media_type), bytes, &Limits::default()).and_then(Document::verifiable);
        let entries = match read.map_err(|error| ComposeError::Document { digest: of.digest.clone(), error })? {
            Document::Index(index) => index.manifests,
            // The media type of an index is read as nothing else.
            Document::Manifest(_) => Vec::new(),
        };
        self.nested.0.insert(of.digest.clone(), entries);
        Ok(self)
    }

    /// Returns the source without an index in it, which is absent: no entry of it is wanted.
    #[must_use]
    pub fn without_nested(mut self, of: &Descriptor) -> Self {
        self.nested.0.insert(of.digest.clone(), Vec::new());
        self
    }
}

impl Nested {
    /// Adds what was read of another source.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(digest, entries)| (digest.clone(), entries.clone())));
    }

    /// Returns the entries with those of the nested indexes in their places, each once, and whether any index was
    /// opened.
    pub fn open(&self, entries: Vec<Needed>) -> (Vec<Needed>, bool) {
        // The same image may stand for two platforms.
        let key = |one: &Descriptor| (one.digest.clone(), one.platform.clone());
        let mut met: HashSet<_> = entries.iter().map(|one| key(&one.descriptor)).collect();
        let mut read = HashSet::new();
        let mut left: Vec<_> = entries.into_iter().rev().collect();
        let mut opened = Vec::new();
        while let Some(entry) = left.pop() {
            let Some(below) = self.0.get(&entry.descriptor.digest).filter(|_| hides(&entry.descriptor)) else {
                opened.push(entry);
                continue;
            };
            if read.insert(entry.descriptor.digest.clone()) {
                let new = below.iter().filter(|one| hides(one) || met.insert(key(one)));
                let new: Vec<_> = new.map(|one| Needed { descriptor: one.clone(), source: entry.source }).collect();
                left.extend(new.into_iter().rev());
            }
        }
        (opened, !read.is_empty())
    }

    /// Returns what an entry stands for: itself, or the entries below it.
    pub fn below<'a>(&'a self, entry: &'a Descriptor) -> Vec<&'a Descriptor> {
        let (mut open, mut met, mut found) = (vec![entry], HashSet::new(), Vec::new());
        while let Some(entry) = open.pop() {
            if !met.insert(&entry.digest) {
                continue;
            }
            match self.0.get(&entry.digest).filter(|_| hides(entry)) {
                Some(entries) => open.extend(entries),
                None => found.push(entry),
            }
        }
        found
    }
}

/// Returns whether only the entries of an entry say which platforms it is for.
fn hides(entry: &Descriptor) -> bool {
    entry.platform.is_none() && media_type::is_index(&entry.media_type)
}
