//! Why sources cannot become one index.

use refkit_oci::document::DocumentError;
use refkit_oci::edit::EditError;
use refkit_oci::{Digest, Platform};

/// How many platforms an error names.
const SHOWN: usize = 20;

/// Why sources cannot become one index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// There is nothing to compose.
    #[error("there is no source")]
    NoSource,
    /// A source, or the config of one, is not what it should be.
    #[error("the document {digest} cannot be used: {error}")]
    Document {
        /// The digest of the document.
        digest: Digest,
        /// What is wrong with it.
        error: DocumentError,
    },
    /// The platform of a manifest is in its config, and the caller has not fetched that.
    #[error("the manifest {0} has its platform in its config, which is missing")]
    NoConfig(Digest),
    /// Docker manifest lists have no annotations.
    #[error(
        "the result is a Docker manifest list, which has no annotations: all its manifests have Docker's media types; an \
         OCI index of the same manifests can have annotations"
    )]
    DockerAnnotations,
    /// A Docker manifest has no annotations, and conversion to OCI is not wanted.
    #[error("a Docker manifest has no annotations: {0}; converted to OCI it can have them")]
    DockerManifest(Digest),
    /// An annotation of manifests meets an index.
    #[error(
        "an index in the new index gets no annotations of manifests: {0}; compose it with them, or name a platform"
    )]
    IndexAnnotation(Digest),
    /// An annotation is for the manifests of a platform that there is not.
    #[error("the annotation {key} is for a manifest of {platform}, and there is none")]
    NoManifest {
        /// The key.
        key: String,
        /// The platform.
        platform: Box<Platform>,
    },
    /// The caller has not fetched a manifest.
    #[error("the manifest {0} is to be published anew, and its bytes are missing")]
    NoBytes(Digest),
    /// Nothing lists the new index.
    #[error("the annotation {0} is for the entry of an index in another index, and no index lists the new one")]
    IndexDescriptorAnnotation(String),
    /// A single manifest has another platform than the wanted ones.
    #[error("the image is for {}, which is not wanted", Shown(.0))]
    OtherPlatform(Platform),
    /// No entry has a wanted platform.
    #[error("no image is for a wanted platform; {}", There(.0))]
    NoPlatform(Vec<Platform>),
    /// A document cannot be written.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// The platforms that there are.
struct There<'a>(&'a [Platform]);

impl std::fmt::Display for There<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the sources state none");
        }
        for (place, platform) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{}", if place == 0 { "the sources have " } else { ", " }, Shown(platform))?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// A platform that may lack a part.
struct Shown<'a>(&'a Platform);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.os.is_empty() || self.0.architecture.is_empty() {
            return f.write_str("an unknown platform");
        }
        self.0.fmt(f)
    }
}
