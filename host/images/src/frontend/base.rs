//! The base of a frontend image: which of its platforms get the layer, and which entries are left out.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use refkit_content::{Content, Error, ErrorKind, MANIFEST_LIMIT, Operation, Origin, Source, verify};
use refkit_oci::document::{self, Document, DocumentError, Limits, media_type};
use refkit_oci::{Descriptor, Digest, Platform, Reference};

use super::elf::Machine;
use super::entrypoint::Entrypoint;
use super::program::suits;

/// The most images of one index: several times as many as any frontend has.
const IMAGES_LIMIT: usize = 64;

/// The base.
#[derive(Debug, Clone)]
pub struct Base {
    /// The index or the manifest.
    pub root: Content,
    /// The host or store that returned the root.
    pub origin: Origin,
    /// The images that get the layer, in the index's order; a single one if there is no index.
    pub images: Vec<Image>,
    /// The entries that do not get the layer.
    pub left_out: Vec<LeftOut>,
}

/// An image of the base that gets the layer.
#[derive(Debug, Clone)]
pub struct Image {
    /// The position of the index's entry; `None` if there is no index.
    pub place: Option<usize>,
    /// The platform.
    pub platform: Platform,
    /// The index of the image's program in the list that [`read`] got.
    pub program: usize,
    /// The manifest.
    pub manifest: Content,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// The config.
    pub config: Content,
    /// The entrypoint.
    pub entrypoint: Vec<String>,
}

/// An entry of the base that does not get the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The entry's digest.
    pub digest: Digest,
    /// The entry's platform, if it has one.
    pub platform: Option<Platform>,
    /// The reason.
    pub reason: Reason,
}

/// Why an entry does not get the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No program fits its platform.
    NoProgram,
    /// It is an attestation of the base's image, and does not apply to the new one.
    Attestation,
    /// It is not the image of a frontend.
    Foreign(&'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProgram => "no refkit-frontend is at hand",
            Self::Attestation => "it attests the base, not the new image",
            Self::Foreign(what) => what,
        })
    }
}

/// Why a base cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BaseError {
    /// The source failed, or a document is malformed.
    #[error(transparent)]
    Content(#[from] Error),
    /// The base was made by this recipe before.
    #[error("it ships policies already")]
    ShipsPolicies,
    /// No image of the base gets the layer.
    #[error("none of its images can be made")]
    NoImage {
        /// All entries, with the reasons.
        left_out: Vec<LeftOut>,
    },
}

/// Reads a base: the manifests and configs of the platforms for which there is a program.
///
/// # Errors
/// [`BaseError::Content`] with the source's error, or for a malformed document; [`BaseError::ShipsPolicies`];
/// [`BaseError::NoImage`].
pub async fn read(source: &Arc<dyn Source>, reference: &Reference, programs: &[Machine]) -> Result<Base, BaseError> {
    let answer = source.pull(reference).await?;
    let reader = Reader { source, reference, programs };
    let (root, origin) = (answer.value, answer.origin);
    let (mut images, mut left_out) = (Vec::new(), Vec::new());
    match reader.document(&root)? {
        Document::Manifest(_) => match reader.image(root.clone(), None, None).await? {
            Ok(image) => images.push(image),
            Err((platform, reason)) => {
                left_out.push(LeftOut { digest: root.descriptor.digest.clone(), platform, reason })
            }
        },
        Document::Index(index) => {
            for (place, entry) in index.manifests.into_iter().enumerate() {
                let digest = entry.digest.clone();
                match reader.entry(place, entry).await? {
                    Ok(image) => images.push(image),
                    Err((platform, reason)) => left_out.push(LeftOut { digest, platform, reason }),
                }
                if images.len() > IMAGES_LIMIT {
                    let text = format!("it has more than {IMAGES_LIMIT} images that could be made");
                    return Err(reader.malformed(&root.descriptor.digest, text).into());
                }
            }
        }
    }
    if images.is_empty() {
        return Err(BaseError::NoImage { left_out });
    }
    Ok(Base { root, origin, images, left_out })
}

