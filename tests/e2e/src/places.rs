//! Pushes images to the registries and layouts of builds.

use refkit_content::LayoutWriter;
use refkit_oci::Reference;
use refkit_support::RealRegistry;
use refkit_support::image::Image;
use tempfile::TempDir;

/// Pushes an image with all its content under a tag, and returns the reference.
///
/// # Errors
/// An error if the registry refuses it.
pub fn put(registry: &RealRegistry, repository: &str, tag: &str, image: &Image) -> anyhow::Result<String> {
    fill(registry, repository, Some(tag), image)?;
    Ok(format!("{}/{repository}:{tag}", registry.host()))
}

fn fill(registry: &RealRegistry, repository: &str, tag: Option<&str>, image: &Image) -> anyhow::Result<()> {
    for (_, bytes) in image.blobs() {
        registry.put_blob(repository, bytes)?;
    }
    for child in image.children() {
        fill(registry, repository, None, child)?;
    }
    registry.put_manifest(repository, tag, &image.descriptor.media_type, &image.bytes)?;
    Ok(())
}

/// Returns a new layout directory with one image, under a tag.
///
/// # Errors
/// An error if it cannot be written.
pub fn layout(tag: &str, image: &Image) -> anyhow::Result<TempDir> {
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let writer = LayoutWriter::open(directory.path()).await?;
        let to = Reference::new(writer.repository().clone(), Some(tag.to_owned()), None)?;
        image.push(&writer, &to).await?;
        anyhow::Ok(())
    })?;
    Ok(directory)
}
