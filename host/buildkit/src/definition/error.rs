//! The error of a definition whose sources RefKit cannot find.

use refkit_oci::Digest;

use crate::failure::printable;

/// An operation of a definition is malformed, of an unknown kind, or has an ambiguous identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the build definition has a source that cannot be judged{}: {reason}", Named(.identifier))]
pub struct DefinitionError {
    /// The digest of the encoded operation.
    pub vertex: Digest,
    /// The identifier, shortened and without control characters; empty where the operation has none.
    pub identifier: String,
    /// What is wrong with the operation.
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
