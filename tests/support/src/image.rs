//! Images for tests, the same bytes every time: manifests with real layers, indexes, attestations as BuildKit makes
//! them, and artifacts with a subject. What is built here is accepted by registries and by other tools.
//!
//! ```
//! use refkit_support::image::{ImageBuilder, IndexBuilder, attestation};
//!
//! let amd64 = ImageBuilder::new("linux/amd64").label("team", "blue").file("hello", b"hello").build();
//! let armv7 = ImageBuilder::new("linux/arm/v7").label("team", "blue").build();
//! let index = IndexBuilder::new().add(attestation(&amd64)).add(amd64).add(armv7).build();
//! assert_eq!(index.children().len(), 3);
//! ```

mod demo;
pub(crate) mod document;
mod layer;

use std::collections::BTreeMap;

use bytes::Bytes;
use refkit_content::{Body, Error, Origin, Push, verify};
use refkit_oci::document::{Index, Manifest};
use refkit_oci::{Algorithm, Descriptor, Digest, Platform, Reference};

pub use demo::{DEMO_REPOSITORY, demo, push_demo};
use document::{Config, ImageConfig, json};

/// The media type of an OCI manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an OCI index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of Docker's manifest.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// The media type of Docker's manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// A manifest or an index with all that it refers to.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its descriptor as an index lists it, with platform and annotations.
    pub descriptor: Descriptor,
    /// Its bytes.
    pub bytes: Bytes,
    children: Vec<Image>,
    blobs: Vec<(Descriptor, Bytes)>,
}

impl Image {
    fn new(media_type: &str, bytes: Vec<u8>) -> Self {
        let descriptor = described(media_type, &bytes);
        Self { descriptor, bytes: Bytes::from(bytes), children: Vec::new(), blobs: Vec::new() }
    }

    /// Returns its digest.
    pub fn digest(&self) -> &Digest {
        &self.descriptor.digest
    }

    /// Returns what an index lists, in its order.
    pub fn children(&self) -> &[Image] {
        &self.children
    }

    /// Returns the config and the layers of a manifest.
    pub fn blobs(&self) -> &[(Descriptor, Bytes)] {
        &self.blobs
    }

    /// Adds an annotation to the descriptor by which an index will list it.
    #[must_use]
    pub fn listed_with(mut self, key: &str, value: &str) -> Self {
        self.descriptor.annotations.push((key.to_owned(), value.to_owned()));
        self.descriptor.annotations.sort();
        self
    }

    /// Makes an index list it without a platform.
    #[must_use]
    pub fn without_platform(mut self) -> Self {
        self.descriptor.platform = None;
        self
    }

    /// Spells its document in another way. What it refers to stays.
    ///
    /// # Panics
    /// Where the document is not text.
    #[must_use]
    pub fn spelled(mut self, spell: impl FnOnce(&str) -> String) -> Self {
        let bytes = spell(std::str::from_utf8(&self.bytes).expect("JSON is text")).into_bytes();
        let described = described(&self.descriptor.media_type, &bytes);
        (self.descriptor.digest, self.descriptor.size) = (described.digest, described.size);
        self.bytes = bytes.into();
        self
    }

    /// Pushes it and all that it refers to, children first.
    ///
    /// # Errors
    /// The destination's.
    pub async fn push(&self, destination: &dyn Push, to: &Reference) -> Result<Descriptor, Error> {
        for (descriptor, bytes) in &self.blobs {
            let body = Body::from_bytes(Origin::Memory, bytes.clone());
            destination.push_blob(to.repository(), descriptor, body).await?;
        }
        for child in &self.children {
            let pinned = Reference::new(to.repository().clone(), None, Some(child.digest().clone()));
            Box::pin(child.push(destination, &pinned.expect("a reference"))).await?;
        }
        destination.push_manifest(to, &self.descriptor.media_type, self.bytes.clone()).await
    }
}

/// Builds a manifest: of an image, or of an artifact.
#[derive(Debug, Clone)]
pub struct ImageBuilder {
    platform: Platform,
    config: Config,
    annotations: BTreeMap<String, String>,
    files: Vec<(String, Vec<u8>)>,
    layers: Vec<(Descriptor, Bytes)>,
    foreign: Vec<Descriptor>,
    artifact_type: Option<String>,
    subject: Option<Descriptor>,
    docker: bool,
}

