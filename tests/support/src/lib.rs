//! What the tests of every crate use: registries that do as they are told, real registries, a token server, filters
//! for snapshots, and the places where things are. Everything runs on loopback and ends with its value.
#![forbid(unsafe_code)]

pub mod access;
mod access_log;
pub mod authority;
mod body;
pub mod bomb;
pub mod buildkit;
mod cdn;
mod cut;
mod distribution;
pub mod fault;
pub mod filters;
mod gauge;
mod held;
pub mod image;
pub mod nginx;
mod nginx_config;
mod nginx_log;
mod pattern;
pub mod plain;
mod process;
mod range;
mod real;
mod real_config;
pub mod record;
mod registry;
mod scope;
pub mod secure;
mod server;
mod sign;
mod store;
pub mod token;
mod tokens;
mod uploads;
pub mod workspace;

pub use access::{Access, basic};
pub use access_log::Logged;
pub use authority::{Authority, Issued};
pub use cdn::Cdn;
pub use cut::Cut;
pub use fault::{Fault, Rule};
pub use held::Held;
pub use nginx::Nginx;
pub use nginx_log::Served;
pub use process::Process;
pub use real::{Auth, RealRegistry};
pub use record::Request;
pub use registry::FaultRegistry;
pub use scope::Scope;
pub use store::digest;
pub use token::TokenServer;
pub use tokens::TokenField;
pub use workspace::{command, fixture, policy, tool, workspace_root};
