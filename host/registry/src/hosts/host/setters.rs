//! Setters for the settings of a host and of its TLS.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::super::{Network, Rewrite};
use super::{Capabilities, Host, Identity, Tls};

impl Host {
    /// Sets the name under which the credentials for this host are stored.
    #[must_use]
    pub fn credentials(mut self, credentials: impl Into<String>) -> Self {
        self.credentials = credentials.into();
        self
    }

    /// Sets what the client may ask the host.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Sets whether requests carry the registry's name as `?ns=`.
    #[must_use]
    pub fn names_registry(mut self, names_registry: bool) -> Self {
        self.names_registry = names_registry;
        self
    }

    /// Sets the rules that rename repositories at this host.
    #[must_use]
    pub fn rewrites(mut self, rewrites: Vec<Rewrite>) -> Self {
        self.rewrites = rewrites;
        self
    }

    /// Sets the settings of TLS.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Sets the headers of every request to this host.
    #[must_use]
    pub fn headers(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the timeout for connecting.
    #[must_use]
    pub fn connect(mut self, connect: impl Into<Option<Duration>>) -> Self {
        self.connect = connect.into();
        self
    }

    /// Sets the most requests at once.
    #[must_use]
    pub fn concurrency(mut self, concurrency: impl Into<Option<NonZeroUsize>>) -> Self {
        self.concurrency = concurrency.into();
        self
    }

    /// Sets the most requests a second.
    #[must_use]
    pub fn rate(mut self, rate: impl Into<Option<NonZeroU32>>) -> Self {
        self.rate = rate.into();
        self
    }

    /// Sets the private addresses that the redirects and token realms of this host may lead to.
    #[must_use]
    pub fn allow_private(mut self, allow_private: Vec<Network>) -> Self {
        self.allow_private = allow_private;
        self
    }
}

impl Tls {
    /// Sets whether the client accepts any certificate.
    #[must_use]
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    /// Sets the files of further root certificates.
    #[must_use]
    pub fn roots(mut self, roots: Vec<PathBuf>) -> Self {
        self.roots = roots;
        self
    }

    /// Sets the client's own certificates.
    #[must_use]
    pub fn identities(mut self, identities: Vec<Identity>) -> Self {
        self.identities = identities;
        self
    }
}

impl Identity {
    /// Returns the client certificate in a file, with its key in a file that may be the same.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { certificate: certificate.into(), key: key.into() }
    }
}
