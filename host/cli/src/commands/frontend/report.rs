//! The output of `refkit frontend image --format json`.
//!
//! ```text
//! outcome     "made", "checked" or "failed"
//! requested   BASE, or the image that was inspected
//!
//! if made:
//!   pinned      the written image, pinned
//!   root        descriptor of the index or manifest
//!   images      [{platform, manifest, layer, entrypoint}], in the index's order
//!   policies    [{path, digest, name, version, imports}], the first one asked first
//!   left_out    [{digest, platform, reason}]
//!   notes       texts
//! if checked:
//!   pinned      the inspected image, pinned
//!   root        descriptor of the index or manifest
//!   images      one for each manifest that is no attestation
//!     platform     as the index or the config says
//!     manifest     descriptor
//!     ships        whether the entrypoint is RefKit's
//!     entrypoint   all of it, where it is not
//!     frontend     {path, digest, size, platform, version}: what is known of the program
//!     default_code what lies where the program looks for its default policy's code, as below, or
//!                    "foreign"  code of a default policy that this refkit does not have
//!     policies     [{path, digest, size, name, version, imports, code}]; `code` says what lies beside the component:
//!                    "same"     code, as this refkit compiles the component
//!                    "other"    code, but not that
//!                    "unknown"  code, for a platform that this refkit does not compile for
//!                    "unfit"    no code of this component: the frontend compiles it at every start
//!                    "none"     nothing: the same
//!     settings     texts NAME=VALUE
//!     grants       patterns of what the policies may read besides the image in question
//!     allow_policy where builds may bring policies from: "build-arg", "context"
//!     runs         the frontend's own entrypoint
//!     network_none whether the label that takes the network away is set
//!     errors       why it cannot run
//!     warnings     where it is not what it says
//! if failed:
//!   error       {code, message}; the codes are those of the contract
//! ```

use refkit_images::frontend::base::LeftOut;
use refkit_images::frontend::image::PlatformImage;
use refkit_images::frontend::inspect::ShippedProgram;
use refkit_images::frontend::{Base, Image, Listed, PROGRAM};
use serde::Serialize;

use super::check::Checked;
use super::inspect::Inspection;
use super::left_out;
use super::policies::Packed;
use super::shipped::ShippedPolicy;
use refkit_report::json::{DescriptorReport, PlatformReport};

/// The report of an image that was made.
#[derive(Debug, Serialize)]
pub struct MadeReport {
    outcome: &'static str,
    requested: String,
    pinned: String,
    root: DescriptorReport,
    images: Vec<MadeImage>,
    policies: Vec<MadePolicy>,
    left_out: Vec<LeftOutReport>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct MadeImage {
    platform: PlatformReport,
    manifest: DescriptorReport,
    layer: DescriptorReport,
    entrypoint: Vec<String>,
}

#[derive(Debug, Serialize)]
struct MadePolicy {
    #[serde(flatten)]
    listed: Listed,
    imports: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LeftOutReport {
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<PlatformReport>,
    reason: String,
}

impl MadeReport {
    /// Returns the report of an image.
    pub fn new(requested: &str, pinned: String, image: &Image, base: &Base, policies: &[Packed]) -> Self {
        let one = |one: &PlatformImage| MadeImage {
            platform: (&one.platform).into(),
            manifest: (&one.manifest.descriptor).into(),
            layer: (&one.layer.0).into(),
            entrypoint: one.entrypoint.arguments(),
        };
        let policy = |one: &Packed| MadePolicy { listed: one.listed(), imports: one.imports().to_vec() };
        let one_left_out = |one: &LeftOut| LeftOutReport {
            digest: one.digest.to_string(),
            platform: one.platform.as_ref().map(Into::into),
            reason: left_out::reason(&one.reason),
        };
        Self {
            outcome: "made",
            requested: requested.to_owned(),
            pinned,
            root: (&image.root.descriptor).into(),
            images: image.platforms.iter().map(one).collect(),
            policies: policies.iter().map(policy).collect(),
            left_out: base.left_out.iter().map(one_left_out).collect(),
            notes: Vec::new(),
        }
    }

    /// Adds the notes that are also on standard error.
    #[must_use]
    pub fn notes(mut self, notes: &[String]) -> Self {
        self.notes = notes.to_vec();
        self
    }
}

/// The report of an inspected image.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    pub outcome: &'static str,
    pub requested: String,
    pub pinned: String,
    pub root: DescriptorReport,
    pub images: Vec<ImageReport>,
}

/// The image of one platform.
#[derive(Debug, Serialize)]
pub struct ImageReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
    pub manifest: DescriptorReport,
    pub ships: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    #[serde(flatten)]
    pub shipped: Option<ShippedReport>,
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
}

/// What an image ships.
#[derive(Debug, Serialize)]
pub struct ShippedReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontend: Option<FrontendReport>,
    pub default_code: &'static str,
    pub policies: Vec<PolicyReport>,
    pub settings: Vec<String>,
    pub grants: Vec<String>,
    pub allow_policy: Vec<String>,
    pub runs: Vec<String>,
    pub network_none: bool,
}

/// The program.
#[derive(Debug, Serialize)]
pub struct FrontendReport {
    pub path: &'static str,
    pub digest: String,
    pub size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A policy.
#[derive(Debug, Serialize)]
pub struct PolicyReport {
    #[serde(flatten)]
    pub listed: Listed,
    pub size: u64,
    pub imports: Vec<String>,
    pub code: &'static str,
}

/// Returns the report of an inspected image.
pub fn image(checked: &Checked) -> ImageReport {
    let (shipped, entrypoint, errors, warnings) = match &checked.inspection {
        Ok(found) => (Some(shipped(found)), Vec::new(), found.shipped.errors.clone(), found.shipped.warnings.clone()),
        Err(entrypoint) => (None, entrypoint.clone(), vec!["it ships no policies".to_owned()], Vec::new()),
    };
    let platform = checked.platform.as_ref().map(Into::into);
    let (manifest, ships) = ((&checked.manifest).into(), shipped.is_some());
    ImageReport { platform, manifest, ships, entrypoint, shipped, errors, warnings }
}

fn shipped(found: &Inspection) -> ShippedReport {
    let frontend = |program: &ShippedProgram| FrontendReport {
        path: PROGRAM,
        digest: program.digest.to_string(),
        size: program.bytes.len() as u64,
        platform: program.machine.map(|machine| (&machine.platform()).into()),
        version: program.version.clone(),
    };
    let policy = |shipped: &ShippedPolicy| PolicyReport {
        listed: shipped.listed.clone(),
        size: shipped.size,
        imports: shipped.policy.imports().to_vec(),
        code: shipped.code.name(),
    };
    let entrypoint = &found.shipped.entrypoint;
    ShippedReport {
        frontend: found.shipped.program.as_ref().map(frontend),
        default_code: found.default_code.name(),
        policies: found.policies.iter().map(policy).collect(),
        settings: entrypoint.settings.clone(),
        grants: entrypoint.grants.clone(),
        allow_policy: entrypoint.allowed.clone(),
        runs: entrypoint.child.clone(),
        network_none: found.shipped.network_none,
    }
}
