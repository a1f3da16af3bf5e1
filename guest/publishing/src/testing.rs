//! Tests of publishing policies without a network and without a sandbox (cargo feature `testing`).
//!
//! [`Registries`] is a [`PublishingHost`](crate::PublishingHost) in memory, over the [`Registry`] of
//! [`refkit_policy::testing`]: it takes what a policy pushes and copies, follows the host's rules, and records every call.
//!
//! ```
//! use refkit_publishing::testing::{Registries, Registry, reference};
//! use refkit_publishing::*;
//!
//! /// Pushes an empty index.
//! struct Empty;
//!
//! impl Publisher for Empty {
//!     fn about() -> Description {
//!         Description::new("empty", "1.0.0", "Publishes an index without images")
//!     }
//!
//!     fn publish(host: &impl PublishingHost, request: Publication) -> Result<Published, Error> {
//!         let media_type = "application/vnd.oci.image.index.v1+json";
//!         let bytes = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
//!         Ok(Published::Published(host.push_manifest(&request.destinations[0], media_type, bytes)?))
//!     }
//! }
//!
//! let destination = reference("mirror.test/app:1").expect("a reference");
//! let request = Publication {
//!     sources: Vec::new(),
//!     destinations: vec![destination.clone()],
//!     platforms: Vec::new(),
//!     annotations: Vec::new(),
//!     prefer_index: true,
//! };
//! let mut registries = Registries::new(Registry::new());
//! let outcome = registries.run::<Empty>(request);
//! let held = registries.held(&destination).expect("the policy pushed it");
//! assert!(matches!(outcome, Ok(Published::Published(root)) if root.digest == held.descriptor.digest));
//! assert_eq!(registries.calls(), [format!("push-manifest mirror.test/app:1 {}", held.descriptor.digest)]);
//! ```

mod host;
mod registries;
mod write;

pub use refkit_policy::testing::{Event, Names, Registry, platform, reference};
pub use registries::Registries;
