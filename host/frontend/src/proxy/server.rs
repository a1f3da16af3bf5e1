//! The server that a frontend calls.

use std::convert::identity;
use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use refkit_buildkit::{Body, BoxError, Connection};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::Status;

use super::body::Streamed;
use super::tasks::{Ending, Tasks};
use super::{Call, CallError, CallResponse, Handler, Route};
use crate::grpc;

/// The most calls at a time. BuildKit accepts 250 by default; the proxy accepts more, so that a call that waits for
/// BuildKit does not delay one that the rules answer.
const STREAMS: u32 = 10_000;

/// How many bytes a call may send before the proxy reads them.
const STREAM_WINDOW: u32 = 4 << 20;

/// How many bytes all calls together may send before the proxy reads them. Unread calls then do not delay the others.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// The most bytes of a call's headers: the default of gRPC clients.
const HEADERS: u32 = 16 << 20;

/// Serves a frontend until it closes its stream. All its calls end with the returned future, a dropped one too.
///
/// # Errors
/// The HTTP/2 error of a frontend that sends something else, and the I/O error of a stream that breaks.
pub async fn serve<S, H>(stream: S, connection: Connection, handler: Arc<H>) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let tasks = Tasks::default();
    let _ending = Ending(tasks.clone());
    let service = service_fn(move |request| answer(connection.clone(), Arc::clone(&handler), request));
    Builder::new(tasks)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADERS)
        // A cancelled build resets all its calls.
        .max_pending_accept_reset_streams(STREAMS as usize)
        .max_local_error_reset_streams(None)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

/// Answers a call, or returns the error that resets its stream.
async fn answer<H: Handler>(
    connection: Connection,
    handler: Arc<H>,
    request: Request<Incoming>,
) -> Result<Response<Body>, BoxError> {
    if request.method() != Method::POST {
        let status = Status::unimplemented(format!("{} is no method of gRPC", request.method()));
        return CallError::from(status).into_response();
    }
    let answered = match handler.route(request.uri().path(), request.headers()) {
        Route::Pass => pass(&connection, request).await,
        Route::Handle => handle(connection, &*handler, request).await.map(Into::into),
        Route::Refuse(status) => Err(status.into()),
    };
    answered.or_else(CallError::into_response)
}

async fn pass(connection: &Connection, request: Request<Incoming>) -> Result<Response<Body>, CallError> {
    let (head, body) = request.into_parts();
    let mut passed = Request::new(Streamed(body).into());
    (*passed.method_mut(), *passed.uri_mut(), *passed.headers_mut()) = (head.method, head.uri, head.headers);
    Ok(connection.send(passed).await?.map(|body| Streamed(body).into()))
}

async fn handle<H: Handler>(
    connection: Connection,
    handler: &H,
    request: Request<Incoming>,
) -> Result<CallResponse, CallError> {
    let timeout = grpc::timeout(request.headers())?;
    let answered = async { handler.handle(Call::read(connection, request).await?).await };
    match timeout {
        None => answered.await,
        Some(timeout) => tokio::time::timeout(timeout, answered)
            .await
            .map_err(|_| Status::deadline_exceeded(format!("the call took more than its {timeout:?}")).into())
            .and_then(identity),
    }
}
