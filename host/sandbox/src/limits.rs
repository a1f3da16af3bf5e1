//! The limits of one run of one policy, and its usage.

use std::time::Duration;

/// The bounds of one run of one policy. Each is data, each has a default, and each ends in its own error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Processor time of the guest, and of the host's work for it: what it waits for does not count, nor does the copy of
    /// content.
    pub cpu: Duration,
    /// Wall-clock time, waiting included.
    pub wall: Duration,
    /// Bytes of linear memory, all memories of the component together.
    pub memory: u64,
    /// Elements of all tables together.
    pub table_elements: u64,
    /// Bytes that one host call or the outcome may hand over.
    pub transfer: u64,
    /// Bytes of all answers of one `-all` call together.
    pub answers: u64,
    /// Calls of any import. An `-all` counts as the questions that it asks.
    pub host_calls: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A Rust policy needs under a millisecond, one in Python some hundred.
            cpu: Duration::from_secs(2),
            wall: Duration::from_secs(120),
            // A Python policy starts with about 20 MiB.
            memory: 64 << 20,
            table_elements: 100_000,
            // An outcome with 1,000 images has about 300 KiB.
            transfer: 1 << 20,
            // Four contents of the largest size. The manifests of 1,000 images have about 2 MiB.
            answers: 16 << 20,
            host_calls: 100_000,
        }
    }
}

/// What one run of one policy used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time in the guest, and in the host's work for it, as [`Limits::cpu`] counts it.
    pub cpu: Duration,
    /// Time from instantiation to the answer.
    pub wall: Duration,
    /// The most bytes of linear memory at any time.
    pub memory: u64,
    /// Calls of any import, each question of an `-all` counted.
    pub host_calls: u64,
}
