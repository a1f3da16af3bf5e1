//! Tests of the `.proto` files and of what is generated from them.
#![forbid(unsafe_code)]

#[path = "proto/generate.rs"]
mod generate;
