//! A BuildKit in memory: it serves `LLBBridge` over HTTP/2, answers from tables, and records its calls.
//!
//! - [`peer`] is any server of `LLBBridge`: a function answers its calls.
//! - [`FakeBuildkit`] is such a server that reaches one image in every repository, a layout and an artifact; [`documents`]
//!   makes their documents.

pub mod documents;
mod fake;
pub mod peer;
mod solve;

pub use fake::{FakeBuildkit, NAME, OWN, Request, pong};
pub use peer::{GivenUp, Reply};
