//! The client, and how an operation goes from host to host.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use refkit_content::flight::Flights;
use refkit_content::{Content, Error, ErrorKind, Operation, Origin, WithOrigin, deadline};
use refkit_oci::{Descriptor, Reference, Repository};
use tokio::time::Instant;

use crate::authorize::Authority;
use crate::builder::ClientBuilder;
use crate::endpoint::Endpoint;
use crate::gate::Gates;
use crate::hosts::Capabilities;
use crate::push::Ways;
use crate::tls::Clients;

/// A client of any number of registries, which keeps connections and tokens. Clones share them, and how many requests
/// a host gets at once.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: ClientBuilder,
    pub(crate) clients: Clients,
    pub(crate) gates: Gates,
    pub(crate) authority: Authority,
    pub(crate) ways: Ways,
    pub(crate) resolving: Flights<Reference, Result<WithOrigin<Descriptor>, Error>>,
    pub(crate) pulling: Flights<Reference, Result<WithOrigin<Content>, Error>>,
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
        let inner = Inner {
            settings,
            clients: Clients::default(),
            gates: Gates::default(),
            authority: Authority::default(),
            ways: Ways::default(),
            resolving: Flights::default(),
            pulling: Flights::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Returns the hosts that are asked for a repository, in order.
    pub(crate) fn endpoints(
        &self,
        repository: &Repository,
        can: impl Fn(Capabilities) -> bool,
    ) -> Result<Vec<Endpoint>, ErrorKind> {
        let registry = repository.registry();
        let hosts = self.inner.settings.hosts.of(repository)?;
        let hosts: Vec<_> = hosts.into_iter().filter(|host| can(host.capabilities)).collect();
        let count = hosts.len();
        if count == 0 {
            let text = format!("no host of {registry} is allowed to do this: see `refkit hosts {repository}`");
            return Err(ErrorKind::Unsupported(text));
        }
        let endpoint = |(number, host): (usize, Arc<crate::hosts::Host>)| {
            let path = host.repository(repository.path())?;
            Ok(Endpoint { registry: registry.to_owned(), host, path, last: number + 1 == count, base: None })
        };
        hosts.into_iter().enumerate().map(endpoint).collect()
    }

    /// Asks one host after the other until there is an answer. Of several errors the most telling one is returned, as
    /// containerd has it: what a host says, then that it has nothing, then that it cannot be asked.
    pub(crate) async fn each<T, F: Future<Output = Result<T, ErrorKind>>>(
        &self,
        (operation, subject): (Operation, &(dyn fmt::Display + Sync)),
        repository: &Repository,
        can: impl Fn(Capabilities) -> bool,
        ask: impl Fn(Endpoint) -> F,
    ) -> Result<WithOrigin<T>, Error> {
        let fail = |problem| Error::new(operation, subject, problem);
        let whole = self.inner.settings.timeouts.whole;
        let begin = Instant::now();
        let mut worst: Option<Error> = None;
        for endpoint in self.endpoints(repository, can).map_err(fail)? {
            let about = About { operation, subject, endpoint: &endpoint };
            match bounded(whole.saturating_sub(begin.elapsed()), ask(endpoint.clone())).await {
                Ok(value) => return Ok(WithOrigin { value, origin: about.origin() }),
                Err(problem) => {
                    if worst.as_ref().is_none_or(|worst| telling(&problem) > telling(&worst.kind)) {
                        worst = Some(about.error(problem));
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(|| fail(ErrorKind::Other("nobody was asked".to_owned()))))
    }

    /// Bounds the whole of an operation.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = Result<T, ErrorKind>>) -> Result<T, ErrorKind> {
        bounded(self.inner.settings.timeouts.whole, work).await
    }

    /// Does something at the host that is written to. Where it can be spoken to in two ways, with TLS or without, as
    /// BuildKit has it, the second one is for when there is no connection by the first.
    pub(crate) async fn at_writer<T, F: Future<Output = Result<T, ErrorKind>>>(
        &self,
        (operation, subject): (Operation, &(dyn fmt::Display + Sync)),
        repository: &Repository,
        ask: impl Fn(Endpoint) -> F,
    ) -> Result<(Endpoint, T), Error> {
        let fail = |problem| Error::new(operation, subject, problem);
        let endpoints = self.endpoints(repository, |can| can.push).map_err(fail)?;
        let mut last = None;
        for endpoint in endpoints {
            let named = endpoint.name();
            if last.as_ref().is_some_and(|(name, _)| *name != named) {
                break;
            }
            let endpoint = Endpoint { last: true, ..endpoint };
            match self.within(ask(endpoint.clone())).await {
                Ok(value) => return Ok((endpoint, value)),
                Err(problem) => {
                    let unreachable = matches!(problem, ErrorKind::Unreachable(_) | ErrorKind::Protocol { .. });
                    let about = About { operation, subject, endpoint: &endpoint };
                    last = Some((named, about.error(problem)));
                    if !unreachable {
                        break;
                    }
                }
            }
        }
        Err(last.map_or_else(|| fail(ErrorKind::Unsupported("no host is written to".to_owned())), |(_, error)| error))
    }
}

/// Does something within a time, and lets it know.
async fn bounded<T>(time: Duration, work: impl Future<Output = Result<T, ErrorKind>>) -> Result<T, ErrorKind> {
    let Some(end) = Instant::now().checked_add(time) else { return work.await };
    tokio::time::timeout_at(end, deadline::within(end, work)).await.unwrap_or(Err(ErrorKind::Timeout(time)))
}

/// Returns how much a problem tells.
fn telling(problem: &ErrorKind) -> u8 {
    match problem {
        ErrorKind::Unreachable(_)
        | ErrorKind::Timeout(_)
        | ErrorKind::Certificate { .. }
        | ErrorKind::Protocol { .. } => 0,
        ErrorKind::NotFound => 1,
        _ => 2,
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
    pub(crate) fn error(&self, problem: ErrorKind) -> Error {
        Error::new(self.operation, self.subject, problem).at(self.endpoint.name())
    }

    /// Returns the origin of what the endpoint answers.
    pub(crate) fn origin(&self) -> Origin {
        Origin::Host(self.endpoint.name().into())
    }
}
