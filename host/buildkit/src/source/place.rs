//! Where a repository's images are, for BuildKit.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::definition::{IMAGE, IMAGE_BLOB, LAYOUT, LAYOUT_BLOB};
use crate::definition::{OCI_SESSION, OCI_STORE, Store};
use crate::pb;

/// A registry, or a layout that a session has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Registry,
    Layout(Store),
}

impl Place {
    /// Returns the source operation of an image.
    pub fn image(&self, reference: impl Display) -> pb::SourceOp {
        self.source([IMAGE, LAYOUT], reference)
    }

    /// Returns the source operation of content by its digest.
    pub fn blob(&self, reference: impl Display) -> pb::SourceOp {
        self.source([IMAGE_BLOB, LAYOUT_BLOB], reference)
    }

    fn source(&self, [registry, layout]: [&str; 2], reference: impl Display) -> pb::SourceOp {
        match self {
            Self::Registry => pb::SourceOp { identifier: format!("{registry}://{reference}"), attrs: BTreeMap::new() },
            Self::Layout(store) => {
                let attrs = [(OCI_STORE, &store.id), (OCI_SESSION, &store.session)];
                let attrs = attrs.into_iter().filter(|(_, value)| !value.is_empty());
                let attrs = attrs.map(|(name, value)| (name.to_owned(), value.clone())).collect();
                pb::SourceOp { identifier: format!("{layout}://{reference}"), attrs }
            }
        }
    }
}
