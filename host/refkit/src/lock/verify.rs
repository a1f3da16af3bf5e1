//! What moved since a lock was made.

use std::fmt;

use refkit_oci::{Digest, Platform, Reference};

use super::{Entry, Lock};

/// A reference that names something else now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// The reference.
    pub reference: Reference,
    /// What changed.
    pub change: Change,
}

/// What changed about a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It names another root, or a policy redirects it elsewhere.
    Pinned {
        /// What the lock has.
        was: Reference,
        /// What it names now.
        is: Reference,
    },
    /// The policies take another image of the same root.
    Image {
        /// The platform of the image.
        platform: Platform,
        /// What the lock has.
        was: Digest,
        /// What they take now.
        is: Digest,
    },
    /// The lock lacks the reference, or a platform of it.
    Missing(Vec<Platform>),
}

/// Shows what changed in one line.
impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reference, change } = self;
        match change {
            Change::Pinned { was, is } => write!(f, "{reference} was {was}, is {is}"),
            Change::Image { platform, was, is } => write!(f, "{reference} ({platform}) was {was}, is {is}"),
            Change::Missing(platforms) => {
                let platforms: Vec<String> = platforms.iter().map(ToString::to_string).collect();
                write!(f, "{reference} ({}) is not in the lock", platforms.join(", "))
            }
        }
    }
}

impl Entry {
    /// Returns what moved between this entry and a later one of the same reference and platforms. A different recording or
    /// time alone is nothing that moved: the policies saw something else, and decided the same.
    pub fn moved(&self, now: &Self) -> Option<Moved> {
        let change = if self.pinned != now.pinned {
            Change::Pinned { was: self.pinned.clone(), is: now.pinned.clone() }
        } else {
            let mut images = self.images.iter().zip(&now.images);
            let (was, is) = images.find(|(was, is)| was.manifest != is.manifest)?;
            let platform = was.platform.clone();
            Change::Image { platform, was: was.manifest.clone(), is: is.manifest.clone() }
        };
        Some(Moved { reference: self.reference.clone(), change })
    }
}

impl Lock {
    /// Returns what the lock lacks of a reference for some platforms.
    pub fn lacks(&self, reference: &Reference, platforms: &[Platform]) -> Option<Moved> {
        let entry = self.entry(reference);
        let has = |platform: &&Platform| entry.is_some_and(|entry| entry.platforms.contains(platform));
        let missing: Vec<Platform> = platforms.iter().filter(|platform| !has(platform)).cloned().collect();
        let complete = missing.is_empty() && entry.is_some();
        (!complete).then(|| Moved { reference: reference.clone(), change: Change::Missing(missing) })
    }
}
