//! The listeners of a running server.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Shared, listen_error};
use crate::State;
use crate::error::StartError;
use crate::grpc_listener::GrpcListener;
use crate::listen::{Accepting, Handler, Manner, Socket};
use crate::monitor::Monitor;
use crate::settings::{Address, Listener, Settings};
use crate::swap::Swap;

/// What is behind a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Grpc,
    Metrics,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Metrics => "metrics",
        }
    }

    fn handler(self, shared: &Arc<Shared>) -> Arc<dyn Handler> {
        let shared = Arc::clone(shared);
        match self {
            Self::Grpc => Arc::new(GrpcListener { shared }),
            Self::Metrics => Arc::new(Monitor { shared }),
        }
    }
}

/// Returns the listeners of the settings, in the order of
/// [`settings::Server::listeners`](crate::settings::Server::listeners).
pub(super) fn listeners(settings: &Settings) -> impl Iterator<Item = (Kind, &Listener)> {
    let server = &settings.server;
    let grpc = server.grpc.iter().map(|listener| (Kind::Grpc, listener));
    grpc.chain(server.metrics.iter().map(|listener| (Kind::Metrics, listener)))
}

/// A socket that nobody accepts from yet.
pub(super) struct Bound {
    kind: Kind,
    wanted: Address,
    address: Address,
    socket: Socket,
}

/// A listener that takes connections.
pub(super) struct Running {
    pub(super) kind: Kind,
    /// The address in the settings.
    wanted: Address,
    pub(super) address: Address,
    pub(super) manner: Arc<Swap<Manner>>,
    stop: watch::Sender<bool>,
    task: Task,
}

/// A task that ends when it is dropped.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Binds the listeners that are not running yet.
pub(super) async fn bind(state: &State, running: &[Running]) -> Result<Vec<Bound>, StartError> {
    let mut bound = Vec::new();
    let mut running: Vec<&Running> = running.iter().collect();
    for (kind, listener) in listeners(state.settings()) {
        let wanted = listener.address.value.clone();
        if let Some(place) = running.iter().position(|one| one.is(kind, &wanted)) {
            running.swap_remove(place);
            continue;
        }
        let socket = Socket::bind(listener).await.map_err(|error| listen_error(&wanted, error))?;
        let address = socket.address().map_err(|error| listen_error(&wanted, error))?;
        bound.push(Bound { kind, wanted, address, socket });
    }
    Ok(bound)
}

impl Bound {
    pub(super) fn is(&self, kind: Kind, wanted: &Address) -> bool {
        self.kind == kind && self.wanted == *wanted
    }

    pub(super) fn start(self, manner: Arc<Manner>, shared: &Arc<Shared>) -> Running {
        let Self { kind, wanted, address, socket } = self;
        tracing::info!(target: "refkit::server", listener = kind.name(), %address, "listening");
        let (manner, (stop, stopped)) = (Arc::new(Swap::of(manner)), watch::channel(false));
        let (handler, metrics) = (kind.handler(shared), Arc::clone(&shared.metrics));
        let accepting = Accepting { socket, manner: Arc::clone(&manner), handler, metrics };
        let task = Task(tokio::spawn(accepting.run(stopped)));
        Running { kind, wanted, address, manner, stop, task }
    }
}

impl Running {
    pub(super) fn is(&self, kind: Kind, wanted: &Address) -> bool {
        self.kind == kind && self.wanted == *wanted
    }

    /// Takes no more connections; requests that have begun go on.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns whether all its connections have ended.
    pub(super) fn has_ended(&self) -> bool {
        self.task.0.is_finished()
    }

    /// Returns once all its connections have ended.
    pub(super) async fn ended(mut self) {
        // A listener that panicked has ended as well.
        let _ = (&mut self.task.0).await;
    }
}
