//! What a call that was taken is answered with.

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use refkit_buildkit::Body;
use tonic::{Code, Status};

use super::body::Whole;
use crate::grpc;

/// An answer: BuildKit's own, to the byte, or one that is made here.
#[derive(Debug)]
pub struct Answer {
    head: Parts,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

impl Answer {
    pub(super) fn new(head: Parts, body: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self { head, body, trailers }
    }

    /// Returns an answer of a message.
    ///
    /// # Errors
    /// Where it is larger than a message may be.
    pub fn of(message: &[u8]) -> Result<Self, Status> {
        let (mut head, ()) = Response::new(()).into_parts();
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        let trailers = HeaderMap::from_iter([(Status::GRPC_STATUS, HeaderValue::from_static("0"))]);
        Ok(Self { head, body: grpc::frame(message)?, trailers: Some(trailers) })
    }

    /// Returns this answer with another message, and BuildKit's headers and trailers.
    ///
    /// # Errors
    /// Where it is larger than a message may be.
    pub fn with_message(mut self, message: &[u8]) -> Result<Self, Status> {
        self.body = grpc::frame(message)?;
        self.head.headers.remove(header::CONTENT_LENGTH);
        Ok(self)
    }

    /// Returns the headers.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.head.headers
    }

    /// Returns the status.
    pub fn status(&self) -> Status {
        let held = self.trailers.as_ref().and_then(grpc::status).or_else(|| grpc::status(&self.head.headers));
        held.unwrap_or_else(|| match self.head.status {
            StatusCode::OK => Status::unknown("BuildKit answered without a status"),
            other => Status::unknown(format!("BuildKit answered with the HTTP status {other}")),
        })
    }

    /// Returns whether the call succeeded.
    pub fn is_ok(&self) -> bool {
        let held = self.trailers.as_ref().and_then(grpc::code).or_else(|| grpc::code(&self.head.headers));
        held == Some(Code::Ok)
    }

    /// Returns the message.
    ///
    /// # Errors
    /// The status where that is not `OK`, and where the message cannot be read.
    pub fn message(&self) -> Result<Bytes, Status> {
        if !self.is_ok() {
            return Err(self.status());
        }
        grpc::message(&self.body)
            .map_err(|status| Status::internal(status.message().replace("the call", "BuildKit's answer")))
    }
}

impl From<Answer> for Response<Body> {
    fn from(Answer { head, body, trailers }: Answer) -> Self {
        Self::from_parts(head, Whole { data: body, trailers }.into())
    }
}
