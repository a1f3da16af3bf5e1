//! Builds by a real BuildKit, and what they need: the daemon, its command, images to build from, images of frontends,
//! and a look into what was built. Everything runs on loopback and ends with its value. How it is used:
//! `tests/baseline/dockerfiles.rs`.
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
