//! The frontend image: its documents, and the order in which they are written.

use std::collections::HashMap;

use refkit_content::copy::{CopyError, Options};
use refkit_content::{Body, Content, Error, ErrorKind, Memory, Operation, Origin, Push, Source};
use refkit_oci::edit::EditError;
use refkit_oci::{Descriptor, Digest, Platform, Reference, Repository};

use super::base::{self, Base};
use super::entrypoint::Entrypoint;
use super::label::Listed;
use super::{LABEL, NETWORK_NONE};
use crate::edit::{Config, Index, Manifest};
use crate::layer::Layer;

/// The step in the history of the image.
const CREATED_BY: &str = "refkit frontend image";

/// The image of one platform.
#[derive(Debug, Clone)]
pub struct PlatformImage {
    /// The platform.
    pub platform: Platform,
    /// The manifest.
    pub manifest: Content,
    /// The config.
    pub config: Content,
    /// The new layer's descriptor, and the layer.
    pub layer: (Descriptor, Layer),
    /// The new entrypoint.
    pub entrypoint: Entrypoint,
}

/// The image of all platforms.
#[derive(Debug, Clone)]
pub struct Image {
    /// The index, or the manifest if the base has no index.
    pub root: Content,
    /// The images of the platforms, in the index's order.
    pub platforms: Vec<PlatformImage>,
}

/// A document of the base that cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{document} cannot be edited: {reason}")]
pub struct MakeError {
    /// The digest of the manifest or index.
    pub document: Digest,
    /// The reason.
    pub reason: EditError,
}

/// Returns the image of a base with layers on top. `layers` has one for each program that the base's images use. The
/// new entrypoint is in front of that of each image; `policies` is the content of the label.
///
/// # Errors
/// [`MakeError`] for a document of the base that cannot be edited.
pub fn make(
    base: &Base,
    layers: &HashMap<usize, Layer>,
    entrypoint: &Entrypoint,
    policies: &[Listed],
) -> Result<Image, MakeError> {
    let mut platforms = Vec::with_capacity(base.images.len());
    for image in &base.images {
        // An image without a layer is left out.
        let Some(layer) = layers.get(&image.program) else { continue };
        let failed = |reason| MakeError { document: image.manifest.descriptor.digest.clone(), reason };
        platforms.push((image.place, platform(image, layer, entrypoint, policies).map_err(failed)?));
    }
    let of = &base.root.descriptor;
    let failed = |reason| MakeError { document: of.digest.clone(), reason };
    let root = match &platforms[..] {
        [(None, only)] => only.manifest.clone(),
        _ => {
            let listed = platforms.iter().filter_map(|(place, one)| Some(((*place)?, &one.manifest.descriptor)));
            index(&base.root, &listed.collect()).map_err(failed)?
        }
    };
    Ok(Image { root, platforms: platforms.into_iter().map(|(_, one)| one).collect() })
}

fn platform(
    base: &base::Image,
    layer: &Layer,
    entrypoint: &Entrypoint,
    policies: &[Listed],
) -> Result<PlatformImage, EditError> {
    let entrypoint = entrypoint.wrapping(&base.entrypoint);
    let label = serde_json::to_string(policies)?;
    let mut config = Config::read(&base.config.bytes)?;
    config.set_entrypoint(&entrypoint.arguments())?;
    config.set_label(NETWORK_NONE, "true")?;
    config.set_label(LABEL, &label)?;
    config.push_layer(&layer.diff_id, CREATED_BY)?;
    let config = config.into_content(&base.config.descriptor.media_type);

    let media_type = &base.manifest.descriptor.media_type;
    let descriptor = layer.descriptor(media_type);
    let mut manifest = Manifest::read(&base.manifest.bytes)?;
    manifest.set_config(&config.descriptor)?;
    manifest.push_layer(&descriptor)?;
    let manifest = manifest.into_content(media_type);
    Ok(PlatformImage {
        platform: base.platform.clone(),
        manifest,
        config,
        layer: (descriptor, layer.clone()),
        entrypoint,
    })
}

/// Returns the base's index with the new manifests, by their positions, and without other entries.
fn index(base: &Content, made: &HashMap<usize, &Descriptor>) -> Result<Content, EditError> {
    let mut index = Index::read(&base.bytes)?;
    for (place, manifest) in made {
        index.set_manifest(*place, manifest)?;
    }
    index.retain(|place| made.contains_key(&place));
    index.into_content(&base.descriptor.media_type)
}

impl Image {
    /// Writes the whole image: first the base's layers that are missing, then the new blobs, then the manifests, and
    /// last the root under the tag. An interrupted write leaves no tag that points at missing content. The options are
    /// those of the copies of blobs.
    ///
    /// # Errors
    /// [`CopyError`] with the side that failed: the source for a layer of the base, otherwise the destination.
    pub async fn write<S: Source + Clone + 'static>(
        &self,
        base: &Base,
        (source, from): (&S, &Repository),
        (destination, to): (&dyn Push, &Repository),
        tag: Option<&str>,
        options: &Options,
    ) -> Result<(), CopyError> {
        let mut layers: Vec<&Descriptor> = base.images.iter().flat_map(|image| &image.layers).collect();
        layers.sort_by_key(|layer| &layer.digest);
        layers.dedup_by_key(|layer| &layer.digest);
        options.blobs((source, from, &base.origin), (destination, to), layers).await?;
        let (own, mut blobs) = (Memory::new(), Vec::new());
        for one in &self.platforms {
            for (blob, bytes) in [(&one.layer.0, &one.layer.1.bytes), (&one.config.descriptor, &one.config.bytes)] {
                let body = Body::from_bytes(Origin::Memory, bytes.clone());
                own.push_blob(to, blob, body).await.map_err(CopyError::at_source)?;
                blobs.push(blob);
            }
        }
        options.blobs((&own, to, &Origin::Memory), (destination, to), blobs).await?;
        let root = &self.root.descriptor.digest;
        let manifests = self.platforms.iter().map(|one| &one.manifest);
        for manifest in manifests.filter(|manifest| manifest.descriptor.digest != *root) {
            push(destination, to, manifest, None).await?;
        }
        push(destination, to, &self.root, tag).await
    }
}

/// Writes a document under a tag, or by its digest.
async fn push(destination: &dyn Push, to: &Repository, document: &Content, tag: Option<&str>) -> Result<(), CopyError> {
    let digest = tag.is_none().then(|| document.descriptor.digest.clone());
    let reference = Reference::new(to.clone(), tag.map(str::to_owned), digest).map_err(|error| {
        let error = Error::new(Operation::Push, to, ErrorKind::Malformed(error.to_string()));
        CopyError::at_destination(error)
    })?;
    let pushed = destination.push_manifest(&reference, &document.descriptor.media_type, document.bytes.clone()).await;
    pushed.map(drop).map_err(CopyError::at_destination)
}
