//! The response to a handled call.

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use refkit_buildkit::Body;
use tonic::{Code, Status};

use super::body::Whole;
use crate::grpc;

/// A response with one message: BuildKit's own, byte for byte, or the handler's.
#[derive(Debug)]
pub struct CallResponse {
    head: Parts,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

impl CallResponse {
    pub(super) fn from_parts(head: Parts, body: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self { head, body, trailers }
    }

    /// Returns the response with an encoded message and the status `OK`.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` where the message exceeds the limit for messages.
    pub fn new(message: &[u8]) -> Result<Self, Status> {
        let (mut head, ()) = Response::new(()).into_parts();
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        let trailers = HeaderMap::from_iter([(Status::GRPC_STATUS, HeaderValue::from_static("0"))]);
        Ok(Self { head, body: grpc::frame(message)?, trailers: Some(trailers) })
    }

    /// Returns this response with another message, and with the same headers and trailers.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` where the message exceeds the limit for messages.
    pub fn with_message(mut self, message: &[u8]) -> Result<Self, Status> {
        self.body = grpc::frame(message)?;
        self.head.headers.remove(header::CONTENT_LENGTH);
        Ok(self)
    }

    /// Returns the headers, to be changed.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.head.headers
    }

    /// Returns the status of the call.
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

    /// Returns the encoded message.
    ///
    /// # Errors
    /// The response's status where that is not `OK`; `INTERNAL` where the message's frame is malformed.
    pub fn message(&self) -> Result<Bytes, Status> {
        if !self.is_ok() {
            return Err(self.status());
        }
        grpc::message(&self.body)
            .map_err(|status| Status::internal(status.message().replace("the call", "BuildKit's answer")))
    }
}

impl From<CallResponse> for Response<Body> {
    fn from(CallResponse { head, body, trailers }: CallResponse) -> Self {
        Self::from_parts(head, Whole { data: body, trailers }.into())
    }
}
