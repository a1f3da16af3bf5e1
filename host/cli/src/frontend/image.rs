//! The image that is made: its documents, and what is written where.

use bytes::Bytes;
use refkit::ErrorCode;
use refkit_content::copy::{self, CopyError};
use refkit_content::{Body, Origin, Push, Source, verify};
use refkit_images::edit;
use refkit_images::frontend::entrypoint::Entrypoint;
use refkit_images::layer::Layer;
use refkit_oci::{Algorithm, Descriptor, Digest, Platform, Reference, Repository};

use super::base::{self, Base};
use crate::error::CommandError;

/// A document of the new image.
#[derive(Debug, Clone)]
pub struct Written {
    /// What describes it.
    pub descriptor: Descriptor,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Written {
    fn new(media_type: &str, bytes: Vec<u8>) -> Self {
        let digest = verify::digest(Algorithm::Sha256, &bytes);
        Self { descriptor: Descriptor::new(media_type, digest, bytes.len() as u64), bytes: bytes.into() }
    }
}

/// The image of one platform.
#[derive(Debug, Clone)]
pub struct One {
    /// Its platform.
    pub platform: Platform,
    /// The manifest.
    pub manifest: Written,
    /// The config.
    pub config: Written,
    /// The new layer, and what describes it.
    pub layer: (Descriptor, Layer),
    /// What it wraps.
    pub entrypoint: Entrypoint,
}

/// The whole.
#[derive(Debug, Clone)]
pub struct Image {
    /// The index, or the manifest where there is none.
    pub root: Written,
    /// The images, in the index's order.
    pub all: Vec<One>,
}

/// Returns the documents of one image.
///
/// # Errors
/// When the config or the manifest is malformed.
pub fn one(base: &base::Image, layer: &Layer, options: &Entrypoint, label: &str) -> Result<One, CommandError> {
    let of = &base.manifest.descriptor;
    let malformed = |error: serde_json::Error| malformed(&of.digest, &error);
    let entrypoint = options.wrapping(&base.entrypoint);
    let config = edit::config(&base.config.bytes, &entrypoint.arguments(), label, layer).map_err(malformed)?;
    let config = Written::new(&base.config.descriptor.media_type, config);
    let descriptor = edit::layer(&of.media_type, layer);
    let manifest = edit::manifest(&base.manifest.bytes, &config.descriptor, &descriptor).map_err(malformed)?;
    let manifest = Written::new(&of.media_type, manifest);
    Ok(One { platform: base.platform.clone(), manifest, config, layer: (descriptor, layer.clone()), entrypoint })
}

/// Returns the whole.
///
/// # Errors
/// When the index is malformed.
pub fn whole(base: &Base, all: Vec<One>) -> Result<Image, CommandError> {
    let of = &base.root.descriptor;
    let listed = base.images.iter().zip(&all).filter_map(|(image, one)| Some((image.place?, &one.manifest.descriptor)));
    let listed: Vec<_> = listed.collect();
    let root = match &all[..] {
        [one] if listed.is_empty() => one.manifest.clone(),
        _ => {
            let bytes = edit::index(&base.root.bytes, listed).map_err(|error| malformed(&of.digest, &error))?;
            Written::new(&of.media_type, bytes)
        }
    };
    Ok(Image { root, all })
}

fn malformed(digest: &Digest, error: &serde_json::Error) -> CommandError {
    CommandError::failed(ErrorCode::Invalid, format_args!("{digest} of BASE cannot be changed: {error}"))
}

impl Image {
    /// Writes all of it: blobs first, those of the base only where they are missing; then the manifests; then, under
    /// the tag, what lists them.
    ///
    /// # Errors
    /// What the source or the destination says.
    pub async fn write<S: Source + Clone + 'static>(
        &self,
        base: &Base,
        (source, from): (&S, &Repository),
        (destination, to): (&dyn Push, &Repository),
        tag: Option<&str>,
    ) -> Result<(), CopyError> {
        let mut layers: Vec<&Descriptor> = base.images.iter().flat_map(|image| &image.layers).collect();
        layers.sort_by_key(|layer| &layer.digest);
        layers.dedup_by_key(|layer| &layer.digest);
        copy::blobs((source, from, &base.origin), (destination, to), layers).await?;
        for one in &self.all {
            let own = [(&one.layer.0, &one.layer.1.bytes), (&one.config.descriptor, &one.config.bytes)];
            for (descriptor, bytes) in own {
                let body = Body::from_bytes(Origin::Memory, bytes.clone());
                destination.push_blob(to, descriptor, body).await.map_err(CopyError::at_destination)?;
            }
        }
        let reference = |written: &Written, tag: Option<&str>| {
            let digest = tag.is_none().then(|| written.descriptor.digest.clone());
            Reference::new(to.clone(), tag.map(str::to_owned), digest).map_err(|error| {
                let problem = refkit_content::ErrorKind::Malformed(error.to_string());
                let error = refkit_content::Error::new(refkit_content::Operation::Push, to, problem);
                CopyError::at_destination(error)
            })
        };
        let listed = self.all.iter().map(|one| &one.manifest);
        for manifest in listed.filter(|manifest| manifest.descriptor.digest != self.root.descriptor.digest) {
            let to = reference(manifest, None)?;
            let pushed = destination.push_manifest(&to, &manifest.descriptor.media_type, manifest.bytes.clone()).await;
            pushed.map_err(CopyError::at_destination)?;
        }
        let to = reference(&self.root, tag)?;
        let pushed = destination.push_manifest(&to, &self.root.descriptor.media_type, self.root.bytes.clone()).await;
        pushed.map(drop).map_err(CopyError::at_destination)
    }
}
