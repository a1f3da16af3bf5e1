//! Manifests, indexes, configs and descriptors, read strictly: ambiguous documents are refused (CVE-2021-41190), and
//! so are documents that refer to content without a digest or a size (CVE-2024-3727).

mod config;
mod error;
mod fields;
mod json;
mod limits;
pub mod media_type;
mod members;
mod unverifiable;
#[cfg(feature = "write")]
mod write;

pub use config::{Config, ImageConfig, read_config, read_platform};
pub use error::DocumentError;
pub use limits::Limits;
pub use unverifiable::{Entry, Unverifiable};

use crate::Descriptor;
use crate::quoted::Quoted;
use error::{malformed, shorten};
use fields::Fields;
use members::{artifact_type, descriptor, descriptors, part};

/// The content of a reference, or of an index's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there are few at a time, and a box would stand in every pattern")]
pub enum Document {
    /// An image index, or Docker's manifest list.
    Index(Index),
    /// An image manifest.
    Manifest(Manifest),
}

/// An index, as OCI image-spec 1.1, section "Image Index".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The media type of the document itself, or of the response.
    pub media_type: String,
    /// Its entries, in order: manifests, indexes and others; [`Index::entries`] also returns those that cannot be
    /// verified.
    pub manifests: Vec<Descriptor>,
    /// The type of an artifact.
    pub artifact_type: Option<String>,
    /// The subject.
    pub subject: Option<Descriptor>,
    /// Annotations, sorted by key, each key once.
    pub annotations: Vec<(String, String)>,
    /// The entries with a digest of an unknown algorithm, in order; the subject comes first.
    pub unverifiable: Vec<Unverifiable>,
}

/// A manifest, as OCI image-spec 1.1, section "Image Manifest".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The media type of the document itself, or of the response.
    pub media_type: String,
    /// The config.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// The type of an artifact.
    pub artifact_type: Option<String>,
    /// The subject.
    pub subject: Option<Descriptor>,
    /// Annotations, sorted by key, each key once.
    pub annotations: Vec<(String, String)>,
    /// The parts with a digest of an unknown algorithm, in order; the subject comes first.
    pub unverifiable: Vec<Unverifiable>,
}

const MEMBERS: [&str; 9] = [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "fsLayers",
    "subject",
    "annotations",
];

/// Reads a manifest or an index. The media type is that of the response; without one, the document's own `mediaType`
/// decides, or its members.
///
/// # Errors
/// [`DocumentError::Unsupported`] for another media type, such as that of a manifest of schema 1;
/// [`DocumentError::Malformed`] for a document that is neither, or contradicts itself; the others beyond a limit.
pub fn read(media_type: Option<&str>, bytes: &[u8], limits: &Limits) -> Result<Document, DocumentError> {
    if let Some(came) = media_type {
        media_type::check_document(came)?;
    }
    let value = json::read(bytes, limits)?;
    let fields = Fields::of("document", &value, &MEMBERS)?;
    match fields.number("schemaVersion")? {
        Some(2) => {}
        Some(1) => return Err(DocumentError::schema1()),
        Some(other) => return Err(malformed(format_args!("its schemaVersion is {other}, not 2"))),
        None => return Err(malformed("it has no member `schemaVersion`")),
    }
    let media_type = match (media_type, fields.text("mediaType")?) {
        (Some(came), None) => came.to_owned(),
        (Some(came), Some(own)) if came == own => came.to_owned(),
        (Some(came), Some(own)) => {
            return Err(malformed(format_args!("its mediaType is {}, but it came as {came}", Quoted(&shorten(own)))));
        }
        (None, Some(own)) => media_type::check_document(own).map(|()| own.to_owned())?,
        (None, None) if fields.get("manifests").is_some() => media_type::INDEX.to_owned(),
        (None, None) => media_type::MANIFEST.to_owned(),
    };
    let is_index = media_type::is_index(&media_type);
    let foreign: &[&str] = if is_index { &["config", "layers", "fsLayers"] } else { &["manifests", "fsLayers"] };
    // containerd refuses these members even if they are `null`.
    if let Some(name) = foreign.iter().find(|name| fields.has(name)) {
        return Err(malformed(format_args!("it has the member `{name}`, which a {media_type} has not")));
    }
    let artifact_type = artifact_type(&fields)?;
    let mut unverifiable = Vec::new();
    let subject = match fields.get("subject") {
        Some(subject) => part("subject", subject, 0, &mut unverifiable)?,
        None => None,
    };
    let annotations = fields.pairs("annotations")?;
    if is_index {
        let manifests = fields.list("manifests")?.ok_or_else(|| malformed("it has no member `manifests`"))?;
        let manifests = descriptors("manifests", manifests, limits, &mut unverifiable)?;
        return Ok(Document::Index(Index { media_type, manifests, artifact_type, subject, annotations, unverifiable }));
    }
    let config = fields.get("config").ok_or_else(|| malformed("it has no member `config`"))?;
    let config = descriptor("config", config)?;
    let layers = descriptors("layers", fields.list("layers")?.unwrap_or_default(), limits, &mut unverifiable)?;
    Ok(Document::Manifest(Manifest { media_type, config, layers, artifact_type, subject, annotations, unverifiable }))
}

/// Reads a single descriptor.
///
/// # Errors
/// [`DocumentError::Malformed`] if the bytes are none; the others beyond a limit.
pub fn read_descriptor(bytes: &[u8], limits: &Limits) -> Result<Descriptor, DocumentError> {
    descriptor("descriptor", &json::read(bytes, limits)?)
}
