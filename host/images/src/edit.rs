//! What changes in the documents of an image. They have been read strictly before; what is not named here stays.

use refkit_oci::Descriptor;
use refkit_oci::document::media_type::{DOCKER_MANIFEST, is_manifest};
use serde::Deserialize;
use serde_json::Error;
use serde_json::value::{RawValue, to_raw_value};

use crate::frontend::{LABEL, NETWORK_NONE};
use crate::layer::Layer;
use crate::object::Object;

/// What layers are called.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// Who made the layer.
const CREATED_BY: &str = "refkit frontend image";

/// Returns the descriptor of the layer in a manifest of a media type.
pub fn layer(manifest: &str, layer: &Layer) -> Descriptor {
    let media_type = if manifest == DOCKER_MANIFEST { DOCKER_LAYER } else { LAYER };
    Descriptor::new(media_type, layer.digest.clone(), layer.bytes.len() as u64)
}

/// Returns the config with the entrypoint, the labels and the layer.
///
/// # Errors
/// When the config is malformed in a way that nobody looked for before.
pub fn config(bytes: &[u8], entrypoint: &[String], policies: &str, layer: &Layer) -> Result<Vec<u8>, Error> {
    let mut document = Object::read(bytes)?;
    let mut config: Object = document.get("config")?;
    config.set("Entrypoint", entrypoint)?;
    let mut labels: Object = config.get("Labels")?;
    labels.set(NETWORK_NONE, "true")?;
    labels.set(LABEL, policies)?;
    config.set("Labels", &labels)?;
    document.set("config", &config)?;

    let mut rootfs: Object = document.get("rootfs")?;
    let mut diff_ids: Vec<String> = rootfs.get("diff_ids")?;
    let below = diff_ids.len();
    diff_ids.push(layer.diff_id.clone());
    rootfs.set("diff_ids", &diff_ids)?;
    document.set("rootfs", &rootfs)?;

    let mut history: Vec<Box<RawValue>> = document.get("history")?;
    let mut steps = 0;
    for step in &history {
        steps += usize::from(!serde_json::from_str::<Step>(step.get())?.empty_layer);
    }
    // Steps belong to layers by their order. Where some are missing, one more would be taken for another layer's.
    if steps == below {
        let mut step = Object::default();
        let created: Option<Box<RawValue>> = document.get("created")?;
        if let Some(created) = created {
            step.set("created", &created)?;
        }
        step.set("created_by", CREATED_BY)?;
        history.push(to_raw_value(&step)?);
        document.set("history", &history)?;
    }
    document.bytes()
}

/// A step of an image's history.
#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    empty_layer: bool,
}

/// Returns the manifest with another config and one more layer.
///
/// # Errors
/// As [`config`].
pub fn manifest(bytes: &[u8], config: &Descriptor, layer: &Descriptor) -> Result<Vec<u8>, Error> {
    let mut document = Object::read(bytes)?;
    let mut of = document.get("config")?;
    point(&mut of, config)?;
    document.set("config", &of)?;
    let mut layers: Vec<Box<RawValue>> = document.get("layers")?;
    let mut one = Object::default();
    one.set("mediaType", &layer.media_type)?;
    point(&mut one, layer)?;
    layers.push(to_raw_value(&one)?);
    document.set("layers", &layers)?;
    document.bytes()
}

/// Returns the index with the manifests that were made, each with the place of the entry that it is listed by.
///
/// # Errors
/// As [`config`].
pub fn index<'a>(bytes: &[u8], made: impl IntoIterator<Item = (usize, &'a Descriptor)>) -> Result<Vec<u8>, Error> {
    let mut document = Object::read(bytes)?;
    let entries: Vec<Object> = document.get("manifests")?;
    let mut kept = Vec::new();
    for (place, manifest) in made {
        debug_assert!(is_manifest(&manifest.media_type));
        let mut entry = entries.get(place).cloned().unwrap_or_default();
        point(&mut entry, manifest)?;
        kept.push(entry);
    }
    document.set("manifests", &kept)?;
    document.bytes()
}

/// Makes a descriptor one of other content of the same kind.
fn point(descriptor: &mut Object, to: &Descriptor) -> Result<(), Error> {
    descriptor.set("digest", to.digest.as_str())?;
    descriptor.set("size", &to.size)?;
    // Both have the old content.
    descriptor.remove("data");
    descriptor.remove("urls");
    Ok(())
}
