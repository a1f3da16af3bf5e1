//! One HTTP/2 connection over any stream, of which this side is the client.

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

/// What a body or a service fails with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// How many bytes of one answer may be under way that nobody has read yet: 4 MiB, since on pipes between processes of
/// one machine a window that fills up costs a change of context and saves nothing.
const STREAM_WINDOW: u32 = 4 << 20;

/// The same for all answers together: 1 GiB, so much that the answers which nobody reads do not hold up the others.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// The most bytes of headers or trailers: 16 MiB, as grpc-go has it. BuildKit's errors carry whole Dockerfiles and
/// stack traces in a trailer.
const HEADERS_LIMIT: u32 = 16 << 20;

/// A connection. A clone is another handle on the same one; it ends with the last handle and the last call.
///
/// A call is given up by dropping the future that sends it, or the body of its answer: the stream is reset.
#[derive(Clone)]
pub struct Connection {
    sender: SendRequest<Body>,
    ended: Ended,
}

impl Connection {
    /// Starts HTTP/2 on a stream. Has to be called within a tokio runtime, which then drives the connection.
    ///
    /// # Errors
    /// When the stream fails already. A peer that does not speak HTTP/2 shows only later, by [`Connection::ended`].
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
            // The runtime is shutting down, and took the driver with it.
            Err(_) => Ok(()),
        }));
        Ok(Self { sender, ended })
    }

    /// Sends a request and returns the answer as soon as its headers are there. What the URI lacks of scheme and
    /// authority becomes `http` and `localhost`, as BuildKit's own clients have it.
    ///
    /// # Errors
    /// When the connection has ended, or ends before the answer comes, or the peer resets the stream.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, hyper::Error> {
        let uri = std::mem::take(request.uri_mut());
        *request.uri_mut() = absolute(uri);
        self.sender.clone().send_request(request).await
    }

    /// Returns what tells when the connection has ended, and how. It does not keep the connection open.
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
    // All three parts are there, and each is checked: that is all that makes a URI.
    Uri::from_parts(parts).unwrap_or_default()
}
