//! An HTTP/2 client connection over any stream.

mod ended;
mod service;

use std::fmt;

use bytes::Bytes;
use futures_util::FutureExt;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

pub use ended::{ConnectionError, Ended};
pub use service::readable;

/// The error of a body or a service.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The flow-control window of one response: 4 MiB. On a pipe between two processes of one machine, a full window costs a
/// context switch and saves nothing.
const STREAM_WINDOW: u32 = 4 << 20;

/// The flow-control window of all responses together: 1 GiB, so that unread responses do not delay the others.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// The most bytes of headers or trailers: 16 MiB, as in grpc-go. BuildKit's errors carry whole Dockerfiles and stack traces
/// in a trailer.
const HEADERS_LIMIT: u32 = 16 << 20;

/// A connection. Clones share it. The connection ends with the last handle and the last call.
///
/// A caller cancels a call by dropping the future that sends it, or the body of its response: the connection resets the
/// stream.
#[derive(Clone)]
pub struct Connection {
    sender: SendRequest<Body>,
    ended: Ended,
}

impl Connection {
    /// Starts HTTP/2 on a stream, within a tokio runtime, which then drives the connection.
    ///
    /// # Errors
    /// The I/O error of a stream that fails at once. The error of a server without HTTP/2 comes later, from
    /// [`Connection::ended`].
    pub async fn handshake<T>(stream: T) -> Result<Self, hyper::Error>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, driver) = Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADERS_LIMIT)
            .handshake(TokioIo::new(stream))
            .await?;
        let ended = Ended::new(tokio::spawn(driver).map(|end| match end {
            Ok(end) => end.map_err(ConnectionError::from),
            // The runtime is shutting down, and has aborted the driver.
            Err(_) => Ok(()),
        }));
        Ok(Self { sender, ended })
    }

    /// Sends a request, and returns the response as soon as its headers arrive. A missing scheme becomes `http`, and a
    /// missing authority `localhost`, as in BuildKit's own clients.
    ///
    /// # Errors
    /// The HTTP/2 error where the connection ends before the response, or the server resets the stream.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, hyper::Error> {
        let uri = std::mem::take(request.uri_mut());
        *request.uri_mut() = absolute(uri);
        self.sender.clone().send_request(request).await
    }

    /// Returns a future of the connection's end. The future does not keep the connection open.
    pub fn ended(&self) -> Ended {
        self.ended.clone()
    }

    /// Returns whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("closed", &self.is_closed()).finish()
    }
}

fn absolute(uri: Uri) -> Uri {
    let mut parts = uri.into_parts();
    parts.scheme.get_or_insert(Scheme::HTTP);
    parts.authority.get_or_insert(Authority::from_static("localhost"));
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    // All three parts are valid and present, which makes a valid URI.
    Uri::from_parts(parts).unwrap_or_default()
}
