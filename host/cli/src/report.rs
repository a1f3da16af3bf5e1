//! What `--format json` prints: the same shape for both commands, names as in the OCI specifications.
//!
//! ```text
//! outcome     "resolved", "denied" or "failed"
//! requested   the reference that was asked for
//!
//! if resolved:
//!   reference   what was resolved in the end; differs where a policy redirected
//!   pinned      that with the root's digest
//!   root        descriptor of the index or manifest that the reference names
//!   annotations of the root's document                                     (inspect)
//!   images      one for each wanted platform, in that order; all: in the index's order; none wanted: empty
//!     platform      as wanted, or as the image has it
//!     manifest      descriptor            | absence   "no-match", "denied" or "failed"
//!     pinned        reference             | denials   [{policy, rule, message, subject}], where denied
//!     config        descriptor, if known  | error     {code, message}, where failed
//!     parents       descriptors of the indexes between root and manifest
//!     attestations  descriptors of what is about this manifest             (inspect)
//!     size          bytes of manifest, config and layers                   (inspect)
//!     annotations   of the manifest                                        (inspect)
//!     layers        descriptors                                            (inspect --layers)
//! if denied:
//!   denials     [{policy, rule, message, subject}]
//! if failed:
//!   error       {code, message}; the codes are those of the contract
//!
//! explain     {policies, notes, spans, candidates, limits}                 (--explain)
//! ```

use std::collections::BTreeMap;

use refkit::Image;
use refkit_oci::{Descriptor, Platform};
use serde::Serialize;

use refkit::explain::ExplainReport;

/// The whole.
#[derive(Debug, Serialize)]
pub struct Report {
    #[serde(flatten)]
    pub outcome: OutcomeReport,
    pub requested: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<ExplainReport>,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum OutcomeReport {
    Resolved(Box<ResolvedReport>),
    Denied { denials: Vec<DenialReport> },
    Failed { error: ErrorReport },
}

/// What a reference resolves to.
#[derive(Debug, Serialize)]
pub struct ResolvedReport {
    pub reference: String,
    pub pinned: String,
    pub root: DescriptorReport,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    pub images: Vec<PlaceReport>,
}

/// One place of an answer.
#[derive(Debug, Serialize)]
pub struct PlaceReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
    #[serde(flatten)]
    pub place: ImageOrAbsence,
}

/// An image, or why there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ImageOrAbsence {
    Image(Box<ImageReport>),
    Absence {
        absence: &'static str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        denials: Vec<DenialReport>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<ErrorReport>,
    },
}

/// One image.
#[derive(Debug, Serialize)]
pub struct ImageReport {
    pub pinned: String,
    pub manifest: DescriptorReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<DescriptorReport>,
    pub parents: Vec<DescriptorReport>,
    pub attestations: Vec<DescriptorReport>,
    #[serde(flatten)]
    pub contents: Option<ContentsReport>,
}

/// What a manifest says.
#[derive(Debug, Serialize)]
pub struct ContentsReport {
    pub size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<DescriptorReport>>,
}

/// One reason of a refusal.
#[derive(Debug, Serialize)]
pub struct DenialReport {
    pub policy: String,
    pub rule: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// A failure.
#[derive(Debug, Serialize)]
pub struct ErrorReport {
    pub code: &'static str,
    pub message: String,
}

/// A descriptor, as OCI image-spec 1.1.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescriptorReport {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A platform, as OCI image-spec 1.1.
#[derive(Debug, Serialize)]
pub struct PlatformReport {
    pub os: String,
    pub architecture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
}

impl ImageReport {
    /// Returns an image without what its manifest says.
    pub fn of(image: &Image<Descriptor>, pinned: String) -> Self {
        Self {
            pinned,
            manifest: (&image.manifest).into(),
            config: image.config.as_ref().map(Into::into),
            parents: image.parents.iter().map(Into::into).collect(),
            attestations: image.attestations.iter().map(Into::into).collect(),
            contents: None,
        }
    }
}

impl From<&Descriptor> for DescriptorReport {
    fn from(descriptor: &Descriptor) -> Self {
        Self {
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.to_string(),
            size: descriptor.size,
            platform: descriptor.platform.as_ref().map(PlatformReport::from),
            artifact_type: descriptor.artifact_type.clone(),
            annotations: descriptor.annotations.iter().cloned().collect(),
        }
    }
}

impl From<&Platform> for PlatformReport {
    fn from(platform: &Platform) -> Self {
        Self {
            os: platform.os.clone(),
            architecture: platform.architecture.clone(),
            variant: platform.variant.clone(),
            os_version: platform.os_version.clone(),
            os_features: platform.os_features.clone(),
        }
    }
}
