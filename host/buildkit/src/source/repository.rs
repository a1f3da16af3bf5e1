//! The repository of a build's images, and the source operations for its content.

use std::collections::BTreeMap;

use refkit_oci::{Digest, Reference, Repository};

use crate::definition::{IMAGE, IMAGE_BLOB, LAYOUT, LAYOUT_BLOB};
use crate::definition::{OCI_SESSION, OCI_STORE, Store};
use crate::pb;

/// A repository, as BuildKit reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SourceRepository {
    /// A repository of a registry.
    Registry(Repository),
    /// A session's layout, with the build's name for it, which BuildKit records.
    Layout(Repository, Store),
}

impl SourceRepository {
    /// Returns the source operation that reads an image.
    pub fn image(&self, reference: &Reference) -> pb::SourceOp {
        let tag = reference.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = reference.digest().map(|digest| format!("@{digest}")).unwrap_or_default();
        self.source([IMAGE, LAYOUT], &format!("{tag}{digest}"))
    }

    /// Returns the source operation that reads content by its digest.
    pub fn blob(&self, digest: &Digest) -> pb::SourceOp {
        self.source([IMAGE_BLOB, LAYOUT_BLOB], &format!("@{digest}"))
    }

    fn source(&self, [registry, layout]: [&str; 2], rest: &str) -> pb::SourceOp {
        match self {
            Self::Registry(repository) => {
                pb::SourceOp { identifier: format!("{registry}://{repository}{rest}"), attrs: BTreeMap::new() }
            }
            Self::Layout(repository, store) => {
                let attrs = [(OCI_STORE, &store.id), (OCI_SESSION, &store.session)];
                let attrs = attrs.into_iter().filter(|(_, value)| !value.is_empty());
                let attrs = attrs.map(|(name, value)| (name.to_owned(), value.clone())).collect();
                pb::SourceOp { identifier: format!("{layout}://{repository}{rest}"), attrs }
            }
        }
    }
}
