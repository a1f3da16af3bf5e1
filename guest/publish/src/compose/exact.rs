//! One source as it is.

use refkit_oci::document::Document;
use refkit_oci::{Content, Descriptor, Digest};

use super::{Composed, Needed, Source};

impl Source {
    /// Returns whether the source is an index.
    pub fn is_index(&self) -> bool {
        matches!(self.document, Document::Index(_))
    }

    /// Returns the digest of the document.
    pub fn digest(&self) -> &Digest {
        &self.descriptor.digest
    }

    /// Returns the source as it is, with what a destination must hold before it. Its bytes stay, and nothing of it has to
    /// be asked for: neither a config nor an attestation.
    pub fn exact(self) -> Composed {
        let needed = |descriptor: &Descriptor| Needed { descriptor: descriptor.clone(), source: 0 };
        let needed = match &self.document {
            Document::Index(index) => index.manifests.iter().map(needed).collect(),
            Document::Manifest(_) => vec![needed(&self.descriptor)],
        };
        Composed {
            content: Content { descriptor: self.descriptor, bytes: self.bytes },
            needed,
            rewritten: Vec::new(),
            sparse: false,
        }
    }
}
