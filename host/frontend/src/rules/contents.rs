//! The content of an allowed image, which a build may read by digest.

use refkit::Resolution;
use refkit_buildkit::definition::Store;
use refkit_oci::document::Document;
use refkit_oci::{Descriptor, Digest, Repository};

use super::image::ImageName;

/// Content of a repository: of a layout of a session, or of a registry.
pub type Content = (Option<Store>, Repository, Digest);

/// Returns the content of the images of a resolution: the root, the indexes between it and the images, and the manifests
/// of images and attestations with their configs and layers. The other entries of an index are left out.
pub fn of_resolution(name: &ImageName, resolution: &Resolution) -> Vec<Content> {
    let mut digests = vec![resolution.root.digest.clone()];
    for image in resolution.images.iter().flatten() {
        digests.extend(image.parents.iter().map(|parent| parent.digest.clone()));
        for manifest in std::iter::once(&image.manifest).chain(&image.attestations) {
            digests.push(manifest.digest.clone());
            digests.extend(config_and_layers(resolution, manifest));
        }
    }
    let content = |digest| (name.layout.clone(), name.reference.repository().clone(), digest);
    digests.into_iter().map(content).collect()
}

/// Returns the config and the layers of a manifest, where the run has read the manifest.
fn config_and_layers(resolution: &Resolution, manifest: &Descriptor) -> Vec<Digest> {
    match resolution.document(&manifest.digest) {
        Some(Document::Manifest(manifest)) => {
            [&manifest.config].into_iter().chain(&manifest.layers).map(|blob| blob.digest.clone()).collect()
        }
        _ => Vec::new(),
    }
}
