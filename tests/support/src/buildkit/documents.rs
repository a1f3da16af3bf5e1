//! The documents of the image that a fake BuildKit reaches.

use refkit_content::verify::digest;
use refkit_oci::{Algorithm, Descriptor, Digest, Reference};

/// The media type of an OCI index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The media type of an OCI manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

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

fn json(descriptor: &Descriptor, more: &str) -> String {
    let Descriptor { media_type, digest, size, .. } = descriptor;
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{more}}}"#)
}

/// Returns the config for an architecture. It has the label `seen`.
pub fn config(architecture: &str) -> Vec<u8> {
    let rest = r#""config":{"Labels":{"seen":"1"}},"rootfs":{"type":"layers","diff_ids":[]}"#;
    format!(r#"{{"os":"linux","architecture":"{architecture}",{rest}}}"#).into_bytes()
}

/// Returns a manifest without layers.
pub fn manifest(config: &Descriptor) -> Vec<u8> {
    format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[]}}"#, json(config, "")).into_bytes()
}

/// Returns the manifest for an architecture.
pub fn manifest_of(architecture: &str) -> Vec<u8> {
    manifest(&descriptor(CONFIG, &config(architecture)))
}

/// Returns an index of the manifests of all architectures. Another `mark` makes it another index.
pub fn index(mark: &str) -> Vec<u8> {
    let entries = ARCHITECTURES.map(|architecture| {
        let platform = format!(r#","platform":{{"os":"linux","architecture":"{architecture}"}}"#);
        json(&descriptor(MANIFEST, &manifest_of(architecture)), &platform)
    });
    let entries = entries.join(",");
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entries}],"annotations":{{"mark":"{mark}"}}}}"#)
        .into_bytes()
}

/// Returns the reference that a text is.
///
/// # Panics
/// Where the text is no reference.
pub fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}
