//! The client.

use std::fmt;
use std::sync::Arc;

use refkit_content::{Error, Operation, Origin, Problem};
use refkit_oci::Repository;

use crate::authorize::Authority;
use crate::builder::ClientBuilder;
use crate::endpoint::Endpoint;
use crate::tls::Clients;

/// A client of any number of registries, which keeps connections and tokens. Clones share them.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: ClientBuilder,
    pub(crate) clients: Clients,
    pub(crate) authority: Authority,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// Returns the settings to build a client from.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn new(settings: ClientBuilder) -> Self {
        let inner = Inner { settings, clients: Clients::default(), authority: Authority::default() };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn endpoint(&self, repository: &Repository) -> Result<Endpoint, Problem> {
        let registry = repository.registry();
        Endpoint::new(registry, (self.inner.settings.plain)(registry))
    }
}

/// What an operation is about, for its errors.
pub(crate) struct About<'a> {
    pub(crate) operation: Operation,
    pub(crate) subject: &'a (dyn fmt::Display + Sync),
    pub(crate) endpoint: &'a Endpoint,
}

impl About<'_> {
    /// Returns the error for a problem.
    pub(crate) fn error(&self, problem: Problem) -> Error {
        Error::new(self.operation, self.subject, problem).at(self.endpoint.host())
    }

    /// Returns the origin of what the endpoint answers.
    pub(crate) fn origin(&self) -> Origin {
        Origin::Host(self.endpoint.host().into())
    }
}
