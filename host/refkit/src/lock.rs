//! Locks: what each reference named, and what decided it, in a file that lies beside a Dockerfile.
//!
//! A lock is small, because it is kept in version control: it has digests, no content. An entry names its run's
//! [recording](crate::record) by digest. Who wants to replay it without a registry keeps recordings in a
//! [`Store`](crate::record::Store); a lock without one is verified against the registry.
//!
//! The bytes of a lock follow from what the runs observed: the same observations give the same bytes. The time is part
//! of an entry only if a policy read it.

mod entry;
mod form;
mod policies;
mod read;
#[cfg(test)]
mod tests;
mod verify;

use refkit_oci::Reference;

use crate::{Chain, PolicyIdentity};

pub use entry::{Absent, Entry, LockedImage};
pub use policies::{OtherChain, OtherPolicy};
pub use read::{LIMIT, LockError};
pub use verify::{Change, Moved};

/// The version of the form.
const VERSION: u32 = 1;

/// A lock: the policies and grants of its runs, and an entry for each reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    policies: Vec<PolicyIdentity>,
    grants: Vec<String>,
    /// Sorted by reference, each once.
    entries: Vec<Entry>,
}

impl Lock {
    /// Returns a lock without entries, for runs of a chain that may read what these patterns match.
    pub fn new(chain: &Chain, grants: impl IntoIterator<Item = String>) -> Self {
        let mut grants: Vec<String> = grants.into_iter().collect();
        grants.sort();
        grants.dedup();
        Self { policies: chain.identities(), grants, entries: Vec::new() }
    }

    /// Adds an entry, in the place of one for the same reference.
    pub fn put(&mut self, entry: Entry) {
        match self.place(&entry.reference) {
            Ok(place) => self.entries[place] = entry,
            Err(place) => self.entries.insert(place, entry),
        }
    }

    /// Returns the entry of a reference.
    pub fn entry(&self, reference: &Reference) -> Option<&Entry> {
        self.place(reference).ok().map(|place| &self.entries[place])
    }

    /// Returns the entries, sorted by reference.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the policies, outermost first.
    pub fn policies(&self) -> &[PolicyIdentity] {
        &self.policies
    }

    /// Returns the patterns of the repositories that the runs could read besides their own.
    pub fn grants(&self) -> &[String] {
        &self.grants
    }

    /// Returns the lock as JSON, with a line feed at its end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&form::Document::from(self)).unwrap_or_default();
        text.push('\n');
        text
    }

    fn place(&self, reference: &Reference) -> Result<usize, usize> {
        let text = reference.to_string();
        self.entries.binary_search_by(|entry| entry.reference.to_string().cmp(&text))
    }
}
