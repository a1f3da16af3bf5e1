//! The server: starts, reloads and drains.

mod running;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use crate::error::StartError;
use crate::grpc::Grpc;
use crate::metrics::Metrics;
use crate::policies::CompiledPolicies;
use crate::settings::Address;
use crate::swap::Swap;
use crate::{Means, State};
use running::{Bound, Kind, Running};

/// What the server is told while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// To read its settings and policies again.
    Reload,
    /// To finish the requests that it has, and to end.
    Stop,
}

/// What all listeners share.
pub(crate) struct Shared {
    state: Swap<State>,
    metrics: Arc<Metrics>,
    ready: AtomicBool,
    /// A reload keeps what they remember of their callers.
    services: Grpc,
}

impl Shared {
    /// Returns the present state. A request takes it once.
    pub(crate) fn state(&self) -> Arc<State> {
        self.state.get()
    }

    /// Returns the services of gRPC.
    pub(crate) fn services(&self) -> &Grpc {
        &self.services
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns whether the server takes requests.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}

/// A server that listens.
pub struct Server {
    means: Means,
    compiled: CompiledPolicies,
    shared: Arc<Shared>,
    running: Vec<Running>,
    /// Listeners that the settings no longer have, while their requests go on.
    ending: Vec<Running>,
}

impl Server {
    /// Loads everything, and listens. Clients that connect now are served.
    ///
    /// # Errors
    /// [`StartError`]: nothing listens then.
    pub async fn start(means: Means) -> Result<Self, StartError> {
        let (compiled, metrics) = (CompiledPolicies::default(), Metrics::new());
        let state = State::reload(&means, &compiled, &metrics, None).await?;
        let bound = running::bind(&state, &[]).await?;
        metrics.loaded();
        log_notes(&state);
        let (state, ready, services) = (Swap::new(state), AtomicBool::new(true), Grpc::default());
        let shared = Arc::new(Shared { state, metrics, ready, services });
        let mut server = Self { means, compiled, shared, running: Vec::new(), ending: Vec::new() };
        server.take(bound);
        Ok(server)
    }

    /// Returns the addresses on which it listens, with the ports that the system has chosen, by the kind of the listener:
    /// `grpc`, `metrics`.
    pub fn addresses(&self) -> Vec<(&'static str, Address)> {
        self.running.iter().map(|one| (one.kind.name(), one.address.clone())).collect()
    }

    /// Serves until it is told to stop, or until nobody can tell it any more. Then it takes no more connections, and ends
    /// once all requests have ended, or when the time for that is over.
    pub async fn run(mut self, mut events: mpsc::Receiver<Event>) {
        let mut pending = None;
        loop {
            let event = match pending.take() {
                Some(event) => Some(event),
                None => events.recv().await,
            };
            let Some(Event::Reload) = event else { break };
            let loaded = tokio::select! {
                loaded = self.load() => loaded,
                () = stopped(&mut events, &mut pending) => break,
            };
            self.reloaded(loaded);
        }
        self.drain(&mut events).await;
    }

    async fn load(&self) -> Result<(State, Vec<Bound>), StartError> {
        let present = self.shared.state();
        let state = State::reload(&self.means, &self.compiled, &self.shared.metrics, Some(&present)).await?;
        let bound = running::bind(&state, &self.running).await?;
        Ok((state, bound))
    }

    fn reloaded(&mut self, loaded: Result<(State, Vec<Bound>), StartError>) {
        match loaded {
            Ok((state, bound)) => {
                log_notes(&state);
                let state = Arc::new(state);
                self.shared.state.set(Arc::clone(&state));
                self.shared.metrics.loaded();
                self.shared.metrics.reloaded("loaded");
                self.take(bound);
                tracing::info!(target: "refkit::server", file = %state.settings().file.display(), "reloaded");
            }
            Err(error) => {
                self.shared.metrics.reloaded("refused");
                for line in error.to_string().lines() {
                    tracing::error!(target: "refkit::server", error = line, "not reloaded: the old settings stay");
                }
            }
        }
    }

    /// Makes the listeners those of the present state: starts new ones, gives the others their new certificates, and
    /// stops those that the settings no longer have.
    fn take(&mut self, mut bound: Vec<Bound>) {
        let state = self.shared.state();
        let mut before = std::mem::take(&mut self.running);
        for ((kind, listener), manner) in running::listeners(state.settings()).zip(state.manners()) {
            let same = before.iter().position(|one| one.is(kind, &listener.address.value));
            if let Some(place) = same {
                let one = before.swap_remove(place);
                one.manner.set(Arc::clone(manner));
                self.running.push(one);
            } else if let Some(place) = bound.iter().position(|one| one.is(kind, &listener.address.value)) {
                self.running.push(bound.swap_remove(place).start(Arc::clone(manner), &self.shared));
            }
        }
        before.iter().for_each(Running::stop);
        self.ending.extend(before);
        self.ending.retain(|one| !one.has_ended());
    }

    async fn drain(self, events: &mut mpsc::Receiver<Event>) {
        self.shared.ready.store(false, Ordering::Relaxed);
        let limit = self.shared.state().settings().server.drain_timeout.value;
        tracing::info!(target: "refkit::server", limit_s = limit.as_secs_f64(), "draining");
        // Health and metrics can be asked until the others have ended.
        let (last, first): (Vec<_>, Vec<_>) = self.running.into_iter().partition(|one| one.kind == Kind::Metrics);
        let first = first.into_iter().chain(self.ending).collect();
        let all = async {
            for group in [first, last] {
                group.iter().for_each(Running::stop);
                for one in group {
                    one.ended().await;
                }
            }
        };
        // Told a second time, it ends at once. If nobody can tell it, it waits.
        let told = async {
            while let Some(event) = events.recv().await {
                if event == Event::Stop {
                    return;
                }
            }
            std::future::pending().await
        };
        tokio::select! {
            () = all => tracing::info!(target: "refkit::server", "ended"),
            () = tokio::time::sleep(limit) => tracing::warn!(target: "refkit::server", "ended before all requests had"),
            () = told => tracing::warn!(target: "refkit::server", "ended before all requests had"),
        }
    }
}

fn log_notes(state: &State) {
    for note in state.notes() {
        tracing::warn!(target: "refkit::server", note, "probably not meant");
    }
}

/// Returns when the server is told to stop; keeps another reload for later.
async fn stopped(events: &mut mpsc::Receiver<Event>, pending: &mut Option<Event>) {
    while let Some(Event::Reload) = events.recv().await {
        *pending = Some(Event::Reload);
    }
}

/// Returns the error of a listener.
fn listen_error(address: &Address, source: io::Error) -> StartError {
    StartError::Listen { address: address.to_string(), source }
}
