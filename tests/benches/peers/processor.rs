//! Runs a program to its end, and measures its processor time.

use std::ffi::{c_int, c_long};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::clients::Says;

/// A client's command, with its own home, which is removed afterwards.
pub struct Measured {
    /// The command.
    pub command: Command,
    /// The form of its output.
    pub says: Says,
    /// Its home.
    pub home: tempfile::TempDir,
}

/// A command that has succeeded.
pub struct Ran {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// The form of the output.
    pub says: Says,
    /// User and system time.
    pub processor_time: Duration,
}

impl Measured {
    /// Runs the command to its end. No other child of this process may end in the meantime.
    ///
    /// # Errors
    /// An error if the command cannot start or fails, with the last line of its output.
    pub fn run(&mut self) -> anyhow::Result<Ran> {
        let before = processor_time_of_children();
        let command = self.command.stdin(Stdio::null()).current_dir(self.home.path());
        let output = command.output().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let processor_time = processor_time_of_children().saturating_sub(before);
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("{}: {}", output.status, errors.trim_end().lines().last().unwrap_or_default());
        }
        Ok(Ran { stdout: output.stdout, says: self.says, processor_time })
    }
}

/// `struct rusage` of Linux: two times of two words, and fourteen unused words.
#[repr(C)]
struct ResourceUsage {
    user: [c_long; 2],
    system: [c_long; 2],
    rest: [c_long; 14],
}

/// `RUSAGE_CHILDREN`: children that have ended and were waited for, and their descendants.
const CHILDREN: c_int = -1;

/// Returns the processor time of all children so far. The standard library does not report it when it waits for a
/// child, and `/proc` counts in hundredths of a second.
#[allow(unsafe_code)]
fn processor_time_of_children() -> Duration {
    unsafe extern "C" {
        fn getrusage(who: c_int, usage: *mut ResourceUsage) -> c_int;
    }
    let mut usage = ResourceUsage { user: [0; 2], system: [0; 2], rest: [0; 14] };
    // SAFETY: the C library fills a `struct rusage`, whose size and layout this struct has.
    let result = unsafe { getrusage(CHILDREN, &raw mut usage) };
    assert_eq!(result, 0, "the one error is a wrong `who`");
    let time = |[seconds, microseconds]: [c_long; 2]| {
        Duration::from_secs(seconds.unsigned_abs()) + Duration::from_micros(microseconds.unsigned_abs())
    };
    time(usage.user) + time(usage.system)
}
