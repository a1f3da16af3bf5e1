//! The client against registries that do as they are told, and against real ones.
#![forbid(unsafe_code)]

#[path = "registry/access.rs"]
mod access;
#[path = "registry/ask.rs"]
mod ask;
#[path = "registry/docker.rs"]
mod docker;
#[path = "registry/hostile.rs"]
mod hostile;
#[path = "registry/hosts.rs"]
mod hosts;
#[path = "registry/lists.rs"]
mod lists;
#[path = "registry/push.rs"]
mod push;
#[path = "registry/real.rs"]
mod real;
#[path = "registry/requests.rs"]
mod requests;
