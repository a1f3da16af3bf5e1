//! The digest by which BuildKit builds the image that the policies chose.

use bytes::Bytes;
use refkit::{Image, Outcome, Resolution};
use refkit_buildkit::PlatformSource;
use refkit_oci::{Descriptor, Digest, Platform};
use tonic::Status;

use super::{DecidedImage, Decisions};
use crate::rules::image::ImageRequest;

impl Decisions {
    /// Returns the decided image with the digest to pin. The root's digest keeps the build's provenance; it serves only
    /// where BuildKit selects the decided image from the root.
    pub(super) async fn pin(
        &self,
        request: &ImageRequest,
        source: PlatformSource,
        resolution: &Resolution,
        image: &Image<Descriptor>,
    ) -> Result<DecidedImage, Status> {
        let root = resolution.root.digest.clone();
        let config = image.config.as_ref().and_then(|config| resolution.bytes(&config.digest));
        let missing = || Status::internal(format!("{}: the answer has no config", resolution.reference));
        let config = config.ok_or_else(missing)?.clone();
        let manifest = image.manifest.digest.clone();
        let selected = manifest == root
            || has_config(&source, resolution, &config).await
                && self.default_selects(source, resolution, &request.wanted.platform, &manifest).await;
        let digest = if selected { root.clone() } else { manifest };
        let name = request.name.chosen(&resolution.reference);
        Ok(DecidedImage { name, root, digest, config, converted: None })
    }

    /// Returns whether the default policy selects a manifest from the root. The run before has read all documents for it.
    /// The config alone does not tell: two manifests may share one, for example with layers compressed differently.
    async fn default_selects(
        &self,
        source: PlatformSource,
        resolution: &Resolution,
        platform: &Platform,
        manifest: &Digest,
    ) -> bool {
        let Some(session) = self.chain.default_session(source, resolution.pinned(), platform) else { return true };
        match session.resolve().await {
            Ok(Outcome::Resolved(default)) => {
                let image = default.images.first().and_then(|image| image.as_ref().ok());
                image.is_some_and(|image| image.manifest.digest == *manifest)
            }
            _ => false,
        }
    }
}

/// Returns whether BuildKit selects an image with this config from the root. BuildKit may read an index differently than
/// RefKit, and it builds what its own response names, which is at hand from the run. A config names the content of every
/// layer, and BuildKit checks that when it unpacks them.
async fn has_config(source: &PlatformSource, resolution: &Resolution, config: &Bytes) -> bool {
    let response = source.metadata(&resolution.pinned()).await;
    response.is_ok_and(|metadata| metadata.config.as_ref() == Some(config))
}
