//! A client of the OCI distribution API 1.1: the traits of [`refkit_content`] over the network.
//!
//! The client consists of layers. Each is a type that wraps the next lower one, and has tests over a fake. A module
//! names only modules above it in this list:
//!
//! - `text`: text from servers and users, as errors show it.
//! - [`hosts`]: which hosts serve a registry; [`credentials`] and [`docker`]: the sources of credentials.
//! - `endpoint`: one of these hosts for one repository.
//! - `http`: sends one request: TLS, proxies, names, and the limits of requests to a host.
//! - `retry`: sends it again after failures that may pass.
//! - `redirect`: follows redirects, and decides which are allowed.
//! - `auth`: sends the credentials that a host wants.
//! - `client`: puts the layers together; resolves, fetches and lists, from host to host.
//! - `push`: writes.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod auth;
mod client;
pub mod credentials;
pub mod docker;
mod endpoint;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod hosts;
mod http;
mod push;
mod redirect;
mod retry;
mod text;

pub use client::{Client, ClientBuilder, Uploads};
pub use credentials::{CredentialSource, Credentials, NoCredentials};
pub use docker::{DockerConfig, Helpers};
pub use hosts::Hosts;
pub use http::names::{Names, SystemNames};
pub use http::observer::Observer;
pub use http::{Proxies, Timeouts};
pub use retry::Retries;
