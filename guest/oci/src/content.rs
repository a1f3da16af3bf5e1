//! Verified content.

use bytes::Bytes;

use crate::Descriptor;

/// A manifest or an index with its bytes, which have the size and the digest of the descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The content's descriptor.
    pub descriptor: Descriptor,
    /// The bytes from the registry, unchanged.
    pub bytes: Bytes,
}
