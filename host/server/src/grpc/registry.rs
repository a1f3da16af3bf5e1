//! `refkit.v1.RegistryService`: option 3 of moby/buildkit issue #2944, with the traversal on the caller's side.

mod document;
mod fetch;
pub mod list;
mod pieces;
mod push;
mod received;
mod resolve;
mod write;

pub use fetch::fetch;
pub use list::{referrers, tags};
pub use push::push;
pub use resolve::resolve;
pub use write::{exists, mount};
