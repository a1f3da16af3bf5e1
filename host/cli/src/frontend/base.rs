//! The image that is started from: what of it gets the layer, and what is left out.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use refkit::ErrorCode;
use refkit_content::{Content, ErrorKind, MANIFEST_LIMIT, Operation, Origin, Source, verify};
use refkit_images::frontend::entrypoint::Entrypoint;
use refkit_oci::document::{self, Document, DocumentError, Limits, media_type};
use refkit_oci::{Descriptor, Digest, Platform};

use super::binary::{self, Binary};
use crate::error::CommandError;
use crate::hints;
use crate::image_source::ImageSource;

/// How many images of an index are made: several times what any frontend has.
const IMAGES_LIMIT: usize = 64;

/// What is started from.
pub struct Base {
    /// The index or the manifest.
    pub root: Content,
    /// Who sent it.
    pub origin: Origin,
    /// The images that get the layer, in the index's order; one where there is no index.
    pub images: Vec<Image>,
    /// The rest.
    pub left_out: Vec<LeftOut>,
}

/// An image that gets the layer.
pub struct Image {
    /// Its place in the index; none where there is no index.
    pub place: Option<usize>,
    /// Its platform.
    pub platform: Platform,
    /// The place of the program that it gets.
    pub binary: usize,
    /// The manifest.
    pub manifest: Content,
    /// Its layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// The config.
    pub config: Content,
    /// The entrypoint.
    pub entrypoint: Vec<String>,
}

/// What an index lists and is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The entry's digest.
    pub digest: Digest,
    /// Its platform, if it says one.
    pub platform: Option<Platform>,
    /// Why.
    pub reason: Reason,
}

/// Why something is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No program is for it.
    NoProgram,
    /// It is an attestation.
    Attestation,
    /// It is something else than a frontend's image.
    Foreign(&'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProgram => "no refkit-frontend is at hand",
            Self::Attestation => "it attests BASE, not what is made of it",
            Self::Foreign(what) => what,
        })
    }
}

/// Reads what gets the layer: manifests and configs of the platforms for which there is a program.
///
/// # Errors
/// What the source says; when it is no image, ships policies already, or nothing of it can be made.
pub async fn read(target: &ImageSource, binaries: &[Binary]) -> Result<Base, CommandError> {
    let source = target.source();
    let answer = source.pull(target.reference()).await.map_err(|error| said(&error, target))?;
    let reading = Reading { target, source, binaries };
    let (root, origin) = (answer.value, answer.origin);
    let (mut images, mut left_out) = (Vec::new(), Vec::new());
    match reading.document(&root)? {
        Document::Manifest(_) => match reading.image(root.clone(), None, None).await? {
            Ok(image) => images.push(image),
            Err((platform, reason)) => {
                left_out.push(LeftOut { digest: root.descriptor.digest.clone(), platform, reason })
            }
        },
        Document::Index(index) => {
            for (place, entry) in index.manifests.into_iter().enumerate() {
                let digest = entry.digest.clone();
                match reading.entry(place, entry).await? {
                    Ok(image) => images.push(image),
                    Err((platform, reason)) => left_out.push(LeftOut { digest, platform, reason }),
                }
                if images.len() > IMAGES_LIMIT {
                    let text = format!("it has more than {IMAGES_LIMIT} images that could be made");
                    return Err(reading.malformed(&root.descriptor.digest, text));
                }
            }
        }
    }
    if images.is_empty() {
        return Err(nothing(target, binaries, &left_out));
    }
    Ok(Base { root, origin, images, left_out })
}

struct Reading<'a> {
    target: &'a ImageSource,
    source: Arc<dyn Source>,
    binaries: &'a [Binary],
}

type Found = Result<Image, (Option<Platform>, Reason)>;

