//! Option 3 of moby/buildkit issue #2944 as a library: [`Resolve`], [`Fetch`], [`Discover`] and [`Push`] with the
//! traversal on the caller's side, and stores for content that need no network.
//!
//! The functions and types with short names ([`fetch`](fetch()), [`Content`]) have verified digest and size.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

pub mod cache;
pub mod copy;
pub mod deadline;
pub mod disk;
pub mod error;
pub mod layout;
mod links;
pub mod memory;
pub mod once;
mod routed;
mod shared;
pub mod single_flight;
pub mod source;
mod timestamp;
pub mod verify;

pub use cache::{Cache, CacheOptions, Cached, Pull};
pub use copy::copy;
pub use disk::DiskCache;
pub use error::{Distrust, Error, ErrorKind, Operation, UngrantedWrite};
pub use layout::{Layout, LayoutReference, LayoutWriter};
pub use links::{is_fallback_tag, referrer};
pub use memory::Memory;
pub use refkit_oci::{Content, ErrorCode};
pub use routed::Routed;
pub use source::{Body, Discover, Fetch, Origin, Principal, Push, Resolve, Source, WithOrigin};
pub use timestamp::Timestamp;
pub use verify::{MANIFEST_LIMIT, fetch, verified};
