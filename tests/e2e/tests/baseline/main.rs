//! Builds without RefKit: they show that these tests can detect differences, and are the reference for the builds
//! behind RefKit.
#![forbid(unsafe_code)]

mod cache;
mod contexts;
mod credentials;
mod deaths;
mod dockerfiles;
mod frontends;
mod mirrors;
mod outputs;
mod pinned;
mod reading;
mod unresolved;

/// The platforms of the images.
const PLATFORMS: [&str; 4] = ["linux/amd64", "linux/amd64/v2", "linux/arm64", "linux/arm/v7"];
