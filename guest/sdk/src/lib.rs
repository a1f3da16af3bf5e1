//! The crate for Rust authors of RefKit policies: the contract's types, the [`Policy`] trait, the [`Host`] that it
//! calls, and [`export!`], which makes a component of it.
//!
//! ```
//! use refkit_policy::*;
//!
//! struct OnlyAlpine;
//!
//! impl Policy for OnlyAlpine {
//!     fn about() -> Description {
//!         Description::new("only-alpine", "1.0.0", "Allows docker.io/library/alpine and nothing else")
//!     }
//!
//!     fn resolve(_host: &impl Host, request: Request) -> Result<Outcome, Error> {
//!         if request.reference.repository == "library/alpine" {
//!             return Ok(Outcome::Next(request));
//!         }
//!         Ok(Outcome::deny("only-alpine", format!("{} is not Alpine Linux", request.reference)))
//!     }
//! }
//!
//! refkit_policy::export!(OnlyAlpine);
//! ```
//!
//! The same code runs natively: [`Policy::resolve`] takes any [`Host`].
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

pub mod bindings;
mod convert;
mod host;
mod policy;
#[cfg(feature = "testing")]
pub mod testing;

pub use bindings::exports::refkit::policy::about::{Description, Setting};
pub use bindings::refkit::policy::registry::Content;
pub use bindings::refkit::policy::resolution::{Absence, Denial, Image, Outcome, Parts, Request, Resolved, Selection};
pub use bindings::refkit::policy::trace::Level;
pub use bindings::refkit::policy::types::{Descriptor, Error, ErrorCode, Platform, Reference};
pub use convert::required;
pub use host::Host;
#[cfg(target_arch = "wasm32")]
pub use host::Imports;
pub use policy::Policy;
/// The OCI vocabulary: parsing, matching and strict reading.
pub use refkit_oci as oci;
