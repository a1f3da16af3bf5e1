//! The contract between policies and the host (`wit/`), as checked Rust types: requests, decisions, absences, denials,
//! failures, and what a policy says of itself. There is no WebAssembly and no I/O here.
//!
//! References, digests and platforms were parsed before they are in one of these types. Two parameters tell who speaks:
//! a [`Decision`] over [`Digest`](refkit_oci::Digest)s is a policy's, of which the host believes nothing else; a
//! decision over [`Descriptor`](refkit_oci::Descriptor)s has the host's own records in their place.
//!
//! ```
//! use refkit_contract::{Parts, Request, Selection};
//!
//! let request = Request::new("alpine:3".parse()?).platform("linux/arm64".parse()?).with_configs();
//! assert!(matches!(&request.selection, Selection::Platforms(platforms) if platforms.len() == 1));
//! assert_eq!(request.parts, Parts::CONFIGS);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod decision;
mod denial;
mod description;
mod failure;
mod footprint;
mod publication;
mod request;

pub use decision::{Absence, Decision, Image, Resolved, Step};
pub use denial::Denial;
pub use description::{Description, Level, Setting};
pub use failure::Failure;
pub use publication::{Annotation, AnnotationTarget, PublishDecision, PublishRequest, PublishSource};
pub use refkit_oci::{Content, ErrorCode};
pub use request::{Parts, Request, Selection};
