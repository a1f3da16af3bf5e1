//! A server beside a real BuildKit: the Go module of `host/server/go` asks it for a build.
#![forbid(unsafe_code)]

mod meta;
mod policy;
mod server;
