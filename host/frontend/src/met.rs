//! What belongs to an image that was allowed: the content that a build may read of it by digest.

use refkit::Resolution;
use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Descriptor, Digest};

use crate::decide::Content;
use crate::image::Name;

/// Returns the contents of the images of a resolution: root and indexes above them, manifests with configs and layers,
/// and attestations with theirs. What else an index lists is none of them.
pub fn contents(name: &Name, resolution: &Resolution) -> Vec<Content> {
    let mut digests = vec![resolution.root.digest.clone()];
    for image in resolution.images.iter().flatten() {
        digests.extend(image.parents.iter().map(|parent| parent.digest.clone()));
        for manifest in std::iter::once(&image.manifest).chain(&image.attestations) {
            digests.push(manifest.digest.clone());
            digests.extend(named(resolution, manifest));
        }
    }
    let content = |digest| (name.layout.clone(), name.reference.repository().clone(), digest);
    digests.into_iter().map(content).collect()
}

/// Returns config and layers of a manifest that was read.
fn named(resolution: &Resolution, manifest: &Descriptor) -> Vec<Digest> {
    let Some(bytes) = resolution.bytes(&manifest.digest).filter(|_| media_type::is_manifest(&manifest.media_type))
    else {
        return Vec::new();
    };
    match document::read(Some(&manifest.media_type), bytes, &Limits::default()) {
        Ok(Document::Manifest(manifest)) => {
            let layers = manifest.layers.into_iter().map(|layer| layer.digest);
            std::iter::once(manifest.config.digest).chain(layers).collect()
        }
        _ => Vec::new(),
    }
}
