//! Stands between a BuildKit frontend and BuildKit, with policies in between.
//!
//! - `build` is one build from its first word to its last; [`proxy`], [`child`] and [`stdio`] are who speaks with whom.
//! - `calls` says which calls pass; `meta` and `solve` answer those that read images, `sources` and `caches` judge them.
//! - `nested` lets a frontend ask for its own image once more, which is what a `# syntax=` line may name; `own` knows it.
//! - `decide` runs the policies, which `policies` loads and `chain` holds; `report` tells a person about it.
#![forbid(unsafe_code)]

mod arguments;
mod artifact;
mod build;
mod caches;
mod calls;
mod chain;
pub mod child;
mod decide;
mod environment;
pub mod grpc;
mod image;
mod met;
mod meta;
mod nested;
mod own;
mod policies;
pub mod proxy;
mod refusal;
mod report;
mod solve;
mod sources;
pub mod stdio;

/// A BuildKit in memory, which the tests of refkit-buildkit have as well.
#[cfg(test)]
#[allow(dead_code)]
#[path = "../../buildkit/tests/buildkit/images.rs"]
mod images;
#[cfg(test)]
#[allow(dead_code)]
#[path = "../../buildkit/tests/buildkit/peer.rs"]
mod peer;

pub use arguments::Arguments;
pub use build::run;
