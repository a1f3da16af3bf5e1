//! What BuildKit does without RefKit: it shows that these tests see what they are to see, and is what the builds
//! behind RefKit are compared with.
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

/// The platforms that the images are made for.
const PLATFORMS: [&str; 4] = ["linux/amd64", "linux/amd64/v2", "linux/arm64", "linux/arm/v7"];
