//! What a frontend may read, and what is done about it.
//!
//! | source | in `ResolveSourceMeta` and `ResolveImageConfig` | in the definition of a `Solve` |
//! |---|---|---|
//! | `docker-image`, `oci-layout` | the policies decide | decided before, or now; pinned by a rule, or refused |
//! | `docker-image+blob`, `oci-layout+blob`, `git` with `git.bundle` | only content of images that were allowed | the same |
//! | `git`, `http`, `https`, `local` | pass | pass |
//! | a definition that a file holds (build operation) | is none | refused: nobody can see what it reads |
//! | any other scheme | refused | refused |

use prost::Message as _;
use refkit_buildkit::definition::{self, SourceKind, SourceUse};
use refkit_buildkit::source_policy::{self, EvaluateError};
use refkit_buildkit::{Bridge, pb};
use refkit_oci::Platform;
use tonic::Status;

use crate::decide::Decisions;
use crate::image::Wanted;

/// A build's sources, and who decides about them.
pub struct Sources {
    /// What was decided.
    pub decisions: Decisions,
    /// BuildKit.
    pub bridge: Bridge,
    /// The platform that BuildKit takes where a build names none: that of its own machine, which runs this frontend as
    /// well. The list of a worker's platforms may begin with another one.
    pub own: Platform,
}

impl Sources {
    /// Returns the platform that is meant; where the build names none, BuildKit's own.
    pub fn wanted(&self, named: Option<&pb::Platform>) -> Wanted {
        wanted(&self.own, named)
    }

    /// Returns what a source reads after the frontend's own rules: BuildKit applies them first, so policies see what
    /// comes of them.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` where they deny it, `INVALID_ARGUMENT` where they cannot be applied here or the source is
    /// malformed.
    pub fn read(
        &self,
        rules: &[pb::Policy],
        mut source: pb::SourceOp,
        platform: Option<pb::Platform>,
    ) -> Result<SourceUse, Status> {
        source_policy::evaluate(rules, &mut source).map_err(|error| {
            let text = format!("the frontend's own source policies: {error}");
            match error {
                EvaluateError::Denied(_) => Status::permission_denied(text),
                _ => Status::invalid_argument(text),
            }
        })?;
        let operation = pb::Op { op: Some(pb::op::Op::Source(source)), platform, ..Default::default() };
        let mut uses = definition::sources_of(&[operation.encode_to_vec().into()])
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        uses.pop().ok_or_else(|| Status::internal("a source that is none"))
    }

    /// Judges a source that is no image as a whole.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` where nobody has allowed what it reads.
    pub fn judge(&self, source: &SourceUse) -> Result<(), Status> {
        match &source.kind {
            SourceKind::Http | SourceKind::Local | SourceKind::Git { bundle: None } => Ok(()),
            // These are decided, not judged.
            SourceKind::Image(_) | SourceKind::Layout { .. } => Ok(()),
            SourceKind::Blob(blob) | SourceKind::Git { bundle: Some(blob) } => {
                if self.decisions.has_met(blob) {
                    return Ok(());
                }
                Err(Status::permission_denied(format!(
                    "{} is content of no image that this build was allowed: resolve the image before its content is read",
                    source.identifier
                )))
            }
            SourceKind::Build => Err(Status::permission_denied(
                "the build has a definition that a file holds: nobody can see what it reads, so it would get past the \
                 policies of this frontend",
            )),
            SourceKind::Unknown(scheme) => Err(Status::permission_denied(format!(
                "the policies of this frontend do not know the source {scheme}:// and let nothing past that may be an \
                 image; a newer refkit-frontend may know it"
            ))),
        }
    }
}

/// Returns the platform that BuildKit takes on a machine of its own one: that, where none is named, and its operating
/// system, where a platform has none (`NormalizeRuntimePlatforms` and containerd's `Normalize`).
fn wanted(own: &Platform, named: Option<&pb::Platform>) -> Wanted {
    let Some(platform) = named.map(Platform::from) else { return Wanted { platform: own.clone(), is_named: false } };
    let os = if platform.os.is_empty() { own.os.clone() } else { platform.os.clone() };
    Wanted { platform: Platform { os, ..platform }.normalized(), is_named: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_as_buildkit_takes_them() {
        let own: Platform = "linux/riscv64".parse().unwrap();
        let platform = |os: &str, architecture: &str, variant: &str| pb::Platform {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            ..Default::default()
        };
        // what is named, what it is, and whether BuildKit is asked for a platform
        let rows = [
            (None, "linux/riscv64", false),
            (Some(platform("linux", "amd64", "")), "linux/amd64", true),
            (Some(platform("", "amd64", "")), "linux/amd64", true),
            (Some(platform("linux", "aarch64", "v8")), "linux/arm64", true),
            (Some(platform("windows", "amd64", "")), "windows/amd64", true),
        ];
        for (named, wanted, is_named) in rows {
            let found = super::wanted(&own, named.as_ref());
            assert_eq!((found.platform.to_string().as_str(), found.is_named), (wanted, is_named), "{named:?}");
        }
    }
}
