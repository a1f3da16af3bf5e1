//! References, digests, platforms, descriptors, manifests, indexes and configs, as the OCI specifications and BuildKit
//! define them. The crate has no network, no clock and no files, and compiles natively and to wasm32.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

pub mod annotation;
mod content;
pub mod descriptor;
pub mod digest;
pub mod document;
#[cfg(feature = "write")]
pub mod edit;
mod error_code;
pub mod escape;
mod footprint;
pub mod matching;
pub mod pattern;
pub mod platform;
mod quoted;
pub mod reference;

pub use content::Content;
pub use descriptor::Descriptor;
pub use digest::{Algorithm, Digest};
pub use error_code::ErrorCode;
pub use footprint::Footprint;
pub use pattern::Pattern;
pub use platform::Platform;
pub use reference::{Reference, Repository};
