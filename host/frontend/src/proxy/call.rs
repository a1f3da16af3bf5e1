//! A call that the handler answers.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Uri, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use refkit_buildkit::{Body, Connection, MESSAGE_LIMIT};
use tonic::Status;

use super::body::Whole;
use super::{CallError, CallResponse};
use crate::grpc;

/// A call with one message, which the server has read as a whole.
pub struct Call {
    connection: Connection,
    uri: Uri,
    headers: HeaderMap,
    frame: Bytes,
    message: Bytes,
}

impl Call {
    /// Reads the message of a call.
    pub(super) async fn read(connection: Connection, request: Request<Incoming>) -> Result<Self, CallError> {
        let (parts, body) = request.into_parts();
        let (frame, _) = collect(body, grpc::check).await?;
        let message = grpc::message(&frame)?;
        Ok(Self { connection, uri: parts.uri, headers: parts.headers, frame, message })
    }

    /// Returns the path of the method, `/package.Service/Method`.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the encoded message.
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// Sends the call to BuildKit as it is, and returns BuildKit's response, whatever its status.
    ///
    /// # Errors
    /// [`CallError::Lost`] where BuildKit resets the stream; [`CallError::Refused`] where the connection has ended, or the
    /// response exceeds the limit for messages.
    pub async fn pass(&self) -> Result<CallResponse, CallError> {
        self.send(self.headers.clone(), self.frame.clone()).await
    }

    /// Sends the call to BuildKit with another message.
    ///
    /// # Errors
    /// Those of [`Call::pass`]; [`CallError::Refused`] where the message exceeds the limit for messages.
    pub async fn pass_with(&self, message: &[u8]) -> Result<CallResponse, CallError> {
        let mut headers = self.headers.clone();
        headers.remove(header::CONTENT_LENGTH);
        self.send(headers, grpc::frame(message)?).await
    }

    async fn send(&self, headers: HeaderMap, frame: Bytes) -> Result<CallResponse, CallError> {
        let mut request = Request::new(Body::from(Whole { data: frame, trailers: None }));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (Method::POST, self.uri.clone(), headers);
        let (head, body) = self.connection.send(request).await?.into_parts();
        let (body, trailers) = collect(body, |_| Ok(())).await?;
        Ok(CallResponse::from_parts(head, body, trailers))
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("path", &self.path()).field("bytes", &self.message.len()).finish_non_exhaustive()
    }
}

/// Reads a body of one message. Fails as soon as the bytes cannot be one message any more.
async fn collect(
    mut body: Incoming,
    check: impl Fn(&[u8]) -> Result<(), Status>,
) -> Result<(Bytes, Option<HeaderMap>), CallError> {
    let (mut bytes, mut trailers) = (BytesMut::new(), None);
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) if bytes.is_empty() => bytes = data.into(),
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        check(&bytes)?;
        if bytes.len() > grpc::PREFIX + MESSAGE_LIMIT {
            return Err(grpc::too_large(bytes.len()).into());
        }
    }
    Ok((bytes.freeze(), trailers))
}
