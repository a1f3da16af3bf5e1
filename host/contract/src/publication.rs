//! What a caller asks a publishing chain, and what a publishing policy answers.

use refkit_oci::{Platform, Reference};

use crate::Denial;

/// What is to be composed or copied, and where to: `publication.request` of the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PublishRequest {
    /// The sources, in the order of the new index.
    pub sources: Vec<PublishSource>,
    /// The destinations; each of them gets the same content.
    pub destinations: Vec<Reference>,
    /// The platforms to keep, matched exactly; empty to keep all.
    pub platforms: Vec<Platform>,
    /// The annotations to set.
    pub annotations: Vec<Annotation>,
    /// Whether a single manifest is wrapped in an index.
    pub prefer_index: bool,
}

impl PublishRequest {
    /// Returns a request that copies one source to one destination.
    pub fn new(source: Reference, destination: Reference) -> Self {
        Self { destinations: vec![destination], ..Self::default() }.source(source)
    }

    /// Adds a source.
    #[must_use]
    pub fn source(mut self, reference: Reference) -> Self {
        self.sources.push(PublishSource { reference, descriptor: None });
        self
    }

    /// Adds a source whose descriptor has members of its own: an OCI content descriptor in JSON.
    #[must_use]
    pub fn source_with(mut self, reference: Reference, descriptor: impl Into<String>) -> Self {
        self.sources.push(PublishSource { reference, descriptor: Some(descriptor.into()) });
        self
    }

    /// Adds a destination.
    #[must_use]
    pub fn destination(mut self, reference: Reference) -> Self {
        self.destinations.push(reference);
        self
    }

    /// Adds a platform to keep.
    #[must_use]
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platforms.push(platform.normalized());
        self
    }

    /// Adds an annotation.
    #[must_use]
    pub fn annotation(mut self, annotation: Annotation) -> Self {
        self.annotations.push(annotation);
        self
    }

    /// Sets whether a single manifest is wrapped in an index.
    #[must_use]
    pub fn prefer_index(mut self, prefer_index: bool) -> Self {
        self.prefer_index = prefer_index;
        self
    }
}

/// A source of a publication.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PublishSource {
    /// Where it is.
    pub reference: Reference,
    /// An OCI content descriptor in JSON, as a file gave it. Its members replace those of the registry's descriptor.
    pub descriptor: Option<String>,
}

/// An annotation to set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Annotation {
    /// What is annotated.
    pub target: AnnotationTarget,
    /// The one platform whose manifest or entry is annotated; all of them without it.
    pub platform: Option<Platform>,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// What an annotation is set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnnotationTarget {
    /// The new index.
    Index,
    /// The entries of the new index.
    ManifestDescriptor,
    /// The manifests themselves, which are then written anew.
    Manifest,
}

/// What a publishing policy answers. `D` stands for the published root: a digest in what the policy returns, the host's
/// own descriptor after the host has checked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishDecision<D> {
    /// The root, which this run pushed to every destination.
    Published(D),
    /// A policy refuses the publication, for these reasons.
    Denied(Vec<Denial>),
}
