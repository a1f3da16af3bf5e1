//! The messages and services of `refkit.v1`.
//!
//! The files in `proto/` are the source; a test generates the types from them.

// A package of the `.proto` files is a module, and the generated code names types by these paths.
#[allow(clippy::all, missing_docs)]
mod generated {
    include!("pb/refkit.v1.rs");
}

pub use generated::*;

/// The descriptors of all messages and services, for reflection: an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!("pb/refkit.v1.binpb");
