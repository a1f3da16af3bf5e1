//! The `.proto` files of this crate: the generated code comes from them, and they agree with BuildKit's own.
#![forbid(unsafe_code)]

#[path = "proto/agree.rs"]
mod agree;
#[path = "proto/generate.rs"]
mod generate;
