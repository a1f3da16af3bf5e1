//! The JSON of an observations document, member by member.

use serde::{Deserialize, Deserializer, Serialize};

/// The version of the form.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// The first member, so that a document of a later version fails by its version.
    pub(super) version: Version,
    pub(super) observations: Vec<Entry>,
}

/// [`VERSION`], and no other.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Version(u32);

impl Version {
    pub(super) const CURRENT: Self = Self(VERSION);
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            VERSION => Ok(Self(VERSION)),
            other => Err(serde::de::Error::custom(format_args!(
                "version {other} of an observations document is unknown; this program reads version {VERSION}"
            ))),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The policy that asked; nothing where the host did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<String>,
    /// Microseconds from the start of the run.
    pub(super) at: u64,
    /// Microseconds that the call took; nothing where it has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) took: Option<u64>,
    pub(super) call: Call,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Error>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum Call {
    Resolve { reference: String },
    Pull { reference: String },
    Fetch { repository: String, digest: String },
    Referrers { repository: String, subject: String, artifact_type: Option<String> },
    Tags { repository: String },
    Delegate { reference: String },
    PushManifest { reference: String, digest: String },
    PushBlob { repository: String, digest: String },
    Copy { source: String, destination: String, digest: String, with_referrers: Vec<String> },
}

/// One of the members after the first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// The host, the store or the cache that answered.
    pub(super) from: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) descriptor: Option<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) referrers: Option<Vec<Descriptor>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delegated: Option<Delegated>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Origin {
    Host(String),
    Cache,
    /// Microseconds from the start of 1970.
    Seen(u64),
    Layout(String),
    InlineData,
    Memory,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delegated {
    pub(super) root: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) config: Option<Config>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) digest: String,
    pub(super) size: u64,
}

/// A content descriptor (OCI image specification 1.1, "OCI Content Descriptors"); its annotations are pairs, in order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) annotations: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<Platform>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Platform {
    pub(super) os: String,
    pub(super) architecture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<String>,
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub(super) os_version: Option<String>,
    #[serde(default, rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub(super) os_features: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Error {
    pub(super) code: String,
    pub(super) message: String,
}
