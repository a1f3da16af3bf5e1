//! Descriptors that a user writes for a source: what they state takes the place of what the registry says.

use std::collections::BTreeMap;

use refkit_oci::digest::DigestError;
use refkit_oci::edit::{EditError, Object};
use refkit_oci::{Descriptor, Digest, Platform};
use serde::Deserialize;

/// A descriptor of which only the digest has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The digest.
    pub digest: Digest,
    /// The size, which has to be the registry's.
    pub size: Option<u64>,
    /// The media type.
    pub media_type: Option<String>,
    /// The annotations; they are all that the entry will have.
    pub annotations: Vec<(String, String)>,
    /// The platform; an empty part of it is taken from the config.
    pub platform: Option<Platform>,
}

/// Why a text is no descriptor of a source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GivenError {
    /// The text is not the JSON of a descriptor.
    #[error("it is no descriptor: {0}")]
    Malformed(#[from] EditError),
    /// The text is a manifest or an index.
    #[error("it is a manifest or an index, not the descriptor of one")]
    Document,
    /// The digest is none.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The registry's content has another size.
    #[error("{digest} has {found} bytes, and the descriptor says {given}")]
    Size {
        /// The content.
        digest: Digest,
        /// The size that the descriptor states.
        given: u64,
        /// The size of the content.
        found: u64,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Text {
    schema_version: u64,
    digest: String,
    size: u64,
    media_type: String,
    annotations: Option<BTreeMap<String, String>>,
    platform: Option<PlatformText>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PlatformText {
    os: String,
    architecture: String,
    variant: String,
    #[serde(rename = "os.version")]
    os_version: String,
    #[serde(rename = "os.features")]
    os_features: Option<Vec<String>>,
}

impl Given {
    /// Reads a descriptor.
    ///
    /// # Errors
    /// [`GivenError`], but for [`GivenError::Size`].
    pub fn read(text: &[u8]) -> Result<Self, GivenError> {
        // A list would do for a struct, and of a member that is there twice one would win.
        Object::read(text)?;
        let text: Text = serde_json::from_slice(text).map_err(EditError::from)?;
        if text.schema_version != 0 {
            return Err(GivenError::Document);
        }
        Ok(Self {
            digest: text.digest.parse()?,
            size: Some(text.size).filter(|size| *size != 0),
            media_type: some(text.media_type),
            annotations: text.annotations.unwrap_or_default().into_iter().collect(),
            platform: text.platform.map(|platform| Platform {
                os: platform.os,
                architecture: platform.architecture,
                variant: some(platform.variant),
                os_version: some(platform.os_version),
                os_features: platform.os_features.unwrap_or_default(),
            }),
        })
    }

    /// Returns the descriptor of a registry with what this one states.
    ///
    /// # Errors
    /// [`GivenError::Size`].
    pub fn over(self, found: Descriptor) -> Result<Descriptor, GivenError> {
        if let Some(given) = self.size.filter(|size| *size != found.size) {
            return Err(GivenError::Size { digest: found.digest, given, found: found.size });
        }
        Ok(Descriptor {
            media_type: self.media_type.unwrap_or(found.media_type),
            annotations: if self.annotations.is_empty() { found.annotations } else { self.annotations },
            platform: self.platform.or(found.platform),
            ..found
        })
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
