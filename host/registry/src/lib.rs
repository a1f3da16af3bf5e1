//! A client of the OCI distribution API 1.1: the traits of [`refkit_content`] over the network.
//!
//! - `endpoint` says where a registry is, and where it may send a client; `tls` and `transport` ask, and follow
//!   redirects by hand.
//! - `challenge`, `token` and `authorize` are who the client is; [`credentials`] and [`docker`] where it has that from.
//! - `resolve`, `open`, `discover` and `push` are the operations; `failure` is what a refusal becomes.
#![forbid(unsafe_code)]

mod authorize;
mod builder;
mod challenge;
mod client;
pub mod credentials;
mod discover;
pub mod docker;
mod endpoint;
mod failure;
pub mod hosts;
mod open;
mod push;
mod resolve;
mod tls;
mod token;
mod transport;

pub use builder::{ClientBuilder, Timeouts};
pub use client::Client;
pub use credentials::{CredentialSource, Credentials, NoCredentials};
pub use docker::{DockerConfig, Helpers};
pub use endpoint::is_local;
