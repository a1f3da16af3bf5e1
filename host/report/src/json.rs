//! The JSON that a program reads about a run. Names are those of the OCI specifications; the shape is the same whether
//! the caller resolves, inspects or publishes.
//!
//! ```text
//! outcome     how the run ended:
//!               "resolved"  everything that the request asked for is there
//!               "published" every destination has the root, or would have it without the dry run
//!               "failed"    something is missing, and no policy denied anything
//!               "denied"    a policy denied the reference, at least one image of it, or the publication
//! requested   the reference of the request; of a publication, the first source
//! denials     [{policy, rule, message, subject, manifest, platform}], all of them, if denied;
//!             `manifest` and `platform` name the denied image, if it was one image
//! error       {code, message} of the first failure, if failed; the codes are those of the contract
//!
//! if the reference as a whole was resolved, even if images of it were denied or failed:
//!   reference   the resolved reference; a policy may have redirected the request
//!   pinned      that with the root's digest; absent if an image of it was denied
//!   root        descriptor of the index or manifest that the reference names
//!   judged      [{policy, platform, manifest}]: if the request wanted no images, the images that policies judged;
//!               no policy has read the root's other images
//!   annotations of the root's document                                     (inspect)
//!   images      one for each requested platform, in that order; all: in the index's order; none requested: empty
//!     platform      the requested one, or the image's own
//!     manifest      descriptor            | absence   "no-match", "denied" or "failed"
//!     pinned        reference             | denials   [{policy, rule, message, subject, manifest, platform}]
//!     config        descriptor, if known  | error     {code, message}, where failed
//!     parents       descriptors of the indexes between root and manifest
//!     attestations  descriptors of the attestations of this manifest        (inspect)
//!     size          bytes of manifest, config and layers                   (inspect)
//!     annotations   of the manifest                                        (inspect)
//!     layers        descriptors                                            (inspect --layers)
//!
//! if published:
//!   root          descriptor of the published index or manifest
//!   destinations  [{reference, pinned}], in the order of the request; pinned: with the root's digest
//!   dry-run       whether nothing was sent
//!
//! explain     {policies, notes, spans, candidates, limits}; of a publication also publishing, the publishing policies,
//!             and candidates are the entries of the sources, if the caller chose platforms
//! ```

mod published;

use std::collections::BTreeMap;

use refkit::Image;
use refkit_oci::{Descriptor, Platform};
use serde::Serialize;

use crate::explain::ExplainReport;
use crate::{EscapedJson, Status};
pub use published::{DestinationReport, PublishedReport};

/// Returns a report as indented lines of JSON. A terminal obeys no character of them, and the values are unchanged.
pub fn lines(report: &impl Serialize) -> Vec<String> {
    let text = serde_json::to_string_pretty(report).unwrap_or_default();
    EscapedJson(&text).to_string().lines().map(str::to_owned).collect()
}

/// The report of one run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How the run ended.
    #[serde(flatten)]
    pub outcome: OutcomeReport,
    /// The reference of the request.
    pub requested: String,
    /// The explanation, if the caller wants one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<ExplainReport>,
}

/// How a run ended, with the resolution or the publication, the denials or the error.
#[derive(Debug, Default, Serialize)]
pub struct OutcomeReport {
    /// The name of the [`Status`], or `published`.
    pub outcome: &'static str,
    /// The reasons of the denial.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denials: Vec<DenialReport>,
    /// The first failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
    /// The resolution.
    #[serde(flatten)]
    pub resolved: Option<Box<ResolvedReport>>,
    /// The publication.
    #[serde(flatten)]
    pub published: Option<Box<PublishedReport>>,
}

impl OutcomeReport {
    /// Returns the report of a denied reference.
    pub fn denied(denials: Vec<DenialReport>) -> Self {
        Self { outcome: Status::Denied.as_str(), denials, ..Self::default() }
    }

    /// Returns the report of a failed run.
    pub fn failed(error: ErrorReport) -> Self {
        Self { outcome: Status::Failed.as_str(), error: Some(error), ..Self::default() }
    }

