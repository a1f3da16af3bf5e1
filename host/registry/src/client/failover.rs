//! Failover: which hosts an operation asks, in which order, and which of their errors it returns.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use refkit_content::{Error, ErrorKind, Operation, Origin, WithOrigin, deadline};
use refkit_oci::Repository;
use tokio::time::Instant;

use super::Client;
use crate::endpoint::Endpoint;
use crate::hosts::{Capabilities, Host};

/// The repository and the operation, for error messages.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) operation: Operation,
    pub(crate) subject: &'a (dyn fmt::Display + Sync),
}

impl<'a> About<'a> {
    pub(crate) fn new(operation: Operation, subject: &'a (dyn fmt::Display + Sync)) -> Self {
        Self { operation, subject }
    }

    /// Returns the error for a failure that belongs to no host.
    fn error(self, kind: ErrorKind) -> Error {
        Error::new(self.operation, self.subject, kind)
    }

    /// Returns the error for a failure at an endpoint.
    pub(crate) fn error_at(self, endpoint: &Endpoint, kind: ErrorKind) -> Error {
        self.error(kind).at(endpoint.name())
    }
}

impl Client {
    /// Returns the hosts to ask for a repository, in order.
    pub(crate) fn endpoints(
        &self,
        repository: &Repository,
        can: impl Fn(Capabilities) -> bool,
    ) -> Result<Vec<Endpoint>, ErrorKind> {
        let registry = repository.registry();
        let hosts = self.inner.hosts.of(repository)?;
        let hosts: Vec<_> = hosts.into_iter().filter(|host| can(host.capabilities)).collect();
        let count = hosts.len();
        if count == 0 {
            return Err(ErrorKind::NoHost { registry: registry.to_owned() });
        }
        let endpoint = |(number, host): (usize, Arc<Host>)| {
            let path = host.repository(repository.path())?;
            Ok(Endpoint { registry: registry.to_owned(), host, path, last: number + 1 == count, base: None })
        };
        hosts.into_iter().enumerate().map(endpoint).collect()
    }

    /// Asks one host after the other until one of them returns a value. Of several errors it returns the most telling
    /// one, as containerd does: a host's message ranks before "not found", and that before a failed connection.
    pub(super) async fn each<T, F: Future<Output = Result<T, ErrorKind>>>(
        &self,
        about: About<'_>,
        repository: &Repository,
        can: impl Fn(Capabilities) -> bool,
        ask: impl Fn(Endpoint) -> F,
    ) -> Result<WithOrigin<T>, Error> {
        let whole = self.inner.timeouts.whole;
        let begin = Instant::now();
        let mut worst: Option<Error> = None;
        for endpoint in self.endpoints(repository, can).map_err(|kind| about.error(kind))? {
            match bounded(whole.saturating_sub(begin.elapsed()), ask(endpoint.clone())).await {
                Ok(value) => return Ok(WithOrigin { value, origin: Origin::Host(endpoint.name().into()) }),
                Err(kind) => {
                    if worst.as_ref().is_none_or(|worst| telling(&kind) > telling(&worst.kind)) {
                        worst = Some(about.error_at(&endpoint, kind));
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(|| about.error(ErrorKind::Other("no host was asked".to_owned()))))
    }

    /// Asks the host that receives writes. If settings allow it with and without TLS, as BuildKit's do, the client
    /// tries the second scheme when the first one does not connect.
    pub(crate) async fn at_writer<T, F: Future<Output = Result<T, ErrorKind>>>(
        &self,
        about: About<'_>,
        repository: &Repository,
        ask: impl Fn(Endpoint) -> F,
    ) -> Result<AtHost<T>, Error> {
        let endpoints = self.endpoints(repository, |can| can.push).map_err(|kind| about.error(kind))?;
        let mut last: Option<(String, Error)> = None;
        for endpoint in endpoints {
            let named = endpoint.name();
            if last.as_ref().is_some_and(|(name, _)| *name != named) {
                break;
            }
            let endpoint = Endpoint { last: true, ..endpoint };
            match self.within(ask(endpoint.clone())).await {
                Ok(value) => return Ok(AtHost { endpoint, value }),
                Err(kind) => {
                    let unreachable = matches!(
                        kind,
                        ErrorKind::Unreachable(_) | ErrorKind::Detour { .. } | ErrorKind::Protocol { .. }
                    );
                    last = Some((named, about.error_at(&endpoint, kind)));
                    if !unreachable {
                        break;
                    }
                }
            }
        }
        let none = || about.error(ErrorKind::Unsupported("no host is written to".to_owned()));
        Err(last.map_or_else(none, |(_, error)| error))
    }

    /// Bounds the time of a whole operation.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = Result<T, ErrorKind>>) -> Result<T, ErrorKind> {
        bounded(self.inner.timeouts.whole, work).await
    }
}

/// A value, and the host that returned it.
pub(crate) struct AtHost<T> {
    pub(crate) endpoint: Endpoint,
    pub(crate) value: T,
}

/// Runs some work within a time, and sets that time as the work's deadline.
async fn bounded<T>(time: Duration, work: impl Future<Output = Result<T, ErrorKind>>) -> Result<T, ErrorKind> {
    let Some(end) = Instant::now().checked_add(time) else { return work.await };
    tokio::time::timeout_at(end, deadline::within(end, work)).await.unwrap_or(Err(ErrorKind::Timeout(time)))
}

/// Returns the rank of an error; a higher one tells more.
fn telling(kind: &ErrorKind) -> u8 {
    match kind {
        ErrorKind::Unreachable(_)
        | ErrorKind::Detour { .. }
        | ErrorKind::Timeout(_)
        | ErrorKind::Certificate { .. }
        | ErrorKind::Protocol { .. } => 0,
        ErrorKind::NotFound => 1,
        _ => 2,
    }
}