impl ImageBuilder {
    /// Begins an image of a platform, written `os/architecture[/variant]`.
    pub fn new(platform: &str) -> Self {
        let mut parts = platform.splitn(3, '/').map(str::to_owned);
        let platform = Platform {
            os: parts.next().unwrap_or_default(),
            architecture: parts.next().unwrap_or_default(),
            variant: parts.next(),
            ..Platform::default()
        };
        Self {
            platform,
            config: Config::default(),
            annotations: BTreeMap::new(),
            files: Vec::new(),
            layers: Vec::new(),
            foreign: Vec::new(),
            artifact_type: None,
            subject: None,
            docker: false,
        }
    }

    /// Begins an artifact: a manifest of a type, about a subject.
    pub fn artifact(artifact_type: &str, subject: &Image) -> Self {
        let of = &subject.descriptor;
        let subject = Some(Descriptor::new(&*of.media_type, of.digest.clone(), of.size));
        Self { subject, ..Self::artifact_alone(artifact_type) }
    }

    /// Begins an artifact: a manifest of a type, about nothing.
    pub fn artifact_alone(artifact_type: &str) -> Self {
        Self { artifact_type: Some(artifact_type.to_owned()), ..Self::new("") }
    }

    /// Sets the operating system's version.
    #[must_use]
    pub fn os_version(mut self, version: &str) -> Self {
        self.platform.os_version = Some(version.to_owned());
        self
    }

    /// Adds a label to the config.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.config.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a variable to the environment that containers are started with.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.config.env.push(format!("{name}={value}"));
        self
    }

    /// Sets the program that containers run, with its first arguments.
    #[must_use]
    pub fn entrypoint<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.config.entrypoint = words.into_iter().map(str::to_owned).collect();
        self
    }

    /// Adds an annotation to the manifest.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a layer, a compressed tar archive with one file.
    #[must_use]
    pub fn file(mut self, path: &str, content: &[u8]) -> Self {
        self.files.push((path.to_owned(), content.to_vec()));
        self
    }

    /// Adds a layer of any media type with just these bytes.
    #[must_use]
    pub fn layer(self, media_type: &str, bytes: impl Into<Bytes>) -> Self {
        self.layer_with(media_type, bytes, &[])
    }

    /// Adds a layer of any media type with annotations on its descriptor.
    #[must_use]
    pub fn layer_with(mut self, media_type: &str, bytes: impl Into<Bytes>, annotations: &[(&str, &str)]) -> Self {
        let bytes = bytes.into();
        let mut descriptor = described(media_type, &bytes);
        descriptor.annotations = annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.layers.push((descriptor, bytes));
        self
    }

    /// Adds a layer that only its addresses have: no registry is given it.
    #[must_use]
    pub fn foreign_layer(mut self, media_type: &str, bytes: &[u8], url: &str) -> Self {
        self.foreign.push(Descriptor { urls: vec![url.to_owned()], ..described(media_type, bytes) });
        self
    }

    /// Makes it an image with Docker's media types.
    #[must_use]
    pub fn docker(mut self) -> Self {
        self.docker = true;
        self
    }

    /// Returns the manifest.
    pub fn build(self) -> Image {
        let (manifest_type, config_type, layer_type) = if self.docker {
            let layer = "application/vnd.docker.image.rootfs.diff.tar.gzip";
            (DOCKER_MANIFEST, "application/vnd.docker.container.image.v1+json", layer)
        } else {
            let layer = "application/vnd.oci.image.layer.v1.tar+gzip";
            (MANIFEST, "application/vnd.oci.image.config.v1+json", layer)
        };
        let mut diff_ids = Vec::new();
        let mut layers = Vec::new();
        for (path, content) in &self.files {
            let (tar, compressed) = layer::archive(path, content);
            diff_ids.push(verify::digest(Algorithm::Sha256, &tar).into_string());
            layers.push((described(layer_type, &compressed), Bytes::from(compressed)));
        }
        let given = self.layers.iter().map(|(descriptor, _)| descriptor).chain(&self.foreign);
        diff_ids.extend(given.map(|descriptor| descriptor.digest.as_str().to_owned()));
        layers.extend(self.layers);
        let config = if self.artifact_type.is_some() {
            (described("application/vnd.oci.empty.v1+json", b"{}"), Bytes::from_static(b"{}"))
        } else {
            let config = json(&ImageConfig::new(&self.platform, self.config, diff_ids));
            (described(config_type, &config), Bytes::from(config))
        };
        if self.artifact_type.is_some() && layers.is_empty() {
            // An artifact without content has the empty layer, as OCI image-spec 1.1, section "Guidelines for Artifact
            // Usage".
            layers.push(config.clone());
        }
        let document = Manifest {
            media_type: manifest_type.to_owned(),
            config: config.0.clone(),
            layers: layers.iter().map(|(descriptor, _)| descriptor).chain(&self.foreign).cloned().collect(),
            artifact_type: self.artifact_type.clone(),
            subject: self.subject,
            annotations: self.annotations.into_iter().collect(),
            unverifiable: Vec::new(),
        };
        let mut image = Image::new(manifest_type, json(&document));
        image.blobs = std::iter::once(config).chain(layers).collect();
        match self.artifact_type {
            Some(artifact_type) => image.descriptor.artifact_type = Some(artifact_type),
            None => image.descriptor.platform = Some(self.platform),
        }
        image
    }
}

