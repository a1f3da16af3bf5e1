//! Why a definition cannot be judged.

use refkit_oci::Digest;

use crate::failure::printable;

/// An operation of a definition is malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the build definition has a source that cannot be judged{}: {reason}", Named(.identifier))]
pub struct DefinitionError {
    /// The digest of the encoded operation.
    pub vertex: Digest,
    /// What it names, shortened and without control characters; empty where that is not known.
    pub identifier: String,
    /// What is wrong with it.
    pub reason: String,
}

impl DefinitionError {
    pub(super) fn new(vertex: Digest, identifier: &str, reason: impl Into<String>) -> Self {
        Self { vertex, identifier: printable(identifier), reason: printable(&reason.into()) }
    }
}

struct Named<'a>(&'a str);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ", {}", self.0) }
    }
}
