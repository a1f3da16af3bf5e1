//! The settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Client;
use crate::credentials::{CredentialSource, NoCredentials};
use crate::hosts::Hosts;
use crate::names::{Names, SystemNames};
use crate::proxy::Proxies;
use crate::push::Uploads;
use crate::retry::Retries;

/// How long a client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the head of an answer, once there is a connection.
    pub head: Duration,
    /// For the next piece of a body.
    pub idle: Duration,
    /// For the whole of an operation, with all hosts and repetitions; of a blob, until its first byte.
    pub whole: Duration,
}

/// 10 s, 30 s, 30 s and 5 minutes.
impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), head: seconds(30), idle: seconds(30), whole: seconds(300) }
    }
}

/// What a client is built from.
#[derive(Clone)]
pub struct ClientBuilder {
    pub(crate) credentials: Arc<dyn CredentialSource>,
    pub(crate) hosts: Hosts,
    pub(crate) timeouts: Timeouts,
    pub(crate) retries: Retries,
    pub(crate) proxies: Proxies,
    pub(crate) names: Arc<dyn Names>,
    pub(crate) roots: Vec<u8>,
    pub(crate) system_roots: bool,
    pub(crate) uploads: Uploads,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            credentials: Arc::new(NoCredentials),
            hosts: Hosts::default(),
            timeouts: Timeouts::default(),
            retries: Retries::default(),
            proxies: Proxies::default(),
            names: Arc::new(SystemNames),
            roots: Vec::new(),
            system_roots: true,
            uploads: Uploads::default(),
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

    /// Sets which hosts answer for registries. Without it each registry answers for itself, with TLS unless it is on
    /// this machine.
    #[must_use]
    pub fn hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// Sets how long the client waits.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets what is asked again, and when.
    #[must_use]
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the proxies that requests go through; without it there are none.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Sets where the addresses of names come from; without it this system knows them.
    #[must_use]
    pub fn names(mut self, names: Arc<dyn Names>) -> Self {
        self.names = names;
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

    /// Sets how blobs are sent.
    #[must_use]
    pub fn uploads(mut self, uploads: Uploads) -> Self {
        self.uploads = uploads;
        self
    }

    /// Returns the client. Nothing is read and nobody is asked before the first request.
    pub fn build(self) -> Client {
        Client::new(self)
    }
}
