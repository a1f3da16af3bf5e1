//! Parts whose digest has an unknown algorithm. OCI image-spec 1.1, section "Digests", allows them: a document can
//! refer to them, but their content cannot be verified.

use super::error::shorten;
use super::{Document, DocumentError, Index};
use crate::{Descriptor, Platform};

/// A part that cannot be verified, and so cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverifiable {
    /// The member that contains it: `manifests`, `layers` or `subject`.
    pub member: &'static str,
    /// How many verifiable parts of the same member precede it.
    pub place: usize,
    /// The media type.
    pub media_type: String,
    /// The digest, valid by the specification's grammar.
    pub digest: String,
    /// The platform in the index, unchanged.
    pub platform: Option<Platform>,
}

impl Unverifiable {
    /// Returns the error for a request of this part, which names the algorithm.
    pub fn error(&self) -> DocumentError {
        let digest = shorten(&self.digest);
        let algorithm = digest.split(':').next().unwrap_or_default();
        DocumentError::Unsupported(format!(
            "the digest {digest} cannot be verified: the algorithm {algorithm} is none of sha256, sha384, sha512"
        ))
    }
}

/// An entry of an index.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// An entry that can be read.
    Verifiable(&'a Descriptor),
    /// An entry that cannot be read.
    Unverifiable(&'a Unverifiable),
}

impl<'a> Entry<'a> {
    /// Returns the entry's platform.
    pub fn platform(self) -> Option<&'a Platform> {
        match self {
            Self::Verifiable(entry) => entry.platform.as_ref(),
            Self::Unverifiable(entry) => entry.platform.as_ref(),
        }
    }
}

impl Index {
    /// Returns all entries in the index's order, also those that cannot be read: a selection without them would differ
    /// from that of clients that know the algorithm.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let (mut entries, mut others) = (self.manifests.iter(), self.unverifiable.as_slice());
        std::iter::from_fn(move || {
            while let [other, rest @ ..] = others {
                if other.member == "manifests" && other.place > self.manifests.len() - entries.len() {
                    break;
                }
                others = rest;
                if other.member == "manifests" {
                    return Some(Entry::Unverifiable(other));
                }
            }
            entries.next().map(Entry::Verifiable)
        })
    }
}

impl Document {
    /// Returns the document if all its parts can be read, for callers that need all of them.
    ///
    /// # Errors
    /// [`DocumentError::Unsupported`] for the first part that cannot.
    pub fn verifiable(self) -> Result<Self, DocumentError> {
        let unverifiable = match &self {
            Self::Index(index) => &index.unverifiable,
            Self::Manifest(manifest) => &manifest.unverifiable,
        };
        match unverifiable.first() {
            Some(part) => Err(part.error()),
            None => Ok(self),
        }
    }
}
