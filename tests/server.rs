//! Tests of the services over a socket, with memory or a registry that misbehaves behind them.
#![forbid(unsafe_code)]

#[path = "server/buildkit.rs"]
mod buildkit;
#[path = "server/deadlines.rs"]
mod deadlines;
#[path = "server/fetch.rs"]
mod fetch;
#[path = "server/images.rs"]
mod images;
#[path = "server/lists.rs"]
mod lists;
#[path = "server/malformed.rs"]
mod malformed;
#[path = "server/push.rs"]
mod push;
#[path = "server/random.rs"]
mod random;
#[path = "server/remote.rs"]
mod remote;
#[path = "server/resolve.rs"]
mod resolve;
#[path = "server/rules.rs"]
mod rules;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "server/stand.rs"]
mod stand;
#[path = "server/standard.rs"]
mod standard;
