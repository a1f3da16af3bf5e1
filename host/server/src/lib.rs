//! `refkit serve`: references resolved for other programs, by the rules and policies of one machine's operator.
//!
//! - [`settings`]: the tables of `refkit.toml` that belong to the server, with the position of every value.
//! - [`Client`]: who asks, and [`ClientPattern`]; `clients`: how a request shows it.
//! - `policies` and `rules`: which chain of policies decides about a reference.
//! - [`State`]: all of it, loaded. It never changes; a reload puts another one in its place.
//! - `listen`: sockets, TLS, connections and their limits. `monitor`, `grpc_listener`: what is behind a listener;
//!   `by_state` answers the services of gRPC by the rules.
//! - [`grpc`]: the API `refkit.v1` and BuildKit's own services; [`client`]: the client of the API.
//! - [`Server`]: starts, reloads and drains.
//!
//! The library reads neither flags nor the environment: the command hands it everything in [`Means`].
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod body;
mod by_state;
pub mod client;
mod clients;
mod error;
pub mod grpc;
mod grpc_listener;
mod identity;
mod listen;
mod means;
mod metrics;
mod monitor;
mod policies;
mod rules;
mod server;
pub mod settings;
mod state;
mod swap;

pub use error::StartError;
pub use identity::{Client, ClientPattern};
pub use means::Means;
pub use server::{Event, Server};
pub use settings::Settings;
pub use state::State;
