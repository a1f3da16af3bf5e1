//! A connection as tonic's client wants it.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Frame;
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
            let mut response = connection.send(request).await.map_err(|error| lost(&error))?;
            response.headers_mut().remove(DETAILS);
            let plain = |mut frame: Frame<Bytes>| {
                if let Some(trailers) = frame.trailers_mut() {
                    trailers.remove(DETAILS);
                }
                frame
            };
            Ok(response.map(|body| body.map_frame(plain).map_err(|error| lost(&error)).boxed_unsync()))
        }
        .boxed()
    }
}

/// What stands beside a status. Nobody reads it here, and tonic's reader panics where it is no base64.
const DETAILS: &str = "grpc-status-details-bin";

/// Returns the status of a call that the connection lost.
fn lost(error: &hyper::Error) -> Status {
    Status::unavailable(format!("the connection to BuildKit broke: {}", innermost(error)))
}
