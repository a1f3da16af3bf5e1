//! The rules of the workspace that a program can check.
#![forbid(unsafe_code)]

#[path = "rules/layers.rs"]
mod layers;
#[path = "rules/lints.rs"]
mod lints;
#[path = "rules/metadata.rs"]
mod metadata;
#[path = "rules/packages.rs"]
mod packages;
