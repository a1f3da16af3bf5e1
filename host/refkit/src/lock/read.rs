//! From JSON to a lock: every text becomes its checked type, and what a lock cannot say is refused.

use std::fmt;
use std::str::FromStr;

use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Platform, Reference};
use serde::Deserialize;

use super::{Entry, Lock, LockedImage, VERSION, form};
use crate::PolicyIdentity;

/// The most bytes of a lock that are read: 10,000 entries have about 8 MiB.
pub const LIMIT: usize = 16 << 20;

/// Why a text is no lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// It is larger than [`LIMIT`].
    #[error("it has more than {LIMIT} bytes")]
    TooLarge,
    /// It is no JSON, or lacks a member, or has one that is not understood. The text says in which line and column.
    #[error("{0}")]
    Json(String),
    /// It is of a version that this program does not read.
    #[error("version {found} of a lock is unknown; this program reads version {VERSION}")]
    Version {
        /// The version of the lock.
        found: u64,
    },
    /// A policy says what no policy is.
    #[error("policy {place}: {problem}")]
    Policy {
        /// Counted from 1.
        place: usize,
        /// What is wrong.
        problem: Problem,
    },
    /// An entry says what no run decides.
    #[error("entry {place}: {problem}")]
    Entry {
        /// Counted from 1.
        place: usize,
        /// What is wrong.
        problem: Problem,
    },
}

/// What is wrong with a policy or an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A text that is not what it stands for.
    #[error("`{text}` is no {what}: {reason}")]
    Text {
        /// What it stands for.
        what: &'static str,
        /// The text.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// A reference or a platform that is not in its normal spelling.
    #[error("`{written}` is not in the normal spelling, which is `{normal}`")]
    Spelling {
        /// As it stands there.
        written: String,
        /// As a lock writes it.
        normal: String,
    },
    /// Entries, spellings or platforms that are not sorted, or not each once.
    #[error("{0} is not in its place: they are sorted, each once")]
    Order(String),
    /// A spelling that means another reference.
    #[error("`{0}` is another reference")]
    Other(String),
    /// `pinned` without the digest of the root.
    #[error("`{0}` does not have the digest of the root")]
    NotRoot(String),
    /// A root that is neither an index nor a manifest.
    #[error("the root is `{0}`, neither an index nor a manifest")]
    NotImage(String),
    /// An entry without platforms.
    #[error("it has no image")]
    NoImage,
}

/// The member that says how to read the others.
#[derive(Deserialize)]
struct Head {
    version: u64,
}

impl FromStr for Lock {
    type Err = LockError;

    fn from_str(text: &str) -> Result<Self, LockError> {
        if text.len() > LIMIT {
            return Err(LockError::TooLarge);
        }
        let json = |error: serde_json::Error| LockError::Json(error.to_string());
        let Head { version } = serde_json::from_str(text).map_err(json)?;
        if version != u64::from(VERSION) {
            return Err(LockError::Version { found: version });
        }
        let document: form::Document = serde_json::from_str(text).map_err(json)?;
        let policies = document.policies.into_iter().zip(1..);
        let policies = policies.map(|(one, place)| policy(one).map_err(|problem| LockError::Policy { place, problem }));
        let entries = document.entries.into_iter().zip(1..);
        let entries = entries.map(|(one, place)| entry(one).map_err(|problem| LockError::Entry { place, problem }));
        let lock = Self {
            policies: policies.collect::<Result<_, _>>()?,
            grants: document.grants,
            entries: entries.collect::<Result<_, _>>()?,
        };
        let names: Vec<String> = lock.entries.iter().map(|entry| entry.reference.to_string()).collect();
        match unsorted(&names) {
            Some((place, name)) => Err(LockError::Entry { place, problem: Problem::Order(name.clone()) }),
            None => Ok(lock),
        }
    }
}

fn policy(one: form::Policy) -> Result<PolicyIdentity, Problem> {
    let form::Policy { name, component, settings } = one;
    Ok(PolicyIdentity { name, component: parse("digest", component)?, settings })
}

fn entry(one: form::LockedEntry) -> Result<Entry, Problem> {
    let form::LockedEntry { reference, written, pinned, root, images, clock, recording } = one;
    let reference = normal(reference)?;
    for text in &written {
        let same = Reference::parse(text).is_ok_and(|written| written == reference);
        if !same {
            return Err(Problem::Other(text.clone()));
        }
    }
    if let Some((_, text)) = unsorted(&written) {
        return Err(Problem::Order(text.clone()));
    }
    let digest: Digest = parse("digest", root.digest)?;
    if !media_type::is_document(&root.media_type) {
        return Err(Problem::NotImage(root.media_type));
    }
    let pinned = normal(pinned)?;
    if pinned.digest() != Some(&digest) {
        return Err(Problem::NotRoot(pinned.to_string()));
    }
    let images = images
        .into_iter()
        .map(|one| Ok(LockedImage { platform: platform(one.platform)?, manifest: parse("digest", one.manifest)? }));
    let images = images.collect::<Result<Vec<_>, _>>()?;
    let platforms: Vec<Platform> = images.iter().map(|image| image.platform.clone()).collect();
    if let Some((_, platform)) = unsorted(&platforms) {
        return Err(Problem::Order(platform.to_string()));
    }
    if images.is_empty() {
        return Err(Problem::NoImage);
    }
    let root = Descriptor::new(root.media_type, digest, root.size);
    let recording = parse("digest", recording)?;
    Ok(Entry { written, reference, platforms, pinned, root, images, clock, recording })
}

fn normal(text: String) -> Result<Reference, Problem> {
    let reference: Reference = parse("reference", text.clone())?;
    match reference.to_string() {
        normal if normal == text => Ok(reference),
        normal => Err(Problem::Spelling { written: text, normal }),
    }
}

fn platform(text: String) -> Result<Platform, Problem> {
    let platform = parse::<Platform>("platform", text.clone())?.normalized();
    match platform.to_string() {
        normal if normal == text => Ok(platform),
        normal => Err(Problem::Spelling { written: text, normal }),
    }
}

/// Returns the first item that does not come after the one before it, and its place, counted from 1.
fn unsorted<T: Ord>(list: &[T]) -> Option<(usize, &T)> {
    let place = list.windows(2).position(|pair| pair[0] >= pair[1])?;
    Some((place + 2, &list[place + 1]))
}

fn parse<T: FromStr<Err: fmt::Display>>(what: &'static str, text: String) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| Problem::Text { what, reason: error.to_string(), text })
}
