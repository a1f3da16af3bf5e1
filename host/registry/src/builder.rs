//! The settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Client;
use crate::credentials::{CredentialSource, NoCredentials};
use crate::endpoint;

/// How long a client waits. The whole of an operation is bounded by who calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the head of an answer, once there is a connection.
    pub head: Duration,
    /// For the next piece of a body.
    pub idle: Duration,
}

/// 10 s, 30 s and 30 s.
impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), head: Duration::from_secs(30), idle: Duration::from_secs(30) }
    }
}

pub(crate) type Plain = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What a client is built from.
#[derive(Clone)]
pub struct ClientBuilder {
    pub(crate) credentials: Arc<dyn CredentialSource>,
    pub(crate) plain: Plain,
    pub(crate) timeouts: Timeouts,
    pub(crate) roots: Vec<u8>,
    pub(crate) system_roots: bool,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            credentials: Arc::new(NoCredentials),
            plain: Arc::new(endpoint::is_local),
            timeouts: Timeouts::default(),
            roots: Vec::new(),
            system_roots: true,
        }
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Sets where credentials come from; without it there are none.
    #[must_use]
    pub fn credentials(mut self, source: Arc<dyn CredentialSource>) -> Self {
        self.credentials = source;
        self
    }

    /// Sets which registries are asked without TLS, by the name that references carry. Without it those of this
    /// machine are: `localhost`, `127.0.0.0/8` and `[::1]`.
    #[must_use]
    pub fn plain_http(mut self, plain: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.plain = Arc::new(plain);
        self
    }

    /// Sets how long the client waits.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Trusts further certificates (PEM), beside those of the system.
    #[must_use]
    pub fn roots(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = pem.into();
        self
    }

    /// Sets whether the system's certificates are trusted; they are unless this says otherwise.
    #[must_use]
    pub fn system_roots(mut self, trusted: bool) -> Self {
        self.system_roots = trusted;
        self
    }

    /// Returns the client. Nothing is read and nobody is asked before the first request.
    pub fn build(self) -> Client {
        Client::new(self)
    }
}
