//! What a policy answers to a request.

use refkit_oci::{Platform, Reference};

use crate::{Denial, Failure, Request};

/// What one policy does with a request: it decides, or passes it on. `D` stands for content: a digest in what the
/// policy returns, the host's own descriptor after the host has checked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<D> {
    /// The policy decides.
    Decided(Decision<D>),
    /// The rest of the chain decides, about this request.
    Next(Request),
}

/// A decision over content that `D` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<D> {
    /// The reference resolves to this.
    Resolved(Resolved<D>),
    /// A policy refuses the reference as a whole, for these reasons.
    Denied(Vec<Denial>),
}

/// What a reference resolves to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<D> {
    /// The reference that was resolved in the end; another than the request's where a policy redirected it.
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
    /// The manifest; equal to the root where that is a manifest.
    pub manifest: D,
    /// The config.
    pub config: Option<D>,
    /// The manifests about this one.
    pub attestations: Vec<D>,
}

/// Why a place has no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// No image suits the platform.
    NoMatch,
    /// A policy refuses this image, and not the others.
    Denied(Vec<Denial>),
    /// The image could not be read.
    Failed(Failure),
}

impl Absence {
    /// Returns the contract's name of the case.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoMatch => "no-match",
            Self::Denied(_) => "denied",
            Self::Failed(_) => "failed",
        }
    }
}
