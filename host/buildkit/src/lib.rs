//! BuildKit's protocol, and the only place that knows it.
//!
//! - [`pb`] has the messages, with BuildKit's field numbers; [`Raw`] is a message that is passed on as it came.
//! - [`Connection`] is HTTP/2 over any stream, [`Bridge`] a client of `LLBBridge` on it.
//! - [`definition`] says what a build definition reads, [`source_policy`] what BuildKit is told about it.
//! - [`BuildkitSource`] is content by way of BuildKit: the traits of [`refkit_content`] over a bridge.
//!
//! Field numbers, texts and behaviour are those of BuildKit 0.34.2, where nothing else is said.
#![forbid(unsafe_code)]

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
pub use connection::{Body, BoxError, Connection, ConnectionError, Ended};
pub use raw::{MESSAGE_LIMIT, Raw, RawError};
pub use source::{BuildkitSource, Converted, HOST, Metadata, Options, PlatformSource};
