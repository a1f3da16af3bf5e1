//! What `--format json` prints: the same shape for both commands, names as in the OCI specifications.
//!
//! ```text
//! outcome     as the exit code:
//!               "resolved"  0  everything that was asked for is there
//!               "failed"    1  something is not, and no policy refused anything
//!               "denied"    3  a policy refused the reference, or at least one image of it
//! requested   the reference that was asked for
//! denials     [{policy, rule, message, subject, manifest, platform}], all of them, if denied;
//!             `manifest` and `platform` say which image was refused, where it was one image
//! error       {code, message} of the first failure, if failed; the codes are those of the contract
//!
//! if the reference as a whole was resolved, also where images of it were refused or failed:
//!   reference   what was resolved in the end; differs where a policy redirected
//!   pinned      that with the root's digest; not if an image of it was refused
//!   root        descriptor of the index or manifest that the reference names
//!   judged      [{policy, platform, manifest}]: where no images were wanted, those that policies looked at; of the
//!               root's other images no policy has seen anything
//!   annotations of the root's document                                     (inspect)
//!   images      one for each wanted platform, in that order; all: in the index's order; none wanted: empty
//!     platform      as wanted, or as the image has it
//!     manifest      descriptor            | absence   "no-match", "denied" or "failed"
//!     pinned        reference             | denials   [{policy, rule, message, subject, manifest, platform}]
//!     config        descriptor, if known  | error     {code, message}, where failed
//!     parents       descriptors of the indexes between root and manifest
//!     attestations  descriptors of what is about this manifest             (inspect)
//!     size          bytes of manifest, config and layers                   (inspect)
//!     annotations   of the manifest                                        (inspect)
//!     layers        descriptors                                            (inspect --layers)
//!
//! explain     {policies, notes, spans, candidates, limits}                 (--explain)
//! ```

use std::collections::BTreeMap;

use refkit::Image;
use refkit_oci::{Descriptor, Platform};
use serde::Serialize;

use refkit_report::explain::ExplainReport;

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
#[derive(Debug, Default, Serialize)]
pub struct OutcomeReport {
    /// "resolved", "denied" or "failed": as the process ends.
    pub outcome: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denials: Vec<DenialReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
    #[serde(flatten)]
    pub resolved: Option<Box<ResolvedReport>>,
}

impl OutcomeReport {
    /// Returns a refusal of the whole.
    pub fn denied(denials: Vec<DenialReport>) -> Self {
        Self { outcome: DENIED, denials, ..Self::default() }
    }

    /// Returns a failure of the whole.
    pub fn failed(error: ErrorReport) -> Self {
        Self { outcome: FAILED, error: Some(error), ..Self::default() }
    }

    /// Returns what was resolved, with what became of each image: one refusal is a refusal, else one failure a failure.
    pub fn resolved(mut report: ResolvedReport, error: Option<ErrorReport>) -> Self {
        let absences = report.images.iter().filter_map(|image| match &image.place {
            ImageOrAbsence::Absence { denials, .. } => Some(denials),
            ImageOrAbsence::Image(_) => None,
        });
        let denials: Vec<DenialReport> = absences.flatten().cloned().collect();
        let (outcome, error) = match (&denials[..], error) {
            ([], None) => (RESOLVED, None),
            ([], error) => (FAILED, error),
            _ => (DENIED, None),
        };
        if outcome == DENIED {
            report.pinned = None;
        }
        Self { outcome, denials, error, resolved: Some(Box::new(report)) }
    }
}

const RESOLVED: &str = "resolved";
const DENIED: &str = "denied";
const FAILED: &str = "failed";

/// What a reference resolves to.
#[derive(Debug, Serialize)]
pub struct ResolvedReport {
    pub reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
    pub root: DescriptorReport,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub judged: Vec<JudgedReport>,
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

/// An image that a policy looked at.
#[derive(Debug, Serialize)]
pub struct JudgedReport {
    pub policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
    pub manifest: String,
}

/// One reason of a refusal.
#[derive(Debug, Clone, Serialize)]
pub struct DenialReport {
    pub policy: String,
    pub rule: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
}

/// A failure.
#[derive(Debug, Clone, Serialize)]
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
#[derive(Debug, Clone, Serialize)]
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

impl From<&refkit::Judged> for JudgedReport {
    fn from(judged: &refkit::Judged) -> Self {
        Self {
            policy: judged.policy.clone(),
            platform: judged.platform.as_ref().map(Into::into),
            manifest: judged.manifest.to_string(),
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
