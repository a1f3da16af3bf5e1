//! The end of a publication.

use bytes::Bytes;
use refkit_contract::Denial;
use refkit_oci::{Descriptor, Digest, Reference};

/// What a publication ended in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PublishOutcome {
    /// Every destination has the root.
    Published(Box<Published>),
    /// A policy refused the publication, or one of its sources, for these reasons.
    Denied {
        /// The policy that gave the first reason.
        policy: String,
        /// The reasons, at least one.
        denials: Vec<Denial>,
    },
}

/// What was published.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Published {
    /// The root: media type, digest and size.
    pub root: Descriptor,
    /// The root's bytes, as the registries have them.
    pub bytes: Bytes,
    /// The destinations of the request.
    pub destinations: Vec<Reference>,
    /// Whether nothing was sent.
    pub dry_run: bool,
    /// The manifests that the root names and that were not copied: of a sparse copy only. Another copy takes the root for
    /// complete, unless it is [thorough](super::Publisher::thorough).
    pub absent: Vec<Digest>,
}
