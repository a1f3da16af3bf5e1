//! The images and indexes that are composed.

use bytes::Bytes;
use refkit_oci::document::{self, Document, DocumentError, Limits, media_type, read_platform};
use refkit_oci::edit::{EditError, Object};
use refkit_oci::{Content, Descriptor, Digest, Platform};

use super::ComposeError;
use super::nested::Nested;

/// A manifest or an index that was verified.
#[derive(Debug, Clone)]
pub struct Source {
    pub(super) descriptor: Descriptor,
    pub(super) bytes: Bytes,
    pub(super) document: Document,
    config: Option<Bytes>,
    pub(super) nested: Nested,
}

impl Source {
    /// Returns a source. Its bytes are those of the descriptor; a media type that is not known is empty in it.
    ///
    /// # Errors
    /// [`ComposeError::Document`] where the bytes are no manifest and no index, or name content that cannot be verified.
    pub fn new(content: Content) -> Result<Self, ComposeError> {
        let Content { mut descriptor, bytes } = content;
        let refused = |error| ComposeError::Document { digest: descriptor.digest.clone(), error };
        let came = Some(&*descriptor.media_type).filter(|media_type| !media_type.is_empty());
        let document = document::read(came, &bytes, &Limits::default()).and_then(Document::verifiable);
        let document = document.map_err(refused)?;
        if came.is_none() {
            descriptor.media_type =
                stated_media_type(&bytes)?.unwrap_or_else(|| usual_media_type(&document).to_owned());
        }
        Ok(Self { descriptor, bytes, document, config: None, nested: Nested::default() })
    }

    /// Returns the config that says of which platform the manifest is, where nothing else says it:
    /// [`Source::with_config`] takes its bytes.
    pub fn config(&self) -> Option<&Descriptor> {
        let known = |platform: &Platform| !platform.os.is_empty() && !platform.architecture.is_empty();
        match &self.document {
            Document::Manifest(manifest) if !self.descriptor.platform.as_ref().is_some_and(known) => {
                Some(&manifest.config)
            }
            _ => None,
        }
    }

    /// Returns the source with the bytes of its config.
    #[must_use]
    pub fn with_config(self, bytes: Bytes) -> Self {
        Self { config: Some(bytes), ..self }
    }

    /// Returns the descriptor with which an index lists the source. The platform of a manifest that states none is its
    /// config's; a version of the operating system does not get into it, which buildx leaves out as well.
    pub(super) fn listed(&self) -> Result<Descriptor, ComposeError> {
        let mut descriptor = self.descriptor.clone();
        let Some(of) = self.config() else { return Ok(descriptor) };
        let bytes = self.config.as_ref().ok_or_else(|| ComposeError::NoConfig(descriptor.digest.clone()))?;
        let found = config_platform(bytes, &of.digest)?;
        let stated = descriptor.platform.get_or_insert_default();
        if stated.architecture.is_empty() {
            stated.architecture = found.architecture;
            stated.variant = stated.variant.take().or(found.variant);
        }
        if stated.os.is_empty() {
            stated.os = found.os;
        }
        Ok(descriptor)
    }

    /// Returns whether the document states its media type. One that does not is written without it again.
    pub(super) fn states_media_type(&self) -> Result<bool, ComposeError> {
        Ok(stated_media_type(&self.bytes)?.is_some())
    }
}

/// Returns the platform of a config, normalised. buildx takes one without an operating system for one of Linux, as it runs
/// there; the config of an artifact has no architecture either.
fn config_platform(bytes: &[u8], digest: &Digest) -> Result<Platform, ComposeError> {
    let refused = |error: DocumentError| ComposeError::Document { digest: digest.clone(), error };
    if let Some(platform) = read_platform(bytes).map_err(refused)? {
        return Ok(platform.normalized());
    }
    let config = Object::read(bytes)?;
    let text = |name| Ok::<_, EditError>(config.get::<String>(name)?.filter(|text| !text.is_empty()));
    let platform = Platform {
        os: text("os")?.unwrap_or_else(|| "linux".to_owned()),
        architecture: text("architecture")?.unwrap_or_default(),
        variant: text("variant")?,
        ..Platform::default()
    };
    Ok(platform.normalized())
}

fn stated_media_type(bytes: &[u8]) -> Result<Option<String>, ComposeError> {
    Ok(Object::read(bytes)?.get::<String>("mediaType")?.filter(|media_type| !media_type.is_empty()))
}

/// Returns the media type that buildx gives to a document that came without one and states none.
fn usual_media_type(document: &Document) -> &'static str {
    match document {
        Document::Index(_) => media_type::DOCKER_INDEX,
        Document::Manifest(_) => media_type::DOCKER_MANIFEST,
    }
}
