//! What a frontend may read, and what the rules do about it.
//!
//! | source | in `ResolveSourceMeta` and `ResolveImageConfig` | in the definition of a `Solve` |
//! |---|---|---|
//! | `docker-image`, `oci-layout` | the policies decide | the policies decide, or have decided: a rule pins it, or the call is refused |
//! | `docker-image+blob`, `oci-layout+blob`, `git` with `git.bundle` | passes, if an allowed image contains it | the same |
//! | `git`, `http`, `https`, `local` | passes | passes |
//! | a definition that a file contains (build operation) | – | refused: the frontend cannot see what it reads |
//! | any other scheme | refused | refused |

use prost::Message as _;
use refkit_buildkit::definition::{self, SourceKind, SourceUse};
use refkit_buildkit::source_policy::{self, EvaluateError};
use refkit_buildkit::{Bridge, pb};
use refkit_oci::Platform;
use tonic::Status;

use super::Build;
use super::decisions::Decisions;
use super::platform::WantedPlatform;
use crate::report::Reporter;

/// The sources of one build.
pub struct Sources {
    /// The decisions about images.
    pub decisions: Decisions,
    /// The client of BuildKit.
    pub bridge: Bridge,
    /// The platform that BuildKit takes where the build names none.
    default_platform: Platform,
}

impl Sources {
    /// Returns the sources of a build that has not begun.
    pub fn new(build: Build) -> Self {
        let reporter = Reporter::new(build.bridge.clone(), build.explains);
        let decisions = Decisions::new(build.chain, build.source, reporter);
        Self { decisions, bridge: build.bridge, default_platform: build.platform }
    }

    /// Returns the platform that a request wants.
    pub fn wanted(&self, named: Option<&pb::Platform>) -> WantedPlatform {
        WantedPlatform::new(&self.default_platform, named)
    }

    /// Returns what a source reads after the source policies of the frontend's request. BuildKit applies those first, so
    /// RefKit's policies decide about their outcome.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` where a source policy denies the source. `INVALID_ARGUMENT` where RefKit cannot evaluate a
    /// source policy, or the source is malformed.
    pub fn read(
        &self,
        policies: &[pb::Policy],
        mut source: pb::SourceOp,
        platform: Option<pb::Platform>,
    ) -> Result<SourceUse, Status> {
        source_policy::evaluate(policies, &mut source).map_err(|error| {
            let text = format!("the frontend's own source policies: {error}");
            match error {
                EvaluateError::Denied(_) => Status::permission_denied(text),
                _ => Status::invalid_argument(text),
            }
        })?;
        let operation = pb::Op { op: Some(pb::op::Op::Source(source)), platform, ..Default::default() };
        let mut uses = definition::sources_of(&[operation.encode_to_vec().into()])
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        uses.pop().ok_or_else(|| Status::internal("the source operation has no source"))
    }

    /// Checks a source about which the policies do not decide. Images pass: the policies decide about them.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for content that no allowed image contains, for a build operation, and for an unknown scheme.
    pub fn check(&self, source: &SourceUse) -> Result<(), Status> {
        match &source.kind {
            SourceKind::Http | SourceKind::Local | SourceKind::Git { bundle: None } => Ok(()),
            SourceKind::Image(_) | SourceKind::Layout { .. } => Ok(()),
            SourceKind::Blob(blob) | SourceKind::Git { bundle: Some(blob) } => {
                if self.decisions.allows_content(blob) {
                    return Ok(());
                }
                Err(Status::permission_denied(format!(
                    "{} is content of no image that this build was allowed: resolve the image before its content is read",
                    source.identifier
                )))
            }
            SourceKind::Build => Err(Status::permission_denied(
                "the build has a definition that a file holds: refkit-frontend cannot see what it reads, so it would get \
                 past the policies of this frontend",
            )),
            SourceKind::Unknown(scheme) => Err(Status::permission_denied(format!(
                "the policies of this frontend do not know the source {scheme}:// and let nothing past that may be an \
                 image; a newer refkit-frontend may know it"
            ))),
        }
    }
}
