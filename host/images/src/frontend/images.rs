//! The images of a frontend for inspection: those that an index lists, or the one where there is no index.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use refkit_content::{Content, Error, ErrorKind, MANIFEST_LIMIT, Operation, Source, verify};
use refkit_oci::document::{self, Config, Document, Limits, Manifest, media_type};
use refkit_oci::{Descriptor, Reference};

/// How many images of an index are inspected.
const IMAGES_LIMIT: usize = 64;

/// The images of an index, or the one where there is no index.
pub struct Images {
    source: Arc<dyn Source>,
    reference: Reference,
    root: Content,
    /// The descriptors of the manifests, in the index's order; attestations are left out.
    pub entries: Vec<Descriptor>,
}

impl Images {
    /// Reads the root of an image.
    ///
    /// # Errors
    /// The source's error; [`ErrorKind::Malformed`] for a root that is no image, or that has too many images.
    pub async fn read(source: Arc<dyn Source>, reference: Reference) -> Result<Self, Error> {
        let root = source.pull(&reference).await?.value;
        let mut images = Self { source, reference, root, entries: Vec::new() };
        images.entries = match images.document(&images.root)? {
            Document::Manifest(_) => vec![images.root.descriptor.clone()],
            Document::Index(index) => {
                let wanted = |entry: &Descriptor| media_type::is_manifest(&entry.media_type) && !entry.is_attestation();
                index.manifests.into_iter().filter(wanted).collect()
            }
        };
        if images.entries.len() > IMAGES_LIMIT {
            let text = format_args!("it has more than {IMAGES_LIMIT} images");
            return Err(images.malformed(&images.root.descriptor, text));
        }
        Ok(images)
    }

    /// Returns the descriptor of the root.
    pub fn root(&self) -> &Descriptor {
        &self.root.descriptor
    }

    /// Returns the manifest of an entry, and its config. An artifact without a config has an empty one.
    ///
    /// # Errors
    /// The source's error; [`ErrorKind::Malformed`] for an entry that is no manifest, or a config that cannot be read.
    pub async fn documents(&self, entry: &Descriptor) -> Result<(Manifest, Config), Error> {
        let bytes = if entry.digest == self.root.descriptor.digest {
            self.root.bytes.clone()
        } else {
            self.fetch(entry).await?
        };
        let manifest = match self.document(&Content { descriptor: entry.clone(), bytes })? {
            Document::Manifest(manifest) => manifest,
            Document::Index(_) => return Err(self.malformed(entry, "it is an index, not a manifest")),
        };
        if !media_type::is_config(&manifest.config.media_type) {
            return Ok((manifest, Config::default()));
        }
        let config = self.fetch(&manifest.config).await?;
        let config = document::read_config(&config).map_err(|error| self.malformed(&manifest.config, error))?;
        Ok((manifest, config))
    }

    fn document(&self, content: &Content) -> Result<Document, Error> {
        let Content { descriptor, bytes } = content;
        let document = document::read(Some(&descriptor.media_type), bytes, &Limits::default());
        document.map_err(|error| self.malformed(descriptor, error))
    }

    async fn fetch(&self, descriptor: &Descriptor) -> Result<Bytes, Error> {
        let fetched = verify::fetch(&self.source, self.reference.repository(), descriptor, MANIFEST_LIMIT).await;
        fetched.map(|answer| answer.value)
    }

    fn malformed(&self, descriptor: &Descriptor, what: impl fmt::Display) -> Error {
        let subject = format!("{}@{}", self.reference.repository(), descriptor.digest);
        Error::new(Operation::Fetch, subject, ErrorKind::Malformed(what.to_string()))
    }
}
