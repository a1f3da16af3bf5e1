//! The end of a call without a response.

use refkit_buildkit::{Body, BoxError};
use tonic::Status;

/// The end of a call without a response.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The client gets a status.
    #[error("{}: {}", .0.code(), .0.message())]
    Refused(#[from] Status),
    /// BuildKit or the frontend has reset its stream. The proxy resets the other stream for the same reason.
    #[error("the call broke off: {0}")]
    Lost(#[source] BoxError),
}

impl From<hyper::Error> for CallError {
    fn from(error: hyper::Error) -> Self {
        if error.is_closed() || error.is_canceled() {
            return Self::Refused(Status::unavailable("the connection to BuildKit has ended"));
        }
        Self::Lost(error.into())
    }
}

impl CallError {
    /// Returns the response with the status, or the error that resets the client's stream.
    pub(super) fn into_response(self) -> Result<http::Response<Body>, BoxError> {
        match self {
            Self::Refused(status) => Ok(status.into_http()),
            Self::Lost(error) => Err(error),
        }
    }
}