impl Reading<'_> {
    /// Reads an entry of the index, if that is needed to know what it is.
    async fn entry(&self, place: usize, entry: Descriptor) -> Result<Found, CommandError> {
        let platform = entry.platform.clone().map(Platform::normalized);
        let reason = if entry.is_attestation() {
            Reason::Attestation
        } else if media_type::is_index(&entry.media_type) {
            Reason::Foreign("it is an index in the index")
        } else if !media_type::is_manifest(&entry.media_type) {
            Reason::Foreign("it is no image")
        } else if platform.as_ref().is_some_and(|platform| self.binary(platform).is_none()) {
            Reason::NoProgram
        } else {
            let bytes = self.fetch(&entry).await?;
            return self.image(Content { descriptor: entry, bytes }, platform, Some(place)).await;
        };
        Ok(Err((platform, reason)))
    }

    /// Reads an image; the platform is what the index says, if it does.
    async fn image(
        &self,
        content: Content,
        listed: Option<Platform>,
        place: Option<usize>,
    ) -> Result<Found, CommandError> {
        let digest = &content.descriptor.digest;
        let Document::Manifest(manifest) = self.document(&content)? else {
            return Err(self.malformed(digest, "it is an index, not a manifest".to_owned()));
        };
        if !media_type::is_config(&manifest.config.media_type) {
            return Ok(Err((listed, Reason::Foreign("it is no image, but something else with a manifest"))));
        }
        let bytes = self.fetch(&manifest.config).await?;
        let config = document::read_config(&bytes).map_err(|error| self.unreadable(&manifest.config.digest, &error))?;
        let Some(platform) = listed.or_else(|| config.platform().map(Platform::normalized)) else {
            return Ok(Err((None, Reason::Foreign("it does not say for which platform it is"))));
        };
        let Some(binary) = self.binary(&platform) else { return Ok(Err((Some(platform), Reason::NoProgram))) };
        if Entrypoint::is_ours(&config.config.entrypoint) {
            let what = format_args!("{} ships policies already", self.target.show(self.target.reference()));
            return Err(CommandError::failed(ErrorCode::Invalid, what).hint("start from the image that it was made of"));
        }
        if config.diff_ids.len() != manifest.layers.len() {
            let (layers, ids) = (manifest.layers.len(), config.diff_ids.len());
            return Err(self.malformed(digest, format!("it has {layers} layers, and its config knows of {ids}")));
        }
        let (layers, entrypoint) = (manifest.layers, config.config.entrypoint);
        let config = Content { descriptor: manifest.config, bytes };
        Ok(Ok(Image { place, platform, binary, manifest: content, layers, config, entrypoint }))
    }

    fn binary(&self, platform: &Platform) -> Option<usize> {
        self.binaries.iter().position(|binary| binary::suits(binary.machine, platform))
    }

    async fn fetch(&self, descriptor: &Descriptor) -> Result<Bytes, CommandError> {
        let repository = self.target.reference().repository();
        let fetched = verify::fetch(&self.source, repository, descriptor, MANIFEST_LIMIT).await;
        fetched.map(|answer| answer.value).map_err(|error| said(&error, self.target))
    }

    fn document(&self, content: &Content) -> Result<Document, CommandError> {
        let Content { descriptor, bytes } = content;
        // All of it is copied.
        document::read(Some(&descriptor.media_type), bytes, &Limits::default())
            .and_then(Document::verifiable)
            .map_err(|error| self.unreadable(&descriptor.digest, &error))
    }

    fn unreadable(&self, digest: &Digest, error: &DocumentError) -> CommandError {
        self.malformed(digest, error.to_string())
    }

    fn malformed(&self, digest: &Digest, text: String) -> CommandError {
        let subject = format!("{}@{digest}", self.target.reference().repository());
        said(&refkit_content::Error::new(Operation::Pull, subject, ErrorKind::Malformed(text)), self.target)
    }
}

/// Returns what is told of a source's failure.
pub fn said(error: &refkit_content::Error, target: &ImageSource) -> CommandError {
    hints::failed(&refkit::Error::from(error.clone()), target)
}

/// Returns what is told where nothing can be made.
fn nothing(target: &ImageSource, binaries: &[Binary], left_out: &[LeftOut]) -> CommandError {
    let what = target.show(target.reference());
    let platforms: Vec<String> = left_out
        .iter()
        .filter(|one| one.reason == Reason::NoProgram)
        .filter_map(|one| one.platform.as_ref().map(ToString::to_string))
        .collect();
    if platforms.is_empty() {
        let reason =
            left_out.iter().find(|one| one.reason != Reason::Attestation).map(|one| format!(": {}", one.reason));
        let text = format_args!("nothing of {what} can be made{}", reason.unwrap_or_default());
        return CommandError::failed(ErrorCode::Invalid, text).hint("BASE has to be the image of a BuildKit frontend");
    }
    let own: Vec<String> = binaries.iter().map(|binary| binary.machine.platform().to_string()).collect();
    let (platforms, own) = (platforms.join(", "), own.join(", "));
    let failure = CommandError::failed(
        ErrorCode::NotFound,
        format_args!("{what} is for {platforms}, and refkit-frontend for {own}"),
    );
    failure.hint("name a program for one of its platforms with --binary FILE")
}
