//! Stands between a BuildKit frontend and BuildKit, with policies in between.
//!
//! - `build` is one build from its first word to its last; [`proxy`], [`child`] and [`stdio`] are who speaks with whom.
//! - `calls` says which calls pass; `meta` and `solve` answer those that read images, `sources` and `caches` judge them.
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
mod policies;
pub mod proxy;
mod refusal;
mod report;
mod solve;
mod sources;
pub mod stdio;

pub use arguments::Arguments;
pub use build::run;
