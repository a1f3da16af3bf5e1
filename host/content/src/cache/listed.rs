//! A descriptor as the cache stores it in a list.

use refkit_oci::{Descriptor, Digest, Platform};
use serde::{Deserialize, Serialize};

/// All fields of a descriptor, unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Listed {
    media_type: String,
    digest: String,
    size: u64,
    platform: Option<On>,
    artifact_type: Option<String>,
    annotations: Vec<(String, String)>,
    urls: Vec<String>,
    data: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct On {
    os: String,
    architecture: String,
    variant: Option<String>,
    os_version: Option<String>,
    os_features: Vec<String>,
}

impl From<Descriptor> for Listed {
    fn from(of: Descriptor) -> Self {
        let Descriptor { media_type, digest, size, platform, artifact_type, annotations, urls, data } = of;
        let platform = platform.map(|Platform { os, architecture, variant, os_version, os_features }| On {
            os,
            architecture,
            variant,
            os_version,
            os_features,
        });
        Self { media_type, digest: digest.into_string(), size, platform, artifact_type, annotations, urls, data }
    }
}

impl Listed {
    /// Returns the descriptor; none if its digest is malformed.
    pub fn into_descriptor(self) -> Option<Descriptor> {
        let Self { media_type, digest, size, platform, artifact_type, annotations, urls, data } = self;
        let platform = platform.map(|On { os, architecture, variant, os_version, os_features }| Platform {
            os,
            architecture,
            variant,
            os_version,
            os_features,
        });
        let digest = Digest::try_from(digest).ok()?;
        Some(Descriptor { media_type, digest, size, platform, artifact_type, annotations, urls, data })
    }
}
