//! The two ends of a proxy: a frontend that calls, a BuildKit that responds, and handlers for the proxy between them.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use refkit_buildkit::{Body, BoxError, Connection};
use refkit_frontend::proxy::{Call, CallError, CallResponse, Handler, Route, serve};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// The most calls at a time that BuildKit accepts.
const STREAMS: u32 = 250;

/// The flow-control window of a stream, as in grpc-go.
const STREAM_WINDOW: u32 = 64 << 10;

/// The flow-control window of a connection, so large that no call delays another one.
const CONNECTION_WINDOW: u32 = 1 << 30;

pub type Messages = mpsc::Sender<Result<Frame<Bytes>, BoxError>>;
pub type Replied = Result<Response<Body>, BoxError>;

/// Waits for a future, and fails where it hangs.
pub async fn bounded<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it hangs")
}

/// Starts a BuildKit on a stream.
pub fn buildkit<F: Future<Output = Replied> + Send + 'static>(
    stream: DuplexStream,
    answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
) -> JoinHandle<()> {
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        let service = service_fn(move |request| answer(request));
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.max_concurrent_streams(STREAMS).max_header_list_size(1 << 20).auto_date_header(false);
        builder.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        _ = builder.serve_connection(TokioIo::new(stream), service).await;
    })
}

/// Starts a frontend on a stream.
pub async fn frontend(stream: DuplexStream) -> SendRequest<Body> {
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.max_header_list_size(16 << 20).initial_max_send_streams(1000);
    builder.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
    let (client, connection) = builder.handshake(TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(connection);
    client
}

/// A frontend, a proxy and a BuildKit, joined.
pub struct Ends {
    pub frontend: SendRequest<Body>,
    pub connection: Connection,
    pub proxy: JoinHandle<Result<(), hyper::Error>>,
    pub buildkit: JoinHandle<()>,
}

pub async fn joined<C: Handler, F: Future<Output = Replied> + Send + 'static>(
    calls: C,
    answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
) -> Ends {
    let (near, far) = duplex(64 << 10);
    let buildkit = buildkit(far, answer);
    let connection = Connection::handshake(near).await.expect("a connection");
    let (near, far) = duplex(64 << 10);
    let proxy = tokio::spawn(serve(near, connection.clone(), Arc::new(calls)));
    Ends { frontend: frontend(far).await, connection, proxy, buildkit }
}

impl Ends {
    pub async fn call(&self, request: Request<Body>) -> Result<Response<Incoming>, hyper::Error> {
        bounded(self.frontend.clone().send_request(request)).await
    }

    /// Calls, and returns the whole response.
    pub async fn whole(&self, request: Request<Body>) -> Whole {
        read(self.call(request).await.expect("an answer")).await
    }
}

/// A response or a request that was read to its end.
#[derive(Debug)]
pub struct Whole {
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: Option<HeaderMap>,
}

pub async fn read(response: Response<Incoming>) -> Whole {
    let (head, body) = response.into_parts();
    let collected = bounded(body.collect()).await.expect("a whole body");
    let trailers = collected.trailers().cloned();
    Whole { headers: head.headers, body: collected.to_bytes(), trailers }
}

impl Whole {
    /// Returns the status, from the headers or the trailers.
    pub fn status(&self) -> tonic::Status {
        let held = self.trailers.as_ref().and_then(tonic::Status::from_header_map);
        held.or_else(|| tonic::Status::from_header_map(&self.headers)).expect("a status")
    }
}

/// Returns the frame of a message.
pub fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("a length"));
    frame.put_slice(message);
    frame.freeze()
}

/// Returns a body of frames.
pub fn body(frames: Vec<Frame<Bytes>>) -> Body {
    StreamBody::new(stream::iter(frames.into_iter().map(Ok::<_, BoxError>))).boxed_unsync()
}

/// Returns a body, and the sender of its frames.
pub fn channel() -> (Messages, Body) {
    let (sender, receiver) = mpsc::channel(1);
    let frames = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    (sender, StreamBody::new(frames).boxed_unsync())
}

pub fn call(path: &str, body: Body) -> Request<Body> {
    Request::post(format!("http://localhost{path}"))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .header(header::USER_AGENT, "grpc-go/1.78.0")
        .body(body)
        .expect("a request")
}

/// Returns a call with one message.
pub fn unary(path: &str, message: &[u8]) -> Request<Body> {
    call(path, body(vec![Frame::data(framed(message))]))
}

pub fn headers(of: &[(&str, &str)]) -> HeaderMap {
    let name = |name: &str| name.parse::<HeaderName>().expect("a name");
    of.iter().map(|(key, value)| (name(key), HeaderValue::from_str(value).expect("a value"))).collect()
}

/// Returns a successful response with one message.
pub fn reply(message: &[u8]) -> Response<Body> {
    let trailers = headers(&[("grpc-status", "0")]);
    let response = Response::builder().header(header::CONTENT_TYPE, "application/grpc");
    response.body(body(vec![Frame::data(framed(message)), Frame::trailers(trailers)])).expect("a response")
}

/// Answers a call with its own messages.
pub async fn echo(request: Request<Incoming>) -> Replied {
    let (sender, stream) = channel();
    tokio::spawn(async move {
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            match frame {
                // HTTP/2 peers accept only a limited number of empty frames.
                Ok(frame) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
                Ok(frame) => _ = sender.send(Ok(frame)).await,
                Err(error) => {
                    _ = sender.send(Err(error.into())).await;
                    return;
                }
            }
        }
        _ = sender.send(Ok(Frame::trailers(headers(&[("grpc-status", "0")])))).await;
    });
    let response = Response::builder().header(header::CONTENT_TYPE, "application/grpc");
    Ok(response.body(stream)?)
}

/// A handler that passes every call.
pub struct PassAll;

impl Handler for PassAll {
    fn route(&self, _: &str, _: &HeaderMap) -> Route {
        Route::Pass
    }

    async fn handle(&self, call: Call) -> Result<CallResponse, CallError> {
        call.pass().await
    }
}

/// A handler that answers the calls of `/take/…` by a function, and passes the others.
pub struct Take<F>(pub F);

impl<F, A> Handler for Take<F>
where
    F: Fn(Call) -> A + Send + Sync + 'static,
    A: Future<Output = Result<CallResponse, CallError>> + Send,
{
    fn route(&self, path: &str, _: &HeaderMap) -> Route {
        if path.starts_with("/refuse/") {
            return Route::Refuse(tonic::Status::unimplemented(format!("there is no {path}")));
        }
        if path.starts_with("/take/") { Route::Handle } else { Route::Pass }
    }

    async fn handle(&self, call: Call) -> Result<CallResponse, CallError> {
        self.0(call).await
    }
}

/// A guard that reports when it is dropped.
pub struct Dropped(Option<oneshot::Sender<()>>);

pub fn dropped() -> (Dropped, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    (Dropped(Some(sender)), receiver)
}

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            _ = sender.send(());
        }
    }
}
