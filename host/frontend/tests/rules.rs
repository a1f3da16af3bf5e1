//! The rules, between a frontend and a BuildKit in memory: tables of calls, sources and policies, and what comes of them.
#![forbid(unsafe_code)]

#[path = "rules/calls.rs"]
mod calls;
#[path = "rules/client.rs"]
mod client;
#[path = "rules/policy.rs"]
mod policy;
#[path = "rules/requests.rs"]
mod requests;
#[path = "rules/sources.rs"]
mod sources;
