//! The content that a manifest or an index refers to.

use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Descriptor, Digest};

pub(crate) use refkit_oci::document::media_type::{INDEX, is_document as is_manifest, is_index};

use crate::ErrorKind;

/// The content that one manifest or index refers to, and the fields that a list of referrers repeats.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    /// The manifests and indexes of an index, in its order.
    pub manifests: Vec<Descriptor>,
    /// The config and layers of a manifest, or the entries of an index that are no manifests.
    pub blobs: Vec<Descriptor>,
    /// The subject. It need not exist.
    pub subject: Option<Descriptor>,
    /// The artifact type; for a manifest without one its config's media type, as OCI distribution 1.1, section
    /// "Listing Referrers".
    pub artifact_type: Option<String>,
    /// Its own annotations.
    pub annotations: Vec<(String, String)>,
}

/// Returns the subject of a manifest or an index, and the entry of it in a list of the subject's referrers; none for one
/// without a subject.
pub fn referrer(of: &Descriptor, bytes: &[u8]) -> Option<(Digest, Descriptor)> {
    let Links { subject, artifact_type, annotations, .. } = Links::read(&of.media_type, bytes).ok()?;
    let entry = Descriptor::new(&*of.media_type, of.digest.clone(), of.size);
    Some((subject?.digest, Descriptor { artifact_type, annotations, ..entry }))
}

impl Links {
    /// Reads a manifest or an index strictly: every descriptor in it can be verified.
    pub fn read(media_type: &str, bytes: &[u8]) -> Result<Self, ErrorKind> {
        let document = document::read(Some(media_type), bytes, &Limits::default()).and_then(Document::verifiable);
        document.map(Self::of).map_err(ErrorKind::from)
    }

    /// Reads an index whose entries are used one by one: it leaves out entries that cannot be verified.
    pub fn list(bytes: &[u8]) -> Result<Self, ErrorKind> {
        document::read(Some(INDEX), bytes, &Limits::default()).map(Self::of).map_err(ErrorKind::from)
    }

    fn of(document: Document) -> Self {
        match document {
            Document::Index(index) => {
                let (manifests, blobs) = index.manifests.into_iter().partition(|entry| is_manifest(&entry.media_type));
                let (subject, annotations) = (index.subject, index.annotations);
                Self { manifests, blobs, subject, artifact_type: index.artifact_type, annotations }
            }
            Document::Manifest(manifest) => {
                let artifact_type = manifest.artifact_type.unwrap_or_else(|| manifest.config.media_type.clone());
                Self {
                    manifests: Vec::new(),
                    blobs: std::iter::once(manifest.config).chain(manifest.layers).collect(),
                    subject: manifest.subject,
                    artifact_type: Some(artifact_type),
                    annotations: manifest.annotations,
                }
            }
        }
    }

    /// Checks, as a registry does at a push, that all the content exists, with a function that returns sizes. A sparse
    /// index may lack manifests.
    pub fn complete(
        &self,
        sparse: bool,
        size: impl Fn(&Digest) -> Result<Option<u64>, ErrorKind>,
    ) -> Result<(), ErrorKind> {
        let manifests = self.manifests.iter().map(|manifest| (manifest, sparse));
        for (part, may_lack) in manifests.chain(self.blobs.iter().map(|blob| (blob, false))) {
            match size(&part.digest)? {
                Some(size) if size == part.size => {}
                Some(size) => {
                    return Err(ErrorKind::Malformed(format!(
                        "it gives {} the size {}, but the content has {size} bytes",
                        part.digest, part.size
                    )));
                }
                None if may_lack || stays_elsewhere(part) => {}
                None => {
                    let what = format!("it refers to {}, a {}, which is absent", part.digest, part.media_type);
                    return Err(ErrorKind::Malformed(what));
                }
            }
        }
        Ok(())
    }
}

/// Returns whether a layer's licence keeps it out of registries: its bytes are at its `urls`.
pub(crate) fn stays_elsewhere(blob: &Descriptor) -> bool {
    media_type::is_nondistributable(&blob.media_type)
}

/// Returns the media type of a manifest or index that came without one: its own `mediaType`, otherwise the type that
/// its members show.
pub(crate) fn media_type_of(bytes: &[u8]) -> Result<String, ErrorKind> {
    Ok(match document::read(None, bytes, &Limits::default())? {
        Document::Index(index) => index.media_type,
        Document::Manifest(manifest) => manifest.media_type,
    })
}

/// Returns the tag under which a registry without the referrers API keeps the list of referrers, as OCI distribution
/// 1.1, section "Referrers Tag Schema": at most 64 digits of the digest.
pub(crate) fn fallback_tag(subject: &Digest) -> String {
    format!("{}-{}", subject.algorithm().as_str(), &subject.hex()[..64])
}

/// Returns whether a tag can be one under which a registry without the referrers API keeps a list of referrers, as OCI
/// distribution 1.1, section "Referrers Tag Schema".
pub fn is_fallback_tag(tag: &str) -> bool {
    ["sha256-", "sha384-", "sha512-"].iter().any(|start| {
        tag.strip_prefix(start).is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}
