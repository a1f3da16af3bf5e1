//! Digests, each once.

use std::collections::BTreeMap;

/// Digests in the order in which they were first added. What belongs to them stands in lists of the same order, so
/// that this is the only map: each further kind of map would make the component 5 KB larger. An ordered one, because
/// digests come from a stranger, and an attacker cannot choose them so that it becomes slow.
#[derive(Default)]
pub(crate) struct Digests {
    list: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Digests {
    /// Adds a digest, and returns whether it is new.
    pub(crate) fn add(&mut self, digest: &str) -> bool {
        if self.places.contains_key(digest) {
            return false;
        }
        self.places.insert(digest.to_owned(), self.list.len());
        self.list.push(digest.to_owned());
        true
    }

    /// Returns the place of a digest in the order.
    pub(crate) fn place(&self, digest: &str) -> Option<usize> {
        self.places.get(digest).copied()
    }

    /// Returns the digests in their order.
    pub(crate) fn as_slice(&self) -> &[String] {
        &self.list
    }
}
