//! A server of `LLBBridge`: HTTP/2 over a pipe in memory, and replies from a function.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt, future, stream};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use prost::Message;
use refkit_buildkit::{Bridge, Connection};
use tokio::sync::oneshot;

/// The server's reply to a call.
pub enum Reply {
    /// An encoded message.
    Message(Vec<u8>),
    /// A gRPC status code and its message.
    Status(i32, String),
    /// Bytes in the place of a gRPC frame.
    Bytes(Vec<u8>),
    /// A status with this many bytes of details.
    Details(usize),
    /// The headers and a part of a message. The rest never comes.
    Stalled,
    /// No reply.
    Never,
}

impl Reply {
    /// Returns the reply with a message.
    pub fn message(message: &impl Message) -> Self {
        Self::Message(message.encode_to_vec())
    }

    /// Returns the reply with the status `Unknown`, which BuildKit has for nearly every error.
    pub fn unknown(text: &str) -> Self {
        Self::Status(2, text.to_owned())
    }
}

/// The calls that their client reset before the server replied.
#[derive(Clone, Default)]
pub struct GivenUp(Arc<Mutex<Vec<String>>>);

impl GivenUp {
    /// Returns the methods of these calls.
    pub fn calls(&self) -> Vec<String> {
        self.0.lock().clone()
    }
}

struct Watch(Option<(GivenUp, String)>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((given_up, method)) = self.0.take() {
            given_up.0.lock().push(method);
        }
    }
}

/// Returns a client of a server whose replies a function makes from method and message.
pub async fn bridge(answer: impl Fn(&str, Bytes) -> Reply + Send + Sync + 'static) -> Bridge {
    Bridge::new(connection(answer, GivenUp::default()).await.0)
}

/// Returns a connection to such a server, and the sender that ends the server.
pub async fn connection(
    answer: impl Fn(&str, Bytes) -> Reply + Send + Sync + 'static,
    given_up: GivenUp,
) -> (Connection, oneshot::Sender<()>) {
    let (near, far) = tokio::io::duplex(64 << 10);
    let (stop, stopped) = oneshot::channel();
    let answer = Arc::new(answer);
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, given_up) = (Arc::clone(&answer), given_up.clone());
        async move { Ok::<_, Infallible>(serve(&*answer, given_up, request).await) }
    });
    tokio::spawn(async move {
        let mut server = http2::Builder::new(TokioExecutor::new());
        let serving = server.max_header_list_size(16 << 20).serve_connection(TokioIo::new(far), service);
        // A dropped sender does not end the server.
        let stopped = stopped.then(|stop| async move {
            if stop.is_err() {
                future::pending::<()>().await;
            }
        });
        tokio::select! { _ = serving => {}, () = stopped => {} }
    });
    (Connection::handshake(near).await.unwrap(), stop)
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn serve(
    answer: &(impl Fn(&str, Bytes) -> Reply + ?Sized),
    given_up: GivenUp,
    request: Request<Incoming>,
) -> Response<Body> {
    assert_eq!(request.uri().scheme_str(), Some("http"));
    assert_eq!(request.uri().authority().map(|authority| authority.as_str()), Some("localhost"));
    let method = request.uri().path().trim_start_matches("/moby.buildkit.v1.frontend.LLBBridge/").to_owned();
    let mut watch = Watch(Some((given_up, method.clone())));
    let Ok(sent) = request.into_body().collect().await else { return Response::new(body(Vec::new(), 1, "", 0)) };
    let sent = sent.to_bytes();
    let message = sent.slice(5.min(sent.len())..);
    let reply = answer(&method, message);
    let response = match reply {
        Reply::Message(message) => body(frame(&message), 0, "", 0),
        Reply::Status(code, text) => body(Vec::new(), code, &text, 0),
        Reply::Bytes(bytes) => body(bytes, 0, "", 0),
        Reply::Details(size) => body(Vec::new(), 2, "details", size),
        Reply::Never => future::pending().await,
        Reply::Stalled => {
            let first = stream::iter([Ok(Frame::data(Bytes::from_static(&[0, 0, 0, 1, 0, 1])))]);
            let rest = stream::once(async move {
                let _watch = watch;
                future::pending().await
            });
            let mut response = Response::new(StreamBody::new(first.chain(rest)).boxed_unsync());
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            return response;
        }
    };
    watch.0 = None;
    let mut response = Response::new(response);
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(message.len() as u32);
    bytes.put_slice(message);
    bytes.to_vec()
}

fn body(data: Vec<u8>, code: i32, text: &str, details: usize) -> Body {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code));
    let text: String = text.bytes().map(escaped).collect();
    trailers.insert("grpc-message", HeaderValue::from_str(&text).unwrap());
    if details > 0 {
        trailers.insert("grpc-status-details-bin", HeaderValue::from_str(&"A".repeat(details)).unwrap());
    }
    let pieces: Vec<_> = data.chunks(16 << 10).map(|piece| Frame::data(Bytes::copy_from_slice(piece))).collect();
    let frames = pieces.into_iter().chain([Frame::trailers(trailers)]).map(Ok::<_, Infallible>);
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

fn escaped(byte: u8) -> String {
    if (0x20..0x7f).contains(&byte) && byte != b'%' { (byte as char).to_string() } else { format!("%{byte:02X}") }
}
