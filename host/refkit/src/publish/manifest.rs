//! Checks of a manifest that a policy pushes.

use refkit_content::ErrorKind;
use refkit_oci::Descriptor;
use refkit_oci::document::{self, Document, media_type};

/// Returns what a manifest or an index refers to, and has to be at the destination before it. The subject may come later
/// (OCI distribution 1.1, "Pushing Manifests with Subject"), and layers that may not be distributed stay where they are.
///
/// # Errors
/// [`ErrorKind::Malformed`] or [`ErrorKind::Unsupported`] for a document that the strict reader refuses, that is of
/// another media type than said, or that names content by a digest which cannot be checked.
pub(super) fn children(media_type: &str, bytes: &[u8]) -> Result<Vec<Descriptor>, ErrorKind> {
    let document = document::read(Some(media_type), bytes, &document::Limits::default())?;
    let (kind, unverifiable, children) = match document {
        Document::Index(index) => (index.media_type, index.unverifiable, index.manifests),
        Document::Manifest(manifest) => {
            let layers = manifest.layers.into_iter();
            let layers = layers.filter(|layer| !media_type::is_nondistributable(&layer.media_type));
            let children = std::iter::once(manifest.config).chain(layers).collect();
            (manifest.media_type, manifest.unverifiable, children)
        }
    };
    if kind != media_type {
        let text = format!("the document says that it is {kind:?}, and the policy that it is {media_type:?}");
        return Err(ErrorKind::Malformed(text));
    }
    match unverifiable.first() {
        Some(one) => Err(ErrorKind::Unsupported(format!("no digest of the kind {:?} can be checked", one.digest))),
        None => Ok(children),
    }
}
