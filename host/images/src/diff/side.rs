//! What is compared.

use refkit_content::Content;
use refkit_oci::document::{self, Config, Document, DocumentError, Index, Limits, Manifest, read_config};
use refkit_oci::{Digest, Platform};

/// An image: its manifest and its config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub(super) digest: Digest,
    pub(super) platform: Platform,
    pub(super) manifest: Manifest,
    pub(super) config: Config,
}

impl Image {
    /// Reads a manifest and the bytes of its config. The platform is the descriptor's, or else the config's.
    ///
    /// # Errors
    /// [`DocumentError`] for bytes that are no manifest, and for those that are no config.
    pub fn read(manifest: &Content, config: &[u8]) -> Result<Self, DocumentError> {
        let Content { descriptor, bytes } = manifest;
        let config = read_config(config)?;
        let platform = descriptor.platform.clone().or_else(|| config.platform()).unwrap_or_default().normalized();
        match document::read(Some(&descriptor.media_type), bytes, &Limits::default())?.verifiable()? {
            Document::Manifest(manifest) => Ok(Self { digest: descriptor.digest.clone(), platform, manifest, config }),
            Document::Index(_) => Err(DocumentError::Unsupported("it is an index, not a manifest".to_owned())),
        }
    }
}

/// One of two sides: an image, or an index of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    pub(super) media_type: String,
    /// The annotations of an index.
    pub(super) annotations: Vec<(String, String)>,
    pub(super) images: Vec<Image>,
    pub(super) is_image: bool,
}

impl Side {
    /// Returns an image that is compared with another one whatever their platforms, or with that of an index.
    pub fn image(image: Image) -> Self {
        let media_type = image.manifest.media_type.clone();
        Self { media_type, annotations: Vec::new(), images: vec![image], is_image: true }
    }

    /// Returns an index with those of its images that are compared. Attestations are no images.
    pub fn index(index: &Index, images: Vec<Image>) -> Self {
        let (media_type, annotations) = (index.media_type.clone(), index.annotations.clone());
        Self { media_type, annotations, images, is_image: false }
    }
}
