//! The client, and the content source, against a BuildKit in memory.
#![forbid(unsafe_code)]

#[path = "buildkit/calls.rs"]
mod calls;
#[path = "buildkit/hostile.rs"]
mod hostile;
#[path = "buildkit/source.rs"]
mod source;
