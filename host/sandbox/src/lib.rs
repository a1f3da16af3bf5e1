//! Runs policies in wasmtime, and knows nothing else: no registry, no chain, no budget over several policies.
//!
//! Three types, one after the other: an [`Engine`] is configured once, a [`Policy`] is compiled once, and every run
//! of it has a fresh store that nothing of an earlier run can be seen in.
//!
//! The crate's `unsafe` is what wasmtime demands for loading code that was compiled before or in another process; each
//! use says why it holds.
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod answer;
pub mod aot;
mod bindings;
pub mod compiler;
mod convert;
mod engine;
mod error;
mod host;
mod instance;
mod limits;
mod meter;
mod policy;
mod silent;
mod ticker;
mod view;
mod world;

pub use answer::Hold;
pub use aot::{AotCache, Shipped};
pub use compiler::{Compiler, CompilerProcess};
pub use engine::{Engine, EngineOptions, Permit};
pub use error::{EngineError, LoadError, RunError};
pub use host::{Copy, Host, PublishingHost};
pub use instance::Instance;
pub use limits::{Limits, Usage};
pub use policy::{CompiledPolicy, Policy, PublishingPolicy};
pub use world::{Publishing, Resolving, World};
