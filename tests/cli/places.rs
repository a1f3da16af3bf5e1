//! Puts images where the command is to find them.

use refkit_oci::Digest;
use refkit_support::image::{Image, demo};
use refkit_support::{FaultRegistry, RealRegistry};

/// Something that images can be put into.
pub trait Registry {
    fn blob(&self, repository: &str, bytes: &[u8]);
    fn document(&self, repository: &str, tag: Option<&str>, media_type: &str, bytes: &[u8]);
}

impl Registry for FaultRegistry {
    fn blob(&self, repository: &str, bytes: &[u8]) {
        self.put_blob(repository, bytes.to_vec());
    }

    fn document(&self, repository: &str, tag: Option<&str>, media_type: &str, bytes: &[u8]) {
        self.put_manifest(repository, tag, media_type, bytes.to_vec());
    }
}

impl Registry for RealRegistry {
    fn blob(&self, repository: &str, bytes: &[u8]) {
        self.put_blob(repository, bytes).expect("the registry takes it");
    }

    fn document(&self, repository: &str, tag: Option<&str>, media_type: &str, bytes: &[u8]) {
        self.put_manifest(repository, tag, media_type, bytes).expect("the registry takes it");
    }
}

/// Puts an image and all that it refers to there, and returns its digest.
pub fn put(registry: &dyn Registry, repository: &str, tag: Option<&str>, image: &Image) -> Digest {
    image.blobs().iter().for_each(|(_, bytes)| registry.blob(repository, bytes));
    image.children().iter().for_each(|child| {
        put(registry, repository, None, child);
    });
    registry.document(repository, tag, &image.descriptor.media_type, &image.bytes);
    image.digest().clone()
}

/// Puts the demo's images of some tags into `demo/app`.
pub fn fill(registry: &dyn Registry, tags: &[&str]) {
    for (tag, image) in demo().into_iter().filter(|(tag, _)| tags.contains(tag)) {
        put(registry, "demo/app", Some(tag), &image);
    }
}

/// Returns the demo's image of a tag.
pub fn demo_image(tag: &str) -> Image {
    demo().into_iter().find(|(name, _)| *name == tag).expect("the demo has it").1
}
