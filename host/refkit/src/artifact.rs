//! Policies as OCI artifacts: the CNCF's format for WebAssembly, an image manifest whose only layer is the component.
//!
//! ```no_run
//! use refkit::artifact;
//!
//! /// Reads a policy from any source of content: a registry, a layout, BuildKit.
//! async fn policy(source: &dyn refkit_content::Source) -> Result<bytes::Bytes, Box<dyn std::error::Error>> {
//!     let reference = "ghcr.io/example/policy@sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b";
//!     let limit = refkit::EngineOptions::default().max_component;
//!     Ok(artifact::fetch(source, &reference.parse()?, limit).await?)
//! }
//! ```

use bytes::Bytes;
use refkit_content::{Fetch, Resolve};
use refkit_oci::Reference;
use refkit_oci::document::{self, Document, DocumentError, Limits};

/// The media types of a component: the CNCF's, and the one that older tools write.
pub const MEDIA_TYPES: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

/// A reference does not name a policy that can be read.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The reference has a tag alone. A tag may name another policy tomorrow, so the digest decides.
    #[error("a policy is named by its digest: REPOSITORY@sha256:…")]
    NotPinned,
    /// The digest is that of an index.
    #[error("it is an index; name the manifest of the policy")]
    Index,
    /// The document is no manifest.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The manifest has no layer, or several.
    #[error("it has {0} layers; a policy has one, {media_type}", media_type = MEDIA_TYPES[0])]
    Layers(usize),
    /// The layer is not a component.
    #[error("its layer is {0}, not {media_type}", media_type = MEDIA_TYPES[0])]
    MediaType(String),
    /// The source cannot read the manifest or the component.
    #[error(transparent)]
    Content(#[from] refkit_content::Error),
}

/// Returns the component of a policy, verified. The reference has the digest of the manifest, and the component has at
/// most `limit` bytes.
///
/// # Errors
/// [`ArtifactError::Content`] for an error of the source, and for a component that has more than `limit` bytes or
/// another digest; otherwise the error that says why this is no policy.
pub async fn fetch(
    source: &(impl Resolve + Fetch + ?Sized),
    reference: &Reference,
    limit: u64,
) -> Result<Bytes, ArtifactError> {
    if reference.digest().is_none() {
        return Err(ArtifactError::NotPinned);
    }
    let content = source.pull(reference).await?.value;
    let manifest = match document::read(Some(&content.descriptor.media_type), &content.bytes, &Limits::default())? {
        Document::Manifest(manifest) => manifest,
        Document::Index(_) => return Err(ArtifactError::Index),
    };
    let layer = match &manifest.layers[..] {
        [layer] if MEDIA_TYPES.contains(&layer.media_type.as_str()) => layer,
        [layer] => return Err(ArtifactError::MediaType(layer.media_type.clone())),
        layers => return Err(ArtifactError::Layers(layers.len())),
    };
    Ok(refkit_content::fetch(source, reference.repository(), layer, limit).await?.value)
}
