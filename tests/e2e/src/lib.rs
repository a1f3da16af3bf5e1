//! Builds with a real BuildKit: the daemon, its command, base images, images of frontends, and a reader of results.
//! Everything runs on loopback and ends with its value. For an example see `tests/baseline/dockerfiles.rs`.
#![forbid(unsafe_code)]

pub mod base;
mod build;
mod buildkitd;
mod built;
mod filesystem;
mod frontend;
pub mod git;
mod layer;
mod outcome;
mod places;
mod programs;
mod run;
mod stage;

pub use build::{Build, Output};
pub use buildkitd::Buildkitd;
pub use built::{Built, BuiltImage};
pub use filesystem::Files;
pub use frontend::Frontend;
pub use layer::Layer;
pub use outcome::{Outcome, Step};
pub use places::{layout, put};
pub use programs::program;
pub use stage::Stage;
