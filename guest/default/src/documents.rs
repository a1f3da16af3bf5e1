//! Manifests and indexes: fetched together, read strictly, each once.

use refkit_policy::oci;
use refkit_policy::oci::document::{self, Document, DocumentError, Index, Limits, Manifest};
use refkit_policy::{Descriptor, Error, ErrorCode, Host, Reference};

use crate::digests::Digests;

/// The documents of one run.
pub(crate) struct Documents<'a, H> {
    pub(crate) host: &'a H,
    pub(crate) reference: &'a Reference,
    pub(crate) root: Document,
    root_digest: String,
    /// The digests below the root, and the results of reading them.
    digests: Digests,
    below: Vec<Result<Document, Error>>,
}

impl<'a, H: Host> Documents<'a, H> {
    /// Reads the root.
    pub(crate) fn new(host: &'a H, reference: &'a Reference, root: &Descriptor, bytes: &[u8]) -> Result<Self, Error> {
        let document = document::read(Some(&root.media_type), bytes, &Limits::default());
        let root_digest = root.digest.clone();
        let root = document.map_err(|error| refused(&reference.to_string(), &error))?;
        Ok(Self { host, reference, root, root_digest, digests: Digests::default(), below: Vec::new() })
    }

    /// Fetches and reads the documents that were not read before, in one call. [`Documents::index`] and
    /// [`Documents::manifest`] return the errors.
    pub(crate) fn read(&mut self, wanted: &[&Descriptor]) {
        let mut media_types = Vec::new();
        for descriptor in wanted {
            if descriptor.digest != self.root_digest && self.digests.add(&descriptor.digest) {
                media_types.push(descriptor.media_type.as_str());
            }
        }
        if media_types.is_empty() {
            return;
        }
        let digests = &self.digests.as_slice()[self.below.len()..];
        let answers = self.host.fetch_all(self.reference, digests);
        for ((digest, media_type), answer) in digests.iter().zip(media_types).zip(answers) {
            self.below.push(answer.and_then(|bytes| {
                let document = document::read(Some(media_type), &bytes, &Limits::default());
                document.map_err(|error| refused(&name(self.reference, digest), &error))
            }));
        }
    }

    /// Returns an index that was read.
    pub(crate) fn index(&self, digest: &str) -> Result<&Index, Error> {
        match self.get(digest)? {
            Document::Index(index) => Ok(index),
            Document::Manifest(_) => Err(self.contradictory(digest)),
        }
    }

    /// Returns a manifest that was read.
    pub(crate) fn manifest(&self, digest: &str) -> Result<&Manifest, Error> {
        match self.get(digest)? {
            Document::Manifest(manifest) => Ok(manifest),
            Document::Index(_) => Err(self.contradictory(digest)),
        }
    }

    /// Returns the digest of the index that lists an image with these parents: the last of them, or the root.
    pub(crate) fn holder<'b>(&'b self, parents: &'b [Descriptor]) -> &'b str {
        parents.last().map_or(&self.root_digest, |parent| &parent.digest)
    }

    /// Returns the reference to content of this repository, for messages.
    pub(crate) fn name(&self, digest: &str) -> String {
        name(self.reference, digest)
    }

    fn get(&self, digest: &str) -> Result<&Document, Error> {
        if digest == self.root_digest {
            return Ok(&self.root);
        }
        match self.digests.place(digest).and_then(|place| self.below.get(place)) {
            Some(Ok(document)) => Ok(document),
            Some(Err(error)) => Err(error.clone()),
            None => Err(Error::new(ErrorCode::Other, self.name(digest) + " was not read")),
        }
    }

    fn contradictory(&self, digest: &str) -> Error {
        Error::invalid(self.name(digest) + " is called a manifest in one place and an index in another")
    }
}

/// Returns a descriptor with the three mandatory fields.
pub(crate) fn bare(media_type: &str, digest: &str, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: digest.to_owned(),
        size,
        platform: None,
        artifact_type: None,
        annotations: Vec::new(),
    }
}

/// Returns the same for a descriptor from a document.
pub(crate) fn bare_of(descriptor: &oci::Descriptor) -> Descriptor {
    bare(&descriptor.media_type, descriptor.digest.as_str(), descriptor.size)
}

fn name(reference: &Reference, digest: &str) -> String {
    format!("{}/{}@{digest}", reference.registry, reference.repository)
}

fn refused(name: &str, error: &DocumentError) -> Error {
    let code = if error.is_unsupported() { ErrorCode::Unsupported } else { ErrorCode::Invalid };
    Error::new(code, format!("{name}: {error}"))
}
