//! Content descriptors, as OCI image-spec 1.1, section "Content Descriptors".

use crate::{Digest, Platform};

/// What describes one content. Every field was checked when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// The content's media type.
    pub media_type: String,
    /// The digest of the bytes.
    pub digest: Digest,
    /// The number of bytes.
    pub size: u64,
    /// What an index says of the platform, word for word.
    pub platform: Option<Platform>,
    /// The artifact type, of a manifest that is an artifact.
    pub artifact_type: Option<String>,
    /// Annotations, sorted by key, each key once.
    pub annotations: Vec<(String, String)>,
    /// Other places that the bytes may be had from.
    pub urls: Vec<String>,
    /// The bytes themselves, decoded, where the descriptor carries them; not yet checked against digest and size.
    pub data: Option<Vec<u8>>,
}

impl Descriptor {
    /// Returns a descriptor with no more than the three fields that every descriptor has.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            platform: None,
            artifact_type: None,
            annotations: Vec::new(),
            urls: Vec::new(),
            data: None,
        }
    }
}
