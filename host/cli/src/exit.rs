//! The exit code of the command.

use refkit_report::Status;

/// The exit code of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// The output holds everything that the user asked for.
    Resolved = 0,
    /// A part of the output is missing.
    Failed = 1,
    /// The command line is invalid, by itself or to a policy.
    Usage = 2,
    /// A policy denied the reference or an image.
    Denied = 3,
    /// SIGINT stopped the command.
    Interrupted = 130,
    /// SIGTERM stopped the command.
    Terminated = 143,
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Resolved => Self::Resolved,
            Status::Failed => Self::Failed,
            Status::Invalid => Self::Usage,
            Status::Denied => Self::Denied,
        }
    }
}
