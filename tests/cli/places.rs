//! Pushes images to the registries and layouts of tests.

use refkit_content::LayoutWriter;
use refkit_oci::{Digest, Reference};
use refkit_support::image::{Image, demo};
use refkit_support::{FaultRegistry, RealRegistry};

/// A destination of images.
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

/// Pushes an image with all its content, and returns its digest.
pub fn put(registry: &dyn Registry, repository: &str, tag: Option<&str>, image: &Image) -> Digest {
    image.blobs().iter().for_each(|(_, bytes)| registry.blob(repository, bytes));
    image.children().iter().for_each(|child| {
        put(registry, repository, None, child);
    });
    registry.document(repository, tag, &image.descriptor.media_type, &image.bytes);
    image.digest().clone()
}

/// Pushes the demo's images with some tags to `demo/app`.
pub fn fill(registry: &dyn Registry, tags: &[&str]) {
    for (tag, image) in demo().into_iter().filter(|(tag, _)| tags.contains(tag)) {
        put(registry, "demo/app", Some(tag), &image);
    }
}

/// Returns the demo's image with a tag.
pub fn demo_image(tag: &str) -> Image {
    demo().into_iter().find(|(name, _)| *name == tag).expect("the demo has it").1
}

/// Returns a new layout with one image, tagged `latest`.
pub fn layout(image: &Image) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made");
    runtime.block_on(async {
        let writer = LayoutWriter::open(directory.path()).await.expect("the directory is empty");
        let to = Reference::new(writer.repository().clone(), Some("latest".to_owned()), None).expect("a reference");
        image.push(&writer, &to).await.expect("the layout takes it");
    });
    directory
}
