//! Composes an index from images and indexes, by the rules of `docker buildx imagetools create`, to the same bytes.
//!
//! - One source without changes keeps its bytes: an index always, a manifest where [`Compose::prefer_index`] is off.
//! - Otherwise the result is a new index. A source that is an index gives its entries, any other source itself. Entries of
//!   one digest become one entry, with the annotations of all.
//! - The result is a Docker manifest list where all entries have Docker's media types, an OCI index where one has not.
//! - Platforms filter the entries. An attestation stays with the manifest that it is about. Of an index in the index that
//!   states no platform, the entries are filtered, and stand in its place; buildx keeps it whatever it is for.
//! - With [`Compose::sparse`], a filtered index keeps its bytes all the same.
//! - A manifest without an attestation in the index gets the one that the registry lists as its referrer.
//!
//! - Annotations of manifests, which buildx does not have, write the manifests anew. An attestation in the index follows; what
//!   else refers to the old digest does not.
//!
//! There is no I/O in it. The caller fetches what [`Source::config`], [`Source::nested`] (for a filter), [`Plan::asks`] and [`Plan::manifests`] name, and
//! writes what [`Composed::needed`] and [`Composed::rewritten`] name before the document itself.
//!
//! ```
//! use refkit_publish::compose::{Compose, Source};
//! use refkit_oci::document::media_type::{CONFIG, MANIFEST};
//! # use refkit_oci::{Content, Descriptor};
//! # use refkit_publish::compose::digest;
//! # let describe = |media_type: &str, bytes: &[u8]| {
//! #     Descriptor::new(media_type, digest(bytes), bytes.len() as u64)
//! # };
//! # let config = br#"{"architecture":"amd64","os":"linux"}"#;
//! # let manifest = serde_json::to_vec(&refkit_oci::document::Manifest {
//! #     media_type: MANIFEST.to_owned(),
//! #     config: describe(CONFIG, config),
//! #     layers: Vec::new(),
//! #     artifact_type: None,
//! #     subject: None,
//! #     annotations: Vec::new(),
//! #     unverifiable: Vec::new(),
//! # })?;
//! # let manifest = Content { descriptor: describe(MANIFEST, &manifest), bytes: manifest.into() };
//! let mut source = Source::new(manifest)?;
//! if let Some(wanted) = source.config() {
//!     assert_eq!(wanted.media_type, CONFIG);
//!     source = source.with_config(config[..].into());
//! }
//! let annotation = "index:org.opencontainers.image.title=demo".parse()?;
//! let plan = Compose::new().annotations([annotation]).plan(vec![source])?;
//! assert_eq!(plan.asks().len(), 1, "the manifest may have an attestation that its registry lists");
//! let composed = plan.finish(&Default::default(), &Default::default())?;
//! assert!(composed.content.bytes.ends_with(b"\"org.opencontainers.image.title\": \"demo\"\n  }\n}"));
//! assert_eq!(composed.needed.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod combine;
mod error;
mod exact;
mod filter;
mod given;
mod nested;
mod plan;
mod rewrite;
mod source;
mod write;

use refkit_oci::annotation::Annotation;
use refkit_oci::{Digest, Platform};
use sha2::{Digest as _, Sha256};

pub use error::ComposeError;
pub use given::{Given, GivenError};
pub use plan::{Ask, Composed, Needed, Plan};
pub use rewrite::Rewritten;
pub use source::Source;

/// The artifact type of the referrers that are attestations.
pub const ATTESTATION: &str = "application/vnd.docker.attestation.manifest.v1+json";

/// The artifact types of the referrers that buildx copies with the manifest that they are about: attestations, and
/// signatures of cosign.
pub const COPIED_REFERRERS: [&str; 3] =
    [ATTESTATION, "application/vnd.dev.cosign.artifact.sig.v1+json", "application/vnd.dev.sigstore.bundle.v0.3+json"];

/// What is to be composed.
#[derive(Debug, Clone)]
pub struct Compose {
    prefer_index: bool,
    oci: bool,
    sparse: bool,
    unwrap: bool,
    platforms: Vec<Platform>,
    annotations: Vec<Annotation>,
}

impl Default for Compose {
    fn default() -> Self {
        Self {
            prefer_index: true,
            oci: false,
            sparse: false,
            unwrap: false,
            platforms: Vec::new(),
            annotations: Vec::new(),
        }
    }
}

impl Compose {
    /// Returns a composition without a filter and without annotations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says whether a single manifest gets an index around it, which is the default.
    #[must_use]
    pub fn prefer_index(mut self, prefer: bool) -> Self {
        self.prefer_index = prefer;
        self
    }

    /// Says whether the result is an OCI index where it would be a Docker manifest list. The manifests stay as they are,
    /// but those that get annotations: they become OCI manifests.
    #[must_use]
    pub fn oci(mut self, oci: bool) -> Self {
        self.oci = oci;
        self
    }

    /// Says whether one index that only a filter would change keeps its bytes. It then names manifests that the composition
    /// does not need, and that the destination may lack.
    #[must_use]
    pub fn sparse(mut self, sparse: bool) -> Self {
        self.sparse = sparse;
        self
    }

    /// Says whether the one manifest that the sources and the filter leave is published itself, without an index around it.
    /// An annotation of the index or of its entries needs the index.
    #[must_use]
    pub fn unwrap(mut self, unwrap: bool) -> Self {
        self.unwrap = unwrap;
        self
    }

    /// Keeps the entries of these platforms and manifests without a platform; none keeps all. Only equal platforms match:
    /// `linux/arm/v6` is not kept for `linux/arm/v7`. The wanted entries of an index without a platform stand in its place.
    #[must_use]
    pub fn platforms(mut self, platforms: impl IntoIterator<Item = Platform>) -> Self {
        self.platforms.extend(platforms);
        self
    }

    /// Adds annotations; of two with the same key and place the later one holds.
    #[must_use]
    pub fn annotations(mut self, annotations: impl IntoIterator<Item = Annotation>) -> Self {
        self.annotations.extend(annotations);
        self
    }
}

/// Returns the SHA-256 digest of bytes.
#[expect(clippy::missing_panics_doc, reason = "64 hexadecimal digits are a digest")]
pub fn digest(bytes: &[u8]) -> Digest {
    use std::fmt::Write as _;
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    Digest::try_from(text).expect("64 hexadecimal digits")
}
