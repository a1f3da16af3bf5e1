//! The client, and content by way of a build, against a BuildKit that does as it is told.
#![forbid(unsafe_code)]

#[path = "buildkit/calls.rs"]
mod calls;
#[path = "buildkit/hostile.rs"]
mod hostile;
#[path = "buildkit/images.rs"]
mod images;
#[path = "buildkit/peer.rs"]
mod peer;
#[path = "buildkit/source.rs"]
mod source;
