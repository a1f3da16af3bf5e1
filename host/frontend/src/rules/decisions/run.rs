//! One run of the policies: from a request to an image or a status.

use refkit::{Absence, Image, Outcome, Resolution};
use refkit_oci::Descriptor;
use refkit_report::Refusal;
use tonic::Status;

use super::{DecidedImage, Decisions, lock};
use crate::rules::contents;
use crate::rules::image::ImageRequest;
use crate::rules::refusal;

impl Decisions {
    /// Runs the policies, and reports the run.
    pub(super) async fn run(&self, request: &ImageRequest, mode: &str) -> Result<DecidedImage, Status> {
        let ImageRequest { name, wanted } = request;
        let platform = &wanted.platform;
        let reference = name.policy_reference().map_err(|error| Status::invalid_argument(error.to_string()))?;
        if let Some(store) = &name.layout {
            self.source.layout(reference.repository().clone(), name.reference.repository().clone(), store.clone());
        }
        let source = self.platform_source(wanted, mode);
        let session = self.chain.session(source.clone(), reference.clone(), platform);
        let outcome = session.resolve().await;
        let resolution = match &outcome {
            Ok(Outcome::Resolved(resolution)) => Some(resolution),
            _ => None,
        };
        self.reporter.report(request, &session, resolution).await;
        let resolution = match outcome {
            Ok(Outcome::Resolved(resolution)) => resolution,
            Ok(Outcome::Denied { denials, .. }) => {
                return Err(refusal::denied(&name.reference.to_string(), &denials));
            }
            Err(error) => return Err(refusal::failed(&format!("{} ({platform})", name.reference), &error)),
        };
        let image = only_image(request, &resolution)?;
        let decided = self.pin(request, source, &resolution, image).await?;
        if reference.digest().is_none()
            && let (Some(kept), Some(to)) = (self.source.pinned(&reference), self.source.moved(&reference))
        {
            self.reporter.report_moved(request, &kept, &to).await;
        }
        lock(&self.contents).extend(contents::of_resolution(&decided.name, &resolution));
        Ok(decided)
    }
}

/// Returns the image of a resolution, which is for one platform, or the status that says why it has none.
fn only_image<'a>(request: &ImageRequest, resolution: &'a Resolution) -> Result<&'a Image<Descriptor>, Status> {
    let absence = match resolution.images.first() {
        Some(Ok(image)) => return Ok(image),
        Some(Err(absence)) => absence,
        None => &Absence::NoMatch,
    };
    let (subject, platform) = (resolution.reference.to_string(), &request.wanted.platform);
    Err(refusal::status(Refusal::absent(&subject, platform, absence)))
}
