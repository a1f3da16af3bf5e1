//! The decisions of the policies about the images of one build.

mod pin;
mod run;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use refkit_buildkit::definition::Blob;
use refkit_buildkit::{BuildkitSource, Converted, PlatformSource};
use refkit_content::Resolve as _;
use refkit_content::once::OnceMap;
use refkit_oci::Digest;
use refkit_oci::document::media_type;
use tonic::{Code, Status};

use super::contents::Content;
use super::image::{ImageName, ImageRequest};
use super::platform::WantedPlatform;
use crate::chain::BuildChain;
use crate::report::Reporter;

/// The image that the policies chose for a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedImage {
    /// The name of the image that the policies chose.
    pub name: ImageName,
    /// The digest of its root.
    pub root: Digest,
    /// The digest to pin: the root's, if BuildKit would select the same image from it; otherwise the manifest's.
    pub digest: Digest,
    /// The image's config.
    pub config: Bytes,
    /// The image into which a source policy of the build's options converts the requested one, if there is such a policy.
    pub converted: Option<ImageName>,
}

impl DecidedImage {
    /// Returns the name of the image with the digest to pin.
    pub fn pinned(&self) -> ImageName {
        self.name.pinned(&self.digest)
    }
}

/// The decision about an image of a build, where the policies do not refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The build gets this image.
    Image(Arc<DecidedImage>),
    /// A source policy of the build's options converts the image into a source that reads no image, such as files of the
    /// client.
    NoImage,
}

/// A decision, or the status that the frontend gets instead.
type DecisionResult = Result<Decision, Status>;

/// Runs the policies, and keeps their decisions to the end of the build.
pub struct Decisions {
    chain: BuildChain,
    source: BuildkitSource,
    reporter: Reporter,
    /// The results of requests, so that the policies run once for each.
    results: OnceMap<ImageRequest, DecisionResult>,
    /// The decided images, by each of their names.
    decided: Mutex<HashMap<ImageRequest, Arc<DecidedImage>>>,
    /// The content of the allowed images.
    contents: Mutex<HashSet<Content>>,
}

impl Decisions {
    /// Returns the decisions of a build that has not begun.
    pub fn new(chain: BuildChain, source: BuildkitSource, reporter: Reporter) -> Self {
        let (results, decided, contents) = Default::default();
        Self { chain, source, reporter, results, decided, contents }
    }

    /// Returns the decision about an image. A build has one decision for each image and platform: a later request, a
    /// request for the decided image itself, and a request at the same time get the first one. `mode` is how BuildKit
    /// looks for the image: `default`, `pull` or `local`.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` where a policy refuses the image; otherwise the status of the failed run.
    pub async fn decide(&self, name: &ImageName, wanted: &WantedPlatform, mode: &str) -> DecisionResult {
        let request = ImageRequest { name: name.clone(), wanted: wanted.clone() };
        if let Some(decided) = lock(&self.decided).get(&request) {
            return Ok(Decision::Image(decided.clone()));
        }
        self.results.get(request.clone(), self.decide_anew(&request, mode)).await
    }

    /// Returns whether an image that the policies have allowed in this build contains the content.
    pub fn allows_content(&self, blob: &Blob) -> bool {
        lock(&self.contents).contains(&(blob.layout.clone(), blob.repository.clone(), blob.digest.clone()))
    }

    /// Returns whether the root of an image is an OCI index: BuildKit finds attestations of nothing else. Returns false
    /// where BuildKit cannot read the root.
    pub async fn is_index(&self, decided: &DecidedImage, wanted: &WantedPlatform) -> bool {
        let Ok(root) = decided.name.pinned(&decided.root).policy_reference() else { return false };
        let content = self.platform_source(wanted, "").pull(&root).await;
        content.is_ok_and(|content| content.value.descriptor.media_type == media_type::INDEX)
    }

    /// Returns the content source for a platform.
    fn platform_source(&self, wanted: &WantedPlatform, mode: &str) -> PlatformSource {
        match wanted.is_named {
            true => self.source.for_platform(&wanted.platform, mode),
            false => self.source.for_own_platform(&wanted.platform, mode),
        }
    }

    async fn decide_anew(&self, request: &ImageRequest, mode: &str) -> DecisionResult {
        let status = match self.run(request, mode).await {
            Ok(decided) => return Ok(self.keep(request, decided)),
            Err(status) => status,
        };
        // BuildKit applies the source policies of the build's options to every request. Where it has resolved another
        // image instead, the policies decide about that one.
        let converted = request.name.policy_reference().ok().and_then(|reference| self.source.converted(&reference));
        match converted {
            Some(Converted { reference: Some(reference), .. }) => {
                let converted = ImageName { reference, layout: request.name.layout.clone() };
                let other = ImageRequest { name: converted.clone(), wanted: request.wanted.clone() };
                let decided = DecidedImage { converted: Some(converted), ..self.run(&other, mode).await? };
                Ok(self.keep(request, decided))
            }
            // The denial of the requested name stays.
            Some(Converted { reads_no_image: true, .. }) if status.code() != Code::PermissionDenied => {
                Ok(Decision::NoImage)
            }
            _ => Err(status),
        }
    }

    /// Keeps a decided image under each of its names.
    fn keep(&self, request: &ImageRequest, image: DecidedImage) -> Decision {
        let image = Arc::new(image);
        let names = [request.name.clone(), request.name.pinned(&image.digest), image.pinned()];
        let mut decided = lock(&self.decided);
        for name in names.into_iter().chain(image.converted.clone()) {
            decided.insert(ImageRequest { name, wanted: request.wanted.clone() }, image.clone());
        }
        Decision::Image(image)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
