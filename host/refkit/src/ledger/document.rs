//! A manifest or an index as a run has read it: parsed once, and searched by digest.

use std::sync::{Arc, OnceLock};

use refkit_content::ErrorKind;
use refkit_oci::document::{self, Document, Index};
use refkit_oci::{Descriptor, Digest, Footprint};

/// A document that a run has read.
#[derive(Debug)]
pub(crate) struct ReadDocument {
    document: Arc<Document>,
    /// The places of an index's entries in the order of their digests: sorted by the first search.
    order: OnceLock<Vec<u32>>,
}

impl ReadDocument {
    /// Parses the bytes of a manifest or an index.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] or [`ErrorKind::Unsupported`], where the strict reader refuses it.
    pub(super) fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, ErrorKind> {
        let document = document::read(Some(media_type), bytes, &document::Limits::default())?;
        Ok(Self { document: Arc::new(document), order: OnceLock::new() })
    }

    /// Returns the document.
    pub(crate) fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// Returns the first entry of an index that has the digest.
    pub(crate) fn entry(&self, digest: &Digest) -> Option<&Descriptor> {
        let entries = self.entries();
        let order = self.order.get_or_init(|| {
            let mut order: Vec<u32> = (0..entries.len() as u32).collect();
            order.sort_by(|&a, &b| entries[a as usize].digest.cmp(&entries[b as usize].digest));
            order
        });
        let first = order.partition_point(|&place| entries[place as usize].digest < *digest);
        order.get(first).map(|&place| &entries[place as usize]).filter(|entry| entry.digest == *digest)
    }

    /// Returns an index's entries.
    pub(crate) fn entries(&self) -> &[Descriptor] {
        match &*self.document {
            Document::Index(Index { manifests, .. }) => manifests,
            Document::Manifest(_) => &[],
        }
    }

    /// Returns a manifest's config.
    pub(crate) fn config(&self) -> Option<&Descriptor> {
        self.blobs().next()
    }

    /// Returns a manifest's config and its layers.
    pub(super) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let (config, layers) = match &*self.document {
            Document::Manifest(manifest) => (Some(&manifest.config), manifest.layers.as_slice()),
            Document::Index(_) => (None, [].as_slice()),
        };
        config.into_iter().chain(layers)
    }

    /// Returns everything that the document names, its subject aside.
    pub(super) fn named(&self) -> impl Iterator<Item = &Descriptor> {
        self.blobs().chain(self.entries())
    }
}

impl Footprint for ReadDocument {
    fn footprint(&self) -> usize {
        let own = match &*self.document {
            Document::Index(index) => {
                let subject = index.subject.footprint() + index.artifact_type.footprint();
                index.media_type.footprint() + subject + index.annotations.footprint() + index.unverifiable.footprint()
            }
            Document::Manifest(manifest) => {
                let subject = manifest.subject.footprint() + manifest.artifact_type.footprint();
                let rest = manifest.annotations.footprint() + manifest.unverifiable.footprint();
                manifest.media_type.footprint() + subject + rest
            }
        };
        let order = self.entries().len() * size_of::<u32>();
        size_of::<Self>() + own + order + self.named().map(Descriptor::footprint).sum::<usize>()
    }
}
