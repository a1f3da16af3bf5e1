//! A source policy of BuildKit's own.

use refkit_oci::Reference;

use crate::definition::{self, SourceKind};
use crate::failure::printable;
use crate::pb;

/// BuildKit resolved something else than it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a source policy of the build's own makes {} of it; name that instead, so that it is decided about",
    printable(.identifier)
)]
pub struct Converted {
    /// What was resolved, as BuildKit writes it.
    pub identifier: String,
    /// The image that this is, if it is one.
    pub reference: Option<Reference>,
    /// Whether it reads no image at all: files of a session, of a git repository, or of a web server.
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
