//! What a caller asks a chain, and a policy the rest of it.

use refkit_oci::{Platform, Reference};

/// What is to be resolved, for which platforms, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Request {
    /// The image reference.
    pub reference: Reference,
    /// Which images of an index.
    pub selection: Selection,
    /// What the decision holds besides the root.
    pub parts: Parts,
}

impl Request {
    /// Returns a request for the root of a reference alone: the digest that it names, and no image.
    pub fn new(reference: Reference) -> Self {
        Self { reference, selection: Selection::All, parts: Parts::NONE }
    }

    /// Adds a platform, normalised, and asks for the image that suits it best.
    #[must_use]
    pub fn platform(mut self, platform: Platform) -> Self {
        let platform = platform.normalized();
        match &mut self.selection {
            Selection::Platforms(platforms) => platforms.push(platform),
            Selection::All => self.selection = Selection::Platforms(vec![platform]),
        }
        self.parts.images = true;
        self
    }

    /// Sets which images of an index are wanted. The parts stay as they are.
    #[must_use]
    pub fn select(self, selection: Selection) -> Self {
        Self { selection, ..self }
    }

    /// Sets what the decision holds besides the root.
    #[must_use]
    pub fn with(self, parts: Parts) -> Self {
        Self { parts, ..self }
    }

    /// Asks for the images.
    #[must_use]
    pub fn with_images(mut self) -> Self {
        self.parts.images = true;
        self
    }

    /// Asks for the images and their configs.
    #[must_use]
    pub fn with_configs(mut self) -> Self {
        self.parts = Parts { configs: true, images: true, ..self.parts };
        self
    }

    /// Asks for the images and the manifests about them.
    #[must_use]
    pub fn with_attestations(mut self) -> Self {
        self.parts = Parts { attestations: true, images: true, ..self.parts };
        self
    }
}

/// Which images of an index are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selection {
    /// For each of these, normalised, the one image that suits it best.
    Platforms(Vec<Platform>),
    /// Every image of the index and of the indexes in it.
    All,
}

/// What a decision holds besides the root. `configs` and `attestations` include `images`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Parts {
    /// The images.
    pub images: bool,
    /// Their configs.
    pub configs: bool,
    /// The manifests about them.
    pub attestations: bool,
}

impl Parts {
    /// The root alone.
    pub const NONE: Self = Self { images: false, configs: false, attestations: false };
    /// The images.
    pub const IMAGES: Self = Self { images: true, ..Self::NONE };
    /// The images and their configs.
    pub const CONFIGS: Self = Self { configs: true, ..Self::IMAGES };

    /// Returns whether a decision holds images.
    pub fn any(self) -> bool {
        self.images || self.configs || self.attestations
    }
}
