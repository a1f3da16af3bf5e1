//! What a Rust author of a RefKit publishing policy imports: the [`Publisher`] trait, the [`PublishingHost`] that it asks,
//! and [`export!`], which makes a component of it. The vocabulary that both kinds of policies share comes from
//! [`refkit_policy`] and is handed on.
//!
//! ```
//! use refkit_publishing::*;
//!
//! struct NoLatest;
//!
//! impl Publisher for NoLatest {
//!     fn about() -> Description {
//!         Description::new("no-latest", "1.0.0", "Refuses to move the tag latest")
//!     }
//!
//!     fn publish(host: &impl PublishingHost, request: Publication) -> Result<Published, Error> {
//!         if request.destinations.iter().any(|one| one.tag.as_deref() == Some("latest")) {
//!             return Ok(Published::deny("no-latest", "give the image a version"));
//!         }
//!         host.publish(&request)
//!     }
//! }
//!
//! refkit_publishing::export!(NoLatest);
//! ```
//!
//! The same code runs natively: [`Publisher::publish`] takes any [`PublishingHost`].
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

pub mod bindings;
mod publisher;
#[cfg(feature = "testing")]
pub mod testing;

pub use bindings::refkit::policy::publication::{
    Annotation, AnnotationTarget, Outcome as Published, Request as Publication, Source,
};
pub use publisher::{Publisher, PublishingHost};
pub use refkit_policy::*;
