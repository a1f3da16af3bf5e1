//! Parts whose digest is of an algorithm that is not known here. OCI image-spec 1.1, section "Digests", wants them to
//! pass: they can be named, but nothing can be had of them.

use super::error::shorten;
use super::{Document, DocumentError, Index};
use crate::quoted::Quoted;
use crate::{Descriptor, Platform};

/// A part that cannot be verified, and so cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverifiable {
    /// The member that names it: `manifests`, `layers` or `subject`.
    pub member: &'static str,
    /// How many verifiable parts of the same member stand before it.
    pub place: usize,
    /// The media type.
    pub media_type: String,
    /// The digest, of the specification's grammar.
    pub digest: String,
    /// What an index says of the platform, word for word.
    pub platform: Option<Platform>,
}

impl Unverifiable {
    /// Returns the error of asking for it, which names the algorithm.
    pub fn error(&self) -> DocumentError {
        unknown_algorithm(&self.digest)
    }
}

/// Returns the error of a digest whose algorithm is not known.
pub(super) fn unknown_algorithm(digest: &str) -> DocumentError {
    let algorithm = shorten(digest.split(':').next().unwrap_or_default());
    let digest = shorten(digest);
    DocumentError::Unsupported(format!(
        "the digest {} is of the algorithm {}, which is none of sha256, sha384, sha512: nothing can verify the content",
        Quoted(&digest),
        Quoted(&algorithm)
    ))
}

/// An entry of an index.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// One that can be read.
    Verifiable(&'a Descriptor),
    /// One that cannot.
    Unverifiable(&'a Unverifiable),
}

impl<'a> Entry<'a> {
    /// Returns what the index says of its platform.
    pub fn platform(self) -> Option<&'a Platform> {
        match self {
            Self::Verifiable(entry) => entry.platform.as_ref(),
            Self::Unverifiable(entry) => entry.platform.as_ref(),
        }
    }
}

impl Index {
    /// Returns all entries in the index's order, those that cannot be read among them: a selection that passed over
    /// them would choose otherwise than clients that know the algorithm.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut others = self.unverifiable.iter().filter(|entry| entry.member == "manifests").peekable();
        let mut entries = self.manifests.iter().enumerate().peekable();
        std::iter::from_fn(move || {
            let place = entries.peek().map_or(usize::MAX, |(place, _)| *place);
            match others.next_if(|other| other.place <= place) {
                Some(other) => Some(Entry::Unverifiable(other)),
                None => entries.next().map(|(_, entry)| Entry::Verifiable(entry)),
            }
        })
    }
}

impl Document {
    /// Returns the document where all that it names can be read: for those who take all of it.
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
