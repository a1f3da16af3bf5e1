//! The server that a frontend speaks to.

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
use super::{Answer, Call, Calls, Fault, Way};
use crate::grpc;

/// The most calls at a time. BuildKit bears 250 by default; the others wait for it, and hold up nobody.
const STREAMS: u32 = 10_000;

/// What a call may send ahead of who reads it.
const STREAM_WINDOW: u32 = 4 << 20;

/// What all calls may: so much that those which nobody reads do not hold up the others.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// The most bytes of the headers of a call: what the clients of gRPC bear by default.
const HEADERS: u32 = 16 << 20;

/// Serves a frontend until it closes its stream, and ends its calls then. Given up, it ends them as well.
///
/// # Errors
/// Where what the frontend sends is no HTTP/2, and where its stream breaks.
pub async fn serve<S, C>(stream: S, connection: Connection, calls: Arc<C>) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    C: Calls,
{
    let tasks = Tasks::default();
    let _ending = Ending(tasks.clone());
    let service = service_fn(move |request| answer(connection.clone(), Arc::clone(&calls), request));
    Builder::new(tasks)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADERS)
        // A build that is cancelled resets all it has.
        .max_pending_accept_reset_streams(STREAMS as usize)
        .max_local_error_reset_streams(None)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

/// Answers a call, or says what its stream is reset with.
async fn answer<C: Calls>(
    connection: Connection,
    calls: Arc<C>,
    request: Request<Incoming>,
) -> Result<Response<Body>, BoxError> {
    if request.method() != Method::POST {
        let status = Status::unimplemented(format!("{} is no method of gRPC", request.method()));
        return Fault::from(status).into_response();
    }
    let answered = match calls.way(request.uri().path(), request.headers()) {
        Way::Pass => pass(&connection, request).await,
        Way::Take => take(connection, &*calls, request).await.map(Into::into),
        Way::Refuse(status) => Err(status.into()),
    };
    answered.or_else(Fault::into_response)
}

async fn pass(connection: &Connection, request: Request<Incoming>) -> Result<Response<Body>, Fault> {
    let (head, body) = request.into_parts();
    let mut passed = Request::new(Streamed(body).into());
    (*passed.method_mut(), *passed.uri_mut(), *passed.headers_mut()) = (head.method, head.uri, head.headers);
    Ok(connection.send(passed).await?.map(|body| Streamed(body).into()))
}

async fn take<C: Calls>(connection: Connection, calls: &C, request: Request<Incoming>) -> Result<Answer, Fault> {
    let timeout = grpc::timeout(request.headers())?;
    let answered = async { calls.answer(Call::read(connection, request).await?).await };
    match timeout {
        None => answered.await,
        Some(timeout) => tokio::time::timeout(timeout, answered)
            .await
            .map_err(|_| Status::deadline_exceeded(format!("the call took more than its {timeout:?}")).into())
            .and_then(identity),
    }
}
