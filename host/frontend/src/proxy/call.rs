//! A call that is taken.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Uri, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use refkit_buildkit::{Body, Connection, MESSAGE_LIMIT};
use tonic::Status;

use super::body::Whole;
use super::{Answer, Fault};
use crate::grpc;

/// A call of one message, read as a whole.
pub struct Call {
    connection: Connection,
    uri: Uri,
    headers: HeaderMap,
    frame: Bytes,
    message: Bytes,
}

impl Call {
    /// Reads the message of a call.
    pub(super) async fn read(connection: Connection, request: Request<Incoming>) -> Result<Self, Fault> {
        let (parts, body) = request.into_parts();
        let (frame, _) = collect(body, grpc::check).await?;
        let message = grpc::message(&frame)?;
        Ok(Self { connection, uri: parts.uri, headers: parts.headers, frame, message })
    }

    /// Returns the method that is called, as `/package.Service/Method`.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the message.
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// Passes the call on to BuildKit as it is, and returns BuildKit's answer, which may be a refusal.
    ///
    /// # Errors
    /// Where BuildKit does not answer, or with more than one message may have.
    pub async fn pass(&self) -> Result<Answer, Fault> {
        self.send(self.headers.clone(), self.frame.clone()).await
    }

    /// Passes the call on with another message.
    ///
    /// # Errors
    /// As [`Call::pass`], and where the message is larger than one may be.
    pub async fn pass_with(&self, message: &[u8]) -> Result<Answer, Fault> {
        let mut headers = self.headers.clone();
        headers.remove(header::CONTENT_LENGTH);
        self.send(headers, grpc::frame(message)?).await
    }

    async fn send(&self, headers: HeaderMap, frame: Bytes) -> Result<Answer, Fault> {
        let mut request = Request::new(Body::from(Whole { data: frame, trailers: None }));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (Method::POST, self.uri.clone(), headers);
        let (head, body) = self.connection.send(request).await?.into_parts();
        let (body, trailers) = collect(body, |_| Ok(())).await?;
        Ok(Answer::new(head, body, trailers))
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("path", &self.path()).field("bytes", &self.message.len()).finish_non_exhaustive()
    }
}

/// Reads a body of one message, or gives it up as soon as it cannot be one.
async fn collect(
    mut body: Incoming,
    check: impl Fn(&[u8]) -> Result<(), Status>,
) -> Result<(Bytes, Option<HeaderMap>), Fault> {
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
