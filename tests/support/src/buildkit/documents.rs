//! The documents of the image that a fake BuildKit reaches.

use refkit_content::verify::digest;
use refkit_oci::document::{Index, Manifest, media_type};
use refkit_oci::{Algorithm, Descriptor, Digest, Platform, Reference};

use crate::image::document::{Config, ImageConfig, json};

/// The media type of an OCI index.
pub const INDEX: &str = media_type::INDEX;

/// The media type of an OCI manifest.
pub const MANIFEST: &str = media_type::MANIFEST;

/// The media type of an OCI config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The architectures of the image, in the order of its index.
pub const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

/// Returns the digest of bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    digest(Algorithm::Sha256, bytes)
}

/// Returns the descriptor of bytes.
pub fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, sha256(bytes), bytes.len() as u64)
}

fn platform(architecture: &str) -> Platform {
    Platform { os: "linux".to_owned(), architecture: architecture.to_owned(), ..Platform::default() }
}

/// Returns the config for an architecture. It has the label `seen`.
pub fn config(architecture: &str) -> Vec<u8> {
    let config = Config { labels: [("seen".to_owned(), "1".to_owned())].into(), ..Config::default() };
    json(&ImageConfig::new(&platform(architecture), config, Vec::new()))
}

/// Returns a manifest without layers.
pub fn manifest(config: &Descriptor) -> Vec<u8> {
    json(&Manifest {
        media_type: MANIFEST.to_owned(),
        config: config.clone(),
        layers: Vec::new(),
        artifact_type: None,
        subject: None,
        annotations: Vec::new(),
        unverifiable: Vec::new(),
    })
}

/// Returns the manifest for an architecture.
pub fn manifest_of(architecture: &str) -> Vec<u8> {
    manifest(&descriptor(CONFIG, &config(architecture)))
}

/// Returns an index of the manifests of all architectures. Another `mark` makes it another index.
pub fn index(mark: &str) -> Vec<u8> {
    let entries = ARCHITECTURES.map(|architecture| Descriptor {
        platform: Some(platform(architecture)),
        ..descriptor(MANIFEST, &manifest_of(architecture))
    });
    json(&Index {
        media_type: INDEX.to_owned(),
        manifests: entries.into(),
        artifact_type: None,
        subject: None,
        annotations: vec![("mark".to_owned(), mark.to_owned())],
        unverifiable: Vec::new(),
    })
}

/// Returns the reference that a text is.
///
/// # Panics
/// Where the text is no reference.
pub fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}
