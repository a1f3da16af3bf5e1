//! Conversions by a source policy of the build's options.

use refkit_oci::Reference;

use crate::definition::{self, SourceKind};
use crate::failure::printable;
use crate::pb;

/// BuildKit has resolved another source than the requested one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a source policy of the build's own makes {} of it; name that instead, so that it is decided about",
    printable(.identifier)
)]
pub struct Converted {
    /// BuildKit's identifier of the other source.
    pub identifier: String,
    /// The reference of the other source, if it is an image.
    pub reference: Option<Reference>,
    /// Whether the other source reads no image: it is files of a session, a git repository, or a file of a web server.
    pub reads_no_image: bool,
}

impl Converted {
    pub(super) fn new(source: &pb::SourceOp) -> Self {
        let (reference, reads_no_image) = match definition::kind(&source.identifier, &source.attrs) {
            Ok(SourceKind::Image(reference) | SourceKind::Layout { reference, .. }) => (Some(reference), false),
            Ok(SourceKind::Local | SourceKind::Http | SourceKind::Git { bundle: None }) => (None, true),
            _ => (None, false),
        };
        Self { identifier: source.identifier.clone(), reference, reads_no_image }
    }
}