    /// Returns the report of a resolved reference. One denied image makes the outcome `denied`; otherwise the first error of
    /// an image makes it `failed`.
    pub fn resolved(mut report: ResolvedReport, error: Option<ErrorReport>) -> Self {
        let absences = report.images.iter().filter_map(|image| match &image.place {
            ImageOrAbsence::Absence { denials, .. } => Some(denials),
            ImageOrAbsence::Image(_) => None,
        });
        let denials: Vec<DenialReport> = absences.flatten().cloned().collect();
        let (outcome, error) = match (&denials[..], error) {
            ([], None) => (Status::Resolved, None),
            ([], error) => (Status::Failed, error),
            _ => (Status::Denied, None),
        };
        if outcome == Status::Denied {
            report.pinned = None;
        }
        Self { outcome: outcome.as_str(), denials, error, resolved: Some(Box::new(report)), published: None }
    }

    /// Returns the report of a publication.
    pub fn published(report: PublishedReport) -> Self {
        Self { outcome: "published", published: Some(Box::new(report)), ..Self::default() }
    }
}

/// A resolution.
#[derive(Debug, Serialize)]
pub struct ResolvedReport {
    /// The resolved reference.
    pub reference: String,
    /// The reference with the digest of the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
    /// The index or manifest that the reference names.
    pub root: DescriptorReport,
    /// The images that policies judged, if the request wanted none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub judged: Vec<JudgedReport>,
    /// The annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// One entry for each requested platform.
    pub images: Vec<PlaceReport>,
}

/// What became of one requested platform.
#[derive(Debug, Serialize)]
pub struct PlaceReport {
    /// The platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
    /// The image, or the reason why there is none.
    #[serde(flatten)]
    pub place: ImageOrAbsence,
}

/// An image, or the reason why there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ImageOrAbsence {
    /// The image.
    Image(Box<ImageReport>),
    /// The platform has no image in the answer.
    Absence {
        /// `no-match`, `denied` or `failed`.
        absence: &'static str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        /// The reasons of the denial.
        denials: Vec<DenialReport>,
        #[serde(skip_serializing_if = "Option::is_none")]
        /// The failure.
        error: Option<ErrorReport>,
    },
}

/// One image.
#[derive(Debug, Serialize)]
pub struct ImageReport {
    /// The reference with the digest of the manifest.
    pub pinned: String,
    /// The manifest.
    pub manifest: DescriptorReport,
    /// The config, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<DescriptorReport>,
    /// The indexes between the root and the manifest.
    pub parents: Vec<DescriptorReport>,
    /// The attestations of the manifest.
    pub attestations: Vec<DescriptorReport>,
    /// What the manifest says, if it was read.
    #[serde(flatten)]
    pub contents: Option<ContentsReport>,
}

/// What a manifest says.
#[derive(Debug, Serialize)]
pub struct ContentsReport {
    /// The size in bytes.
    pub size: u64,
    /// The annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The layers, the lowest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<DescriptorReport>>,
}

/// An image that a policy judged.
#[derive(Debug, Serialize)]
pub struct JudgedReport {
    /// The name of the policy.
    pub policy: String,
    /// The platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
    /// The digest of the manifest.
    pub manifest: String,
}

/// One reason of a denial.
#[derive(Debug, Clone, Serialize)]
pub struct DenialReport {
    /// The name of the policy.
    pub policy: String,
    /// The rule, in the policy's words.
    pub rule: String,
    /// The text for a person.
    pub message: String,
    /// The digest that the reason is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The digest of the denied manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// The platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
}

/// A failure.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorReport {
    /// The kind of failure, as the contract names it.
    pub code: &'static str,
    /// The text for a person.
    pub message: String,
}

/// A descriptor, as OCI image-spec 1.1.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescriptorReport {
    /// The media type.
    pub media_type: String,
    /// The digest.
    pub digest: String,
    /// The size in bytes.
    pub size: u64,
    /// The platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
    /// The artifact type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A platform, as OCI image-spec 1.1.
#[derive(Debug, Clone, Serialize)]
pub struct PlatformReport {
    /// The operating system.
    pub os: String,
    /// The architecture.
    pub architecture: String,
    /// The variant of the architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The version of the operating system.
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// The required features of the operating system.
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
}

impl ImageReport {
    /// Returns the report of an image whose manifest was not read.
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
