//! Verified content.

use bytes::Bytes;

use crate::Descriptor;

/// A manifest or an index with its bytes, which have the size and the digest of the descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What the content is.
    pub descriptor: Descriptor,
    /// The bytes as the registry sent them.
    pub bytes: Bytes,
}
