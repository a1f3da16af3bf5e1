//! The question and the answer of one resolution, as the contract has them, with checked references and digests.
//!
//! What a policy returns is a [`Claim`]: it names digests and nothing else, because of a descriptor that comes out of
//! a sandbox only the digest counts. What a policy is told is a [`Decision`] over [`Descriptor`]s of the host's own.

use refkit_oci::{Descriptor, Digest, Platform, Reference};

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// What to resolve.
    pub reference: Reference,
    /// Which images of an index.
    pub selection: Selection,
    /// What the answer holds besides the root.
    pub parts: Parts,
}

/// Which images of an index are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selection {
    /// For each of these, normalised, the one image that suits it best.
    Platforms(Vec<Platform>),
    /// Every image of the index and of the indexes in it.
    All,
}

/// What the answer holds besides the root. `configs` and `attestations` include `images`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Parts {
    /// The images.
    pub images: bool,
    /// Their configs.
    pub configs: bool,
    /// Manifests about them.
    pub attestations: bool,
}

impl Parts {
    /// The root alone.
    pub const NONE: Self = Self { images: false, configs: false, attestations: false };
    /// The images.
    pub const IMAGES: Self = Self { images: true, ..Self::NONE };
    /// The images and their configs.
    pub const CONFIGS: Self = Self { configs: true, ..Self::IMAGES };

    /// Returns whether images are in the answer.
    pub fn any(self) -> bool {
        self.images || self.configs || self.attestations
    }
}

/// What a policy returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This.
    Decision(Decision<Digest>),
    /// Whatever the rest of the chain decides of this request.
    Next(Request),
}

/// A decision over content that `D` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<D> {
    /// This.
    Resolved(Resolved<D>),
    /// The reference as a whole is refused.
    Denied(Vec<Denial>),
}

/// What was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<D> {
    /// What was resolved in the end.
    pub reference: Reference,
    /// The index or the manifest that the reference names.
    pub root: D,
    /// For platforms, one place for each, in their order; for all, in the order of the index.
    pub images: Vec<Result<Image<D>, Absence>>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image<D> {
    /// The platform, normalised, where it is known.
    pub platform: Option<Platform>,
    /// The indexes between root and manifest, outermost first.
    pub parents: Vec<D>,
    /// The manifest; equal to the root where that is one.
    pub manifest: D,
    /// The config.
    pub config: Option<D>,
    /// Manifests about this one.
    pub attestations: Vec<D>,
}

/// Why there is no image in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// Nothing suits the platform.
    NoMatch,
    /// A policy refuses this image, and not the others.
    Denied(Vec<Denial>),
    /// It could not be read.
    Failed(Failure),
}

/// One reason of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Denial {
    /// The rule that was broken, in the policy's words.
    pub rule: String,
    /// For a person.
    pub message: String,
    /// The manifest that it is about, if it is about one.
    pub subject: Option<Digest>,
}

/// A failure as it crosses the boundary.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// For the policy.
    pub code: ErrorCode,
    /// For a person.
    pub message: String,
}

/// The kind of a failure: `error-code` of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ErrorCode {
    Invalid,
    NotFound,
    Unauthorized,
    NotGranted,
    BudgetExhausted,
    Unsupported,
    RateLimited,
    Unavailable,
    Timeout,
    Other,
}

/// How much a message of a policy matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Level {
    Debug,
    Info,
    Warn,
}

/// Who a policy says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// What it can be told.
    pub settings: Vec<Setting>,
}

/// A setting that a policy reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Whether the policy cannot run without.
    pub required: bool,
    /// What it is when the operator says nothing.
    pub default: Option<String>,
}

/// What a pull answers.
#[derive(Debug, Clone)]
pub struct Content {
    /// The host's own record.
    pub descriptor: Descriptor,
    /// The verified bytes.
    pub bytes: bytes::Bytes,
}
