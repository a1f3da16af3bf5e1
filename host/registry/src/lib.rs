//! A client of the OCI distribution API 1.1: the traits of [`refkit_content`] over the network.
//!
//! - [`hosts`] says who answers for a registry; `endpoint` is one of them for one repository, `places` and `names`
//!   where it may send a client to.
//! - `tls` and `proxy` connect, `gate` waits for a turn, `transport` asks, repeats (`retry`) and follows redirects by hand;
//!   `reply` is what comes back, `coding` reads it where it is gzip, and `resume` goes on where it breaks.
//! - `challenge`, `scope`, `token`, `authority` and `authorize` are who the client is; [`credentials`] and [`docker`] where
//!   it has that from, `principal` what stands for it.
//! - `resolve`, `open`, `discover` and `push` are the operations; `client` takes them from host to host, `failure` is what
//!   a refusal becomes, and `page` what is no answer at all.
#![forbid(unsafe_code)]

mod authority;
mod authorize;
mod builder;
mod challenge;
mod client;
mod coding;
pub mod credentials;
mod discover;
pub mod docker;
mod endpoint;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gate;
pub mod hosts;
mod names;
mod open;
mod page;
mod places;
mod principal;
mod proxy;
mod push;
mod reply;
mod resolve;
mod resume;
mod retry;
mod scope;
mod tls;
mod token;
mod transport;

pub use builder::{ClientBuilder, Timeouts};
pub use client::Client;
pub use credentials::{CredentialSource, Credentials, NoCredentials};
pub use docker::{DockerConfig, Helpers};
pub use hosts::Hosts;
pub use names::{Names, SystemNames};
pub use proxy::Proxies;
pub use push::Uploads;
pub use retry::Retries;
