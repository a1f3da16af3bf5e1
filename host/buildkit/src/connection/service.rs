//! The connection as the service that tonic's client calls.

use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Frame, Incoming};
use tonic::Status;
use tower_service::Service;

use super::Connection;
use super::ended::innermost;

impl Service<Request<tonic::body::Body>> for Connection {
    type Response = Response<UnsyncBoxBody<Bytes, Status>>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let connection = self.clone();
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        async move {
            let response = connection.send(request).await.map_err(|error| lost(&error))?;
            Ok(readable(response, lost))
        }
        .boxed()
    }
}

/// The trailer with the details of a status.
const DETAILS: &str = "grpc-status-details-bin";

/// Returns a response that tonic can read: without the details of a status that are not base64, at which tonic panics.
/// `lost` makes the status of a body that breaks.
pub fn readable(
    mut response: Response<Incoming>,
    lost: impl Fn(&hyper::Error) -> Status + Send + 'static,
) -> Response<UnsyncBoxBody<Bytes, Status>> {
    remove_malformed(response.headers_mut());
    let plain = |mut frame: Frame<Bytes>| {
        if let Some(trailers) = frame.trailers_mut() {
            remove_malformed(trailers);
        }
        frame
    };
    response.map(|body| body.map_frame(plain).map_err(move |error| lost(&error)).boxed_unsync())
}

fn remove_malformed(headers: &mut HeaderMap) {
    let Some(value) = headers.remove(DETAILS) else { return };
    let text = value.as_bytes();
    let end = text.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    let plain = text.get(..end).filter(|text| STANDARD_NO_PAD.decode(text).is_ok());
    if let Some(Ok(value)) = plain.map(HeaderValue::from_bytes) {
        headers.insert(DETAILS, value);
    }
}

/// Returns the status of a call whose connection has ended.
fn lost(error: &hyper::Error) -> Status {
    Status::unavailable(format!("the connection to BuildKit broke: {}", innermost(error)))
}
