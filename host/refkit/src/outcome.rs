//! What a run ends in.

use std::collections::HashMap;

use bytes::Bytes;
use refkit_oci::{Descriptor, Digest, Reference};
use refkit_sandbox::{Absence, Denial, Image, Request};

/// What the chain decided.
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

/// What a reference resolves to. Every descriptor is the host's own record of what this run met.
#[derive(Debug, Clone)]
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
    /// Verified bytes by digest.
    pub(crate) contents: HashMap<Digest, Bytes>,
}

impl Resolution {
    /// Returns the reference with the root's digest.
    pub fn pinned(&self) -> Reference {
        self.reference.with_digest(self.root.digest.clone())
    }

    /// Returns the verified bytes of a content: the root and its nested indexes where images were asked for, manifests
    /// and configs where configs were, attestation manifests where those were; and whatever else the policies read.
    pub fn bytes(&self, digest: &Digest) -> Option<&Bytes> {
        self.contents.get(digest)
    }
}
