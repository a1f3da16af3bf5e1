//! Edits of an image's documents. The strict reading of [`refkit_oci::document`] comes first. All other members keep
//! their bytes and their order.

mod config;
mod index;
mod manifest;

use bytes::Bytes;
use refkit_content::{Content, verify};
use refkit_oci::edit::{EditError, Object};
use refkit_oci::{Algorithm, Descriptor};

pub use config::Config;
pub use index::Index;
pub use manifest::Manifest;

/// Sets a member of a nested object, such as an annotation.
fn set_within(document: &mut Object, member: &str, name: &str, value: &str) -> Result<(), EditError> {
    let mut inner = document.object(member)?;
    inner.set(name, value)?;
    document.set(member, &inner)
}

/// Changes a descriptor in a document to other content of the same kind.
fn retarget(descriptor: &mut Object, to: &Descriptor) -> Result<(), EditError> {
    descriptor.set("digest", to.digest.as_str())?;
    descriptor.set("size", &to.size)?;
    // Both members lead to the old content.
    descriptor.remove("data");
    descriptor.remove("urls");
    Ok(())
}

/// Returns a document with the descriptor of its bytes.
fn content(media_type: &str, document: Object) -> Content {
    let bytes = Bytes::from(document.into_bytes());
    let digest = verify::digest(Algorithm::Sha256, &bytes);
    Content { descriptor: Descriptor::new(media_type, digest, bytes.len() as u64), bytes }
}
