//! Content descriptors, as OCI image-spec 1.1, section "Content Descriptors".

use base64ct::{Base64, Encoding as _};

use crate::{Digest, Platform};

/// A descriptor of content. Every field was checked when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// The content's media type.
    pub media_type: String,
    /// The digest of the bytes.
    pub digest: Digest,
    /// The number of bytes.
    pub size: u64,
    /// The platform in an index, unchanged.
    pub platform: Option<Platform>,
    /// The artifact type, for a manifest of an artifact.
    pub artifact_type: Option<String>,
    /// Annotations, sorted by key, each key once.
    pub annotations: Vec<(String, String)>,
    /// Other URLs of the bytes.
    pub urls: Vec<String>,
    /// The bytes in base64, if the descriptor contains them: [`Descriptor::inline`] decodes them.
    pub data: Option<String>,
}

impl Descriptor {
    /// Returns a descriptor with the three mandatory fields.
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

/// The annotation in which BuildKit writes the kind of an index's entry.
pub const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// The annotation in which BuildKit writes the digest of the entry that an attestation is about.
pub const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// The value of [`REFERENCE_TYPE`] for attestations.
pub const ATTESTATION_MANIFEST: &str = "attestation-manifest";

impl Descriptor {
    /// Returns the descriptor with bytes in it.
    #[must_use]
    pub fn with_data(self, bytes: &[u8]) -> Self {
        Self { data: Some(Base64::encode_string(bytes)), ..self }
    }

    /// Returns the bytes in the descriptor, not yet checked against digest and size.
    pub fn inline(&self) -> Option<Vec<u8>> {
        Base64::decode_vec(self.data.as_deref()?).ok()
    }

    /// Returns the value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Returns whether this is an attestation of another entry of its index.
    pub fn is_attestation(&self) -> bool {
        self.annotation(REFERENCE_TYPE) == Some(ATTESTATION_MANIFEST)
    }

    /// Returns the digest that an attestation is about, unchecked.
    pub fn attests(&self) -> Option<&str> {
        self.annotation(REFERENCE_DIGEST).filter(|_| self.is_attestation())
    }
}
