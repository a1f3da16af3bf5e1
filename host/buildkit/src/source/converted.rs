//! A source policy of BuildKit's own.

use refkit_oci::Reference;

use crate::definition::{self, SourceKind};
use crate::failure::printable;

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
}

impl Converted {
    pub(super) fn new(identifier: &str) -> Self {
        let reference = match definition::kind(identifier, &Default::default()) {
            Ok(SourceKind::Image(reference) | SourceKind::Layout { reference, .. }) => Some(reference),
            _ => None,
        };
        Self { identifier: identifier.to_owned(), reference }
    }
}
