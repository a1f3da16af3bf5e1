//! The image of a BuildKit frontend with policies in front of it.
//!
//! The recipe adds to an image:
//!
//! - One more layer, the same bytes every time: the program [`PROGRAM`], the policies as [`POLICIES`]`/NN-NAME.wasm`,
//!   where NN is their order, and beside each `NN-NAME.cwasm`, its code compiled ahead of time, where there is a compiler
//!   for the platform. The program contains the default policy's component; its code is [`DEFAULT_CODE`].
//! - An [`Entrypoint`]: the program, its options, `--`, and the entrypoint of the base.
//! - The label [`NETWORK_NONE`], for which BuildKit gives the frontend no network.
//! - The label [`LABEL`], a JSON list of [`Listed`], for readers that have the config and nothing else.
//!
//! All other members of the documents keep their order, and documents keep their media types.

pub mod base;
pub mod elf;
pub mod entrypoint;
pub mod image;
mod images;
pub mod inspect;
pub mod label;
pub mod policy;
pub mod program;

pub use base::Base;
pub use entrypoint::Entrypoint;
pub use image::{Image, make};
pub use images::Images;
pub use inspect::Inspector;
pub use label::Listed;
pub use program::Program;

/// The directory of all that the recipe puts into an image.
pub const DIRECTORY: &str = "/refkit";

/// The program's path in an image.
pub const PROGRAM: &str = "/refkit/refkit-frontend";

/// The path at which the program looks for the default policy's code.
pub const DEFAULT_CODE: &str = "/refkit/refkit-default.cwasm";

/// The directory of the policies in an image.
pub const POLICIES: &str = "/refkit/policies";

/// The most policies that an image ships: their numbers have two digits.
pub const POLICIES_LIMIT: usize = 100;

/// The largest program: several times the size of one with a compiler in it.
pub const PROGRAM_LIMIT: u64 = 256 << 20;

/// The label that makes BuildKit start a frontend without a network.
pub const NETWORK_NONE: &str = "moby.buildkit.frontend.network.none";

/// The label that lists the policies.
pub const LABEL: &str = "dev.refkit.policies";
