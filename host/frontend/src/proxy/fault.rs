//! What a call ends with that is not answered.

use refkit_buildkit::{Body, BoxError};
use tonic::Status;

/// What a call ends with that is not answered.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It is refused with a status.
    #[error("{}: {}", .0.code(), .0.message())]
    Refused(#[from] Status),
    /// BuildKit, or the frontend, has reset its stream: so does the other side, for the same reason.
    #[error("the call broke off: {0}")]
    Lost(#[source] BoxError),
}

impl From<hyper::Error> for Fault {
    fn from(error: hyper::Error) -> Self {
        if error.is_closed() || error.is_canceled() {
            return Self::Refused(Status::unavailable("the connection to BuildKit has ended"));
        }
        Self::Lost(error.into())
    }
}

impl Fault {
    /// Returns the answer that the caller gets, or what its stream is reset with.
    pub(super) fn into_response(self) -> Result<http::Response<Body>, BoxError> {
        match self {
            Self::Refused(status) => Ok(status.into_http()),
            Self::Lost(error) => Err(error),
        }
    }
}
