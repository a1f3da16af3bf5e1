//! Stands between a BuildKit frontend and BuildKit: policies decide which images the build gets.
//!
//! - `build` runs one build. [`proxy`] carries the calls between the frontend ([`child`]) and BuildKit ([`stdio`]), and
//!   [`grpc`] is the part of gRPC that this needs.
//! - [`rules`] decides which calls pass, and which images the build gets.
//! - `policies` loads the policies, of which [`BuildChain`] is the result; `artifact` reads one that the build brings.
//! - `report` shows warnings and explanations in the progress of the build; `own_image` is the image of this frontend.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod arguments;
mod artifact;
mod build;
mod chain;
pub mod child;
mod environment;
pub mod grpc;
mod own_image;
mod policies;
pub mod proxy;
mod report;
pub mod rules;
pub mod stdio;

pub use arguments::Arguments;
pub use build::run;
pub use chain::BuildChain;
