//! A connection to a server, made when it is needed, and again after it has ended.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Request;
use http::uri::{PathAndQuery, Scheme};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use refkit_buildkit::{Body, Connection, ConnectionError, readable};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;
use tonic::Status;
use tower_service::Service;

use super::{Address, Credentials, tls};

/// Why there is no client or no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The token has characters that no header can have.
    #[error("the token has characters that no token can have")]
    Token,
    /// A certificate or a key cannot be used.
    #[error("{0}")]
    Certificate(String),
    /// The server cannot be reached.
    #[error("{0}")]
    Unreachable(#[from] io::Error),
    /// The server does not speak HTTP/2.
    #[error("it does not speak HTTP/2: {0}")]
    Protocol(#[from] hyper::Error),
}

type Response = http::Response<UnsyncBoxBody<Bytes, Status>>;

/// The connection of a client. Clones share it.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

struct Inner {
    address: Address,
    tls: Option<Arc<ClientConfig>>,
    connection: Mutex<Option<Connection>>,
}

impl Channel {
    /// Returns a connection that the first call makes.
    ///
    /// # Errors
    /// [`ConnectError`] for certificates that cannot be used.
    pub fn new(address: Address, credentials: &Credentials) -> Result<Self, ConnectError> {
        let tls = matches!(address, Address::Tls(_)).then(|| tls::config(credentials)).transpose()?;
        Ok(Self(Arc::new(Inner { address, tls, connection: Mutex::new(None) })))
    }

    /// Returns the connection; one caller makes it, and the others wait.
    async fn connection(&self) -> Result<Connection, ConnectError> {
        let mut held = self.0.connection.lock().await;
        if let Some(connection) = held.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let connection = self.0.connect().await?;
        *held = Some(connection.clone());
        Ok(connection)
    }

    async fn send(&self, request: Request<Body>) -> Result<Response, Status> {
        let connection = self.connection().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let response = connection.send(request).await.map_err(lost)?;
        Ok(readable(response, lost_body))
    }
}

fn lost(error: hyper::Error) -> Status {
    Status::unavailable(ConnectionError::from(error).to_string())
}

fn lost_body(error: &hyper::Error) -> Status {
    Status::unavailable(format!("the connection broke: {error}"))
}

impl Inner {
    async fn connect(&self) -> Result<Connection, ConnectError> {
        let authority = match &self.address {
            Address::Unix(path) => return Ok(Connection::handshake(UnixStream::connect(path).await?).await?),
            Address::Plain(authority) | Address::Tls(authority) => authority,
        };
        let stream = TcpStream::connect(authority.as_str()).await?;
        stream.set_nodelay(true)?;
        let Some(config) = &self.tls else { return Ok(Connection::handshake(stream).await?) };
        let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|error| ConnectError::Certificate(error.to_string()))?;
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
        Ok(Connection::handshake(stream).await?)
    }
}

impl Service<Request<tonic::body::Body>> for Channel {
    type Response = Response;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let channel = self.clone();
        let mut request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        let scheme = if channel.0.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        parts.scheme = Some(scheme);
        parts.authority = match &channel.0.address {
            Address::Unix(_) => "localhost".parse().ok(),
            Address::Plain(authority) | Address::Tls(authority) => authority.parse().ok(),
        };
        parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
        *request.uri_mut() = http::Uri::from_parts(parts).unwrap_or_default();
        async move { channel.send(request).await }.boxed()
    }
}
