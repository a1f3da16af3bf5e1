//! BuildKit's protocol. No other crate knows it.
//!
//! - [`pb`] contains the messages. [`Raw`] is a message that keeps unknown fields.
//! - [`Connection`] is HTTP/2 over any stream, and [`Bridge`] the client of `LLBBridge` on a connection.
//! - [`definition`] finds the sources of a build definition. [`source_policy`] makes and evaluates the rules for them.
//! - [`BuildkitSource`] implements the traits of [`refkit_content`]: BuildKit resolves and reads.
//!
//! Field numbers, texts and behaviour are those of BuildKit 0.34.2, unless a comment names another version.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod bridge;
mod capabilities;
mod codec;
mod connection;
pub mod definition;
mod failure;
pub mod pb;
mod raw;
mod source;
pub mod source_policy;

pub use bridge::Bridge;
pub use capabilities::{Capabilities, MissingCapability};
pub use connection::{Body, BoxError, Connection, ConnectionError, Ended, readable};
pub use failure::grpc_code;
pub use raw::{MESSAGE_LIMIT, Raw, RawError};
pub use source::{BuildkitSource, Converted, HOST, Metadata, Options, PlatformSource};