/// Returns the attestation manifest that BuildKit would put beside an image: platform `unknown/unknown`, and
/// annotations that say which manifest it is about.
pub fn attestation(of: &Image) -> Image {
    const PREDICATE: &str = "https://slsa.dev/provenance/v0.2";
    let statement = document::statement(PREDICATE, of.digest());
    let annotations = [("in-toto.io/predicate-type", PREDICATE)];
    ImageBuilder::new("unknown/unknown")
        .layer_with("application/vnd.in-toto+json", statement, &annotations)
        .build()
        .listed_with("vnd.docker.reference.digest", of.digest().as_str())
        .listed_with("vnd.docker.reference.type", "attestation-manifest")
}

/// Builds an index.
#[derive(Debug, Clone, Default)]
pub struct IndexBuilder {
    children: Vec<Image>,
    annotations: BTreeMap<String, String>,
    artifact_type: Option<String>,
    subject: Option<Descriptor>,
    docker: bool,
    indented: bool,
}

impl IndexBuilder {
    /// Begins an index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists a manifest, or another index.
    #[must_use]
    #[allow(clippy::should_implement_trait)] // The other meaning of `add` makes no sense here.
    pub fn add(mut self, image: Image) -> Self {
        self.children.push(image);
        self
    }

    /// Adds an annotation to the index.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Makes it an artifact of a type, about a subject.
    #[must_use]
    pub fn about(mut self, artifact_type: &str, subject: &Image) -> Self {
        let of = &subject.descriptor;
        self.artifact_type = Some(artifact_type.to_owned());
        self.subject = Some(Descriptor::new(&*of.media_type, of.digest.clone(), of.size));
        self
    }

    /// Makes it a manifest list with Docker's media type.
    #[must_use]
    pub fn docker(mut self) -> Self {
        self.docker = true;
        self
    }

    /// Writes the document with line feeds and indents, as BuildKit does.
    #[must_use]
    pub fn indented(mut self) -> Self {
        self.indented = true;
        self
    }

    /// Returns the index.
    pub fn build(self) -> Image {
        let media_type = if self.docker { DOCKER_LIST } else { INDEX };
        let document = Index {
            media_type: media_type.to_owned(),
            manifests: self.children.iter().map(|child| child.descriptor.clone()).collect(),
            artifact_type: self.artifact_type.clone(),
            subject: self.subject,
            annotations: self.annotations.into_iter().collect(),
            unverifiable: Vec::new(),
        };
        let bytes = if self.indented { document::indented(&document) } else { json(&document) };
        let mut image = Image::new(media_type, bytes);
        image.children = self.children;
        image.descriptor.artifact_type = self.artifact_type;
        image
    }
}

fn described(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, verify::digest(Algorithm::Sha256, bytes), bytes.len() as u64)
}
