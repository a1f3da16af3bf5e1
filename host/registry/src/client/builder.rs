//! The settings of a client.

use std::fmt;
use std::sync::Arc;

use super::{Client, Uploads};
use crate::credentials::{CredentialSource, NoCredentials};
use crate::hosts::Hosts;
use crate::http::names::{Names, SystemNames};
use crate::http::observer::Observer;
use crate::http::{Proxies, Timeouts};
use crate::retry::Retries;

/// The settings of a client.
#[derive(Clone)]
pub struct ClientBuilder {
    pub(super) credentials: Arc<dyn CredentialSource>,
    pub(super) hosts: Hosts,
    pub(super) timeouts: Timeouts,
    pub(super) retries: Retries,
    pub(super) proxies: Proxies,
    pub(super) names: Arc<dyn Names>,
    pub(super) roots: Vec<u8>,
    pub(super) system_roots: bool,
    pub(super) uploads: Uploads,
    pub(super) observer: Option<Arc<dyn Observer>>,
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
            observer: None,
        }
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Sets the source of credentials; by default there are none.
    #[must_use]
    pub fn credentials(mut self, source: Arc<dyn CredentialSource>) -> Self {
        self.credentials = source;
        self
    }

    /// Sets the hosts that serve registries. By default each registry serves itself, with TLS unless it is on this
    /// machine.
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

    /// Sets how often, and when, the client sends a request again.
    #[must_use]
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the proxies that requests go through; by default there are none.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Sets the resolver of names; by default it is that of the system.
    #[must_use]
    pub fn names(mut self, names: Arc<dyn Names>) -> Self {
        self.names = names;
        self
    }

    /// Trusts further root certificates (PEM), beside those of the system.
    #[must_use]
    pub fn roots(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = pem.into();
        self
    }

    /// Sets whether the client trusts the system's root certificates; by default it does.
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

    /// Sets who sees the requests.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Returns the client. It reads no file and sends no request before its first operation.
    pub fn build(self) -> Client {
        Client::new(self)
    }
}
