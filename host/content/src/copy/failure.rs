//! The error of a copy, which names the side that failed.

use std::fmt;

use crate::{Error, ErrorCode, Operation};

/// A side of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The side that the copy reads from.
    Source,
    /// The side that the copy pushes to.
    Destination,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Destination => "destination",
        })
    }
}

/// A copy failed at one of its sides.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
#[non_exhaustive]
pub struct CopyError {
    /// The side that failed.
    pub side: Side,
    /// Its error.
    #[source]
    pub error: Error,
}

impl CopyError {
    /// Returns an error of the source.
    pub fn at_source(error: Error) -> Self {
        Self { side: Side::Source, error }
    }

    /// Returns an error of the destination.
    pub fn at_destination(error: Error) -> Self {
        Self { side: Side::Destination, error }
    }

    /// Returns the error of a push. A push returns the error of its body unchanged, and any other error is the
    /// destination's own; see [`Push::push_blob`](crate::Push::push_blob).
    pub(super) fn of_push(error: Error, body_broke: bool) -> Self {
        let of_body = body_broke || error.operation == Operation::Fetch;
        if of_body { Self::at_source(error) } else { Self::at_destination(error) }
    }

    /// Returns the kind of failure.
    pub fn code(&self) -> ErrorCode {
        self.error.code()
    }
}

impl From<CopyError> for Error {
    fn from(failed: CopyError) -> Self {
        failed.error
    }
}
