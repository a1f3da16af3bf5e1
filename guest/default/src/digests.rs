//! A set of digests, in order.

use std::collections::BTreeMap;

/// Digests in the order in which they were first added. Values for them are in lists of the same order, so that this
/// is the only map: each further kind of map would add 5 KB to the component. It is an ordered map, because an
/// attacker who chooses the digests cannot make it slow.
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

    /// Returns the position of a digest.
    pub(crate) fn place(&self, digest: &str) -> Option<usize> {
        self.places.get(digest).copied()
    }

    /// Returns the digests in their order.
    pub(crate) fn as_slice(&self) -> &[String] {
        &self.list
    }
}