struct Reader<'a> {
    source: &'a Arc<dyn Source>,
    reference: &'a Reference,
    programs: &'a [Machine],
}

/// An image that gets the layer, or the platform of one that does not, with the reason.
type Found = Result<Image, (Option<Platform>, Reason)>;

impl Reader<'_> {
    /// Reads the documents of an index's entry, if its descriptor is not sufficient.
    async fn entry(&self, place: usize, entry: Descriptor) -> Result<Found, BaseError> {
        let platform = entry.platform.clone().map(Platform::normalized);
        let reason = if entry.is_attestation() {
            Reason::Attestation
        } else if media_type::is_index(&entry.media_type) {
            Reason::Foreign("it is an index in the index")
        } else if !media_type::is_manifest(&entry.media_type) {
            Reason::Foreign("it is no image")
        } else if platform.as_ref().is_some_and(|platform| self.program(platform).is_none()) {
            Reason::NoProgram
        } else {
            let bytes = self.fetch(&entry).await?;
            return self.image(Content { descriptor: entry, bytes }, platform, Some(place)).await;
        };
        Ok(Err((platform, reason)))
    }

    /// Reads an image. The index's platform takes precedence over the config's.
    async fn image(
        &self,
        content: Content,
        listed: Option<Platform>,
        place: Option<usize>,
    ) -> Result<Found, BaseError> {
        let digest = &content.descriptor.digest;
        let Document::Manifest(manifest) = self.document(&content)? else {
            return Err(self.malformed(digest, "it is an index, not a manifest".to_owned()).into());
        };
        if !media_type::is_config(&manifest.config.media_type) {
            return Ok(Err((listed, Reason::Foreign("it is no image, but something else with a manifest"))));
        }
        let bytes = self.fetch(&manifest.config).await?;
        let config = document::read_config(&bytes).map_err(|error| self.unreadable(&manifest.config.digest, &error))?;
        let Some(platform) = listed.or_else(|| config.platform().map(Platform::normalized)) else {
            return Ok(Err((None, Reason::Foreign("it does not say for which platform it is"))));
        };
        let Some(program) = self.program(&platform) else { return Ok(Err((Some(platform), Reason::NoProgram))) };
        if Entrypoint::is_ours(&config.config.entrypoint) {
            return Err(BaseError::ShipsPolicies);
        }
        if config.diff_ids.len() != manifest.layers.len() {
            let (layers, ids) = (manifest.layers.len(), config.diff_ids.len());
            return Err(self
                .malformed(digest, format!("it has {layers} layers, and its config knows of {ids}"))
                .into());
        }
        let (layers, entrypoint) = (manifest.layers, config.config.entrypoint);
        let config = Content { descriptor: manifest.config, bytes };
        Ok(Ok(Image { place, platform, program, manifest: content, layers, config, entrypoint }))
    }

    fn program(&self, platform: &Platform) -> Option<usize> {
        self.programs.iter().position(|machine| suits(*machine, platform))
    }

    async fn fetch(&self, descriptor: &Descriptor) -> Result<Bytes, Error> {
        let fetched = verify::fetch(self.source, self.reference.repository(), descriptor, MANIFEST_LIMIT).await;
        fetched.map(|answer| answer.value)
    }

    fn document(&self, content: &Content) -> Result<Document, Error> {
        let Content { descriptor, bytes } = content;
        // The new image refers to all content of the manifest.
        document::read(Some(&descriptor.media_type), bytes, &Limits::default())
            .and_then(Document::verifiable)
            .map_err(|error| self.unreadable(&descriptor.digest, &error))
    }

    fn unreadable(&self, digest: &Digest, error: &DocumentError) -> Error {
        self.malformed(digest, error.to_string())
    }

    fn malformed(&self, digest: &Digest, text: String) -> Error {
        let subject = format!("{}@{digest}", self.reference.repository());
        Error::new(Operation::Pull, subject, ErrorKind::Malformed(text))
    }
}
