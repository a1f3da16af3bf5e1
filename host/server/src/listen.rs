//! Listeners: sockets, TLS, connections and their limits.
//!
//! `socket` binds, `tls` reads certificates, `accept` takes connections, and `connection` serves one. What is behind a
//! listener is a [`Handler`].

mod accept;
mod common_name;
mod connection;
mod socket;
mod tls;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::body::Body;
use crate::settings::{self, Listener};

pub(crate) use accept::Accepting;
pub(crate) use socket::Socket;

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its address, for messages: `127.0.0.1:40000`, or `unix`.
    pub(crate) address: String,
    /// The user of the process at the other end of a unix socket.
    pub(crate) uid: Option<u32>,
    /// The names in its certificate, which a trusted root has signed.
    pub(crate) certificate: Option<Arc<[String]>>,
    /// Whether the listener admits clients that do not say who they are.
    pub(crate) anonymous: bool,
}

/// A response that is on its way.
pub(crate) type Responding = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// What answers the requests of a listener.
pub(crate) trait Handler: Send + Sync + 'static {
    /// The name of the listener's kind in logs and metrics.
    fn kind(&self) -> &'static str;

    /// Answers a request.
    fn handle(&self, request: Request<Incoming>, peer: Arc<Peer>) -> Responding;
}

/// Returns when a listener has to stop, or its server is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Both results mean the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// How a listener treats connections. A reload replaces it; connections that are open keep the old one.
pub(crate) struct Manner {
    tls: Option<TlsAcceptor>,
    anonymous: bool,
    connections: usize,
    header_timeout: Duration,
    idle_timeout: Duration,
}

impl Manner {
    /// Reads the certificates of a listener. It blocks.
    ///
    /// # Errors
    /// The error of a file that cannot be used.
    pub(crate) fn read(listener: &Listener, server: &settings::Server) -> Result<Self, refkit_config::ConfigError> {
        let optional = server.credentials.are_there();
        let tls = listener.tls.as_ref().map(|files| tls::acceptor(files, optional)).transpose()?;
        Ok(Self {
            tls,
            anonymous: listener.admits_anonymous(),
            connections: server.connections.value as usize,
            header_timeout: server.header_timeout.value,
            idle_timeout: server.idle_timeout.value,
        })
    }
}
