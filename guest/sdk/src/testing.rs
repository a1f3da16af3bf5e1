//! Tests of policies without a network and without a sandbox (cargo feature `testing`).
//!
//! [`Registry`] is a [`Host`](crate::Host) in memory. It has the content that the test adds, follows the host's rules,
//! and records every call, so that a test can check which requests a policy makes.
//!
//! ```
//! use refkit_policy::testing::Registry;
//! use refkit_policy::*;
//!
//! struct Nothing;
//!
//! impl Policy for Nothing {
//!     fn about() -> Description {
//!         Description::new("nothing", "1.0.0", "Refuses everything")
//!     }
//!
//!     fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error> {
//!         let root = host.resolve(&request.reference)?;
//!         Ok(Outcome::deny("nothing", format!("{} is refused", root.digest)))
//!     }
//! }
//!
//! let mut registry = Registry::new();
//! let media_type = "application/vnd.oci.image.index.v1+json";
//! registry.manifest("registry.test/app", Some("1.0"), media_type, br#"{"schemaVersion":2,"manifests":[]}"#);
//!
//! let reference = testing::reference("registry.test/app:1.0").expect("a reference");
//! let request = Request { reference, selection: Selection::All, parts: Parts::IMAGES };
//! let outcome = Nothing::resolve(&registry, request);
//! assert!(matches!(outcome, Ok(Outcome::Denied(_))));
//! assert_eq!(registry.calls(), ["resolve registry.test/app:1.0"]);
//! ```
//!
//! [`check`] runs a table of cases from a JSON file; [`Case`] describes the format. The same file can test the
//! policy's component: [`cases`] reads it, [`Case::registry`] has the content, [`Case::verify`] checks the outcome.

mod answers;
mod case;
mod config;
mod content;
mod platform;
mod registry;
mod stored;
mod text;

pub use case::{Case, Elsewhere, End, cases, check};
pub use platform::platform;
pub use registry::{Event, Registry};
pub use text::{Names, reference};
