//! Which hosts answer for a registry, in which order, and how each is asked.

mod host;
mod rewrite;

pub use host::{Capabilities, Host, Identity, Setting, Tls};
pub use rewrite::Rewrite;
