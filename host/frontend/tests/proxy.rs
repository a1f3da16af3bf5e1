//! The proxy between a frontend and BuildKit, with both of them in memory, and with real children.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test compares its environment with a child's, and bounds its channels by what it sends"
)]

#[path = "proxy/cancel.rs"]
mod cancel;
#[path = "proxy/child.rs"]
mod child;
#[path = "proxy/ends.rs"]
mod ends;
#[path = "proxy/flow.rs"]
mod flow;
#[path = "proxy/hostile.rs"]
mod hostile;
#[path = "proxy/noise.rs"]
mod noise;
#[path = "proxy/pass.rs"]
mod pass;
#[path = "proxy/run.rs"]
mod run;
#[path = "proxy/stdio.rs"]
mod stdio;
#[path = "proxy/take.rs"]
mod take;
