//! Descriptors and platforms as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::DocumentError;
use super::error::{malformed, shorten};
use super::json::{Annotations, Object};
use super::media_type;
use crate::{Descriptor, Platform};

/// The most that a size can be: the specification's numbers are signed, with 64 bits.
const SIZE_LIMIT: u64 = i64::MAX as u64;

/// A descriptor as it stands in a document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Member {
    media_type: String,
    digest: String,
    size: u64,
    platform: Option<Object<PlatformMember>>,
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: Annotations,
    urls: Option<Vec<String>>,
    data: Option<String>,
}

#[derive(Deserialize)]
struct PlatformMember {
    os: String,
    architecture: String,
    variant: Option<String>,
    #[serde(rename = "os.version")]
    os_version: Option<String>,
    #[serde(rename = "os.features")]
    os_features: Option<Vec<String>>,
}

impl Member {
    pub(super) fn check(self) -> Result<Descriptor, DocumentError> {
        let digest = self.digest.parse().map_err(malformed)?;
        media_type::check("mediaType", &self.media_type)?;
        let artifact_type = self.artifact_type.filter(|text| !text.is_empty());
        if let Some(artifact_type) = &artifact_type {
            media_type::check("artifactType", artifact_type)?;
        }
        if self.size > SIZE_LIMIT {
            return Err(malformed(format_args!("the size of {digest} is {}, more than {SIZE_LIMIT}", self.size)));
        }
        let urls = self.urls.unwrap_or_default();
        if let Some(url) = urls.iter().find(|url| !is_uri(url)) {
            return Err(malformed(format_args!("{:?}, a place where {digest} should be, is no URI", shorten(url))));
        }
        let data = self.data.map(|text| STANDARD.decode(text)).transpose();
        let data = data.map_err(|_| malformed(format_args!("the data of {digest} is not base64")))?;
        Ok(Descriptor {
            media_type: self.media_type,
            digest,
            size: self.size,
            platform: self.platform.map(|Object(platform)| platform.into()),
            artifact_type,
            annotations: self.annotations.into_list(),
            urls,
            data,
        })
    }
}

impl From<PlatformMember> for Platform {
    fn from(member: PlatformMember) -> Self {
        Self {
            os: member.os,
            architecture: member.architecture,
            variant: member.variant.filter(|text| !text.is_empty()),
            os_version: member.os_version.filter(|text| !text.is_empty()),
            os_features: member.os_features.unwrap_or_default(),
        }
    }
}

/// A scheme and something behind it, as RFC 3986, section 3; nothing that could end a line or a quotation.
fn is_uri(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
    })
}
