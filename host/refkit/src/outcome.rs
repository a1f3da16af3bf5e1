//! The end of a run.

mod image;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use refkit_contract::{Absence, Denial, Image, Request};
use refkit_oci::document::{Document, Index};
use refkit_oci::{Descriptor, Digest, Platform, Reference};

/// The decision of the chain.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and most are of the large kind")]
pub enum Outcome {
    /// This.
    Resolved(Resolution),
    /// The reference as a whole is refused.
    Denied {
        /// The policy that refused.
        policy: String,
        /// Its reasons, at least one.
        denials: Vec<Denial>,
    },
}

/// The images that a reference resolves to. Every descriptor is the host's own record of an observation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Resolution {
    /// What was asked.
    pub request: Request,
    /// What was resolved in the end; differs from the request's when a policy redirected it.
    pub reference: Reference,
    /// The index or the manifest that the reference names.
    pub root: Descriptor,
    /// For platforms, one place for each, in their order; for all, in the order of the index. Empty where no images
    /// were asked for.
    pub images: Vec<Result<Image<Descriptor>, Absence>>,
    /// The images that policies refused, in the order of their places.
    pub refused: Vec<Refused>,
    /// Where no images were asked for: those that a policy judged before it let the root pass. Others of the root,
    /// which some client may take from it, no policy looked at.
    pub judged: Vec<Judged>,
    /// Verified bytes by digest.
    pub(crate) contents: HashMap<Digest, Bytes>,
    /// The manifests and indexes that the run has read, by digest.
    pub(crate) documents: HashMap<Digest, Arc<Document>>,
}

/// An image that a policy refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// Its place in [`Resolution::images`].
    pub place: usize,
    /// The policy that refused it.
    pub policy: String,
    /// Its manifest; nothing where the policy named none and took it from no answer of the rest of the chain.
    pub manifest: Option<Digest>,
    /// Its platform: its own where that is known, else the wanted one.
    pub platform: Option<Platform>,
    /// The reasons, at least one.
    pub denials: Vec<Denial>,
}

/// An image that a policy judged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judged {
    /// The policy.
    pub policy: String,
    /// The image's platform.
    pub platform: Option<Platform>,
    /// Its manifest.
    pub manifest: Digest,
}

impl Refused {
    /// Returns the refusal of a place by a policy, without manifest and platform.
    pub fn new(place: usize, policy: impl Into<String>, denials: Vec<Denial>) -> Self {
        Self { place, policy: policy.into(), manifest: None, platform: None, denials }
    }
}

impl Resolution {
    /// Returns the refusal of a place.
    pub fn refusal(&self, place: usize) -> Option<&Refused> {
        self.refused.iter().find(|refused| refused.place == place)
    }

    /// Returns the reference with the root's digest.
    pub fn pinned(&self) -> Reference {
        self.reference.with_digest(self.root.digest.clone())
    }

    /// Returns the verified bytes of a content: the root and its nested indexes where images were asked for, manifests
    /// and configs where configs were, attestation manifests where those were; and whatever else the policies read.
    pub fn bytes(&self, digest: &Digest) -> Option<&Bytes> {
        self.contents.get(digest)
    }

    /// Returns a manifest or an index that the run has read. It is parsed once, by the strict reader, when it is read.
    pub fn document(&self, digest: &Digest) -> Option<&Document> {
        self.documents.get(digest).map(|document| &**document)
    }

    /// Returns an index that the run has read: [`Resolution::document`], where that is an index.
    pub fn index(&self, digest: &Digest) -> Option<&Index> {
        match self.document(digest)? {
            Document::Index(index) => Some(index),
            Document::Manifest(_) => None,
        }
    }
}
