//! How long a client waits.

use std::time::Duration;

/// How long a client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The time for connecting, TLS included.
    pub connect: Duration,
    /// The time for the head of a response, once there is a connection.
    pub head: Duration,
    /// The time for the next piece of a body.
    pub idle: Duration,
    /// The time for the whole of an operation, with all hosts and repetitions; of a blob, until its first byte.
    pub whole: Duration,
}

/// 10 s, 30 s, 30 s and 5 minutes.
impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), head: seconds(30), idle: seconds(30), whole: seconds(300) }
    }
}
