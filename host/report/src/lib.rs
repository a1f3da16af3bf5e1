//! What a person or a program reads about RefKit's answers: lines of text, trees, tables, units, JSON, and the
//! explanation of a run. The command, the frontend and the server print through this crate, so that one answer reads
//! the same everywhere.
//!
//! Every line that this crate returns is escaped: a registry or a policy cannot write terminal commands into it.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

pub mod cache;
mod document;
pub mod explain;
mod image_tree;
mod inspected;
pub mod json;
mod locked;
pub mod manifests;
mod message;
mod published;
mod refusal;
mod refused;
mod resolved;
mod run;
mod status;
mod tree;
pub mod units;

pub use document::DocumentSelector;
pub use image_tree::ImageTree;
pub use inspected::TooManyAttestations;
pub use locked::LockOutput;
pub use message::{ErrorMessage, denied};
pub use published::PublishResult;
pub use refkit_oci::escape::{Escaped, EscapedJson, EscapedLines};
pub use refusal::{Refusal, ungranted, ungranted_write};
pub use resolved::Requested;
pub use run::{Names, RunOutput, RunResult};
pub use status::Status;
pub use tree::{Tree, table};
