//! How many requests a host gets at once, how fast, and not before when: for all runs of a client together.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use refkit_content::ErrorKind;
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use url::Origin;

/// Requests at once, where nobody says otherwise: as many as Docker and containerd ask a registry at once.
const CONCURRENCY: usize = 4;

/// Gates that are kept before those that nobody waits at are thrown away. Registries may redirect to any number of
/// places.
const KEPT: usize = 256;

/// The gates of all hosts, by scheme, host and port.
#[derive(Default)]
pub(crate) struct Gates {
    gates: Mutex<HashMap<Origin, Arc<Gate>>>,
}

/// Where requests to one host wait for their turn, in lanes: what is read of a host may be what is written to it, and
/// may need a token of it first. None of them waits for a turn that another one of its own has.
pub(crate) struct Gate {
    lanes: [Arc<Semaphore>; 3],
    pace: Option<Turn<Interval>>,
    closed: Mutex<Option<Instant>>,
}

/// What a request is counted with. Who has a turn of one lane may wait in a later one, and nobody in an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Read,
    Write,
    Token,
}

/// A turn; the next one's comes when it goes.
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
    /// So that a gate is there as long as somebody has a turn.
    _gate: Arc<Gate>,
}

impl Gates {
    /// Returns the gate of an origin, with these settings where it is a new one.
    pub(crate) fn of(&self, origin: Origin, concurrency: Option<NonZeroUsize>, rate: Option<NonZeroU32>) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= KEPT {
            gates.retain(|_, gate| Arc::strong_count(gate) > 1 || gate.wait().is_some());
        }
        Arc::clone(gates.entry(origin).or_insert_with(|| Arc::new(Gate::new(concurrency, rate))))
    }
}

impl Gate {
    fn new(concurrency: Option<NonZeroUsize>, rate: Option<NonZeroU32>) -> Self {
        let places = concurrency.map_or(CONCURRENCY, NonZeroUsize::get).min(Semaphore::MAX_PERMITS);
        let pace = rate.map(|rate| {
            let mut pace = tokio::time::interval((Duration::from_secs(1) / rate.get()).max(Duration::from_nanos(1)));
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Turn::new(pace)
        });
        Self { lanes: [(); 3].map(|()| Arc::new(Semaphore::new(places))), pace, closed: Mutex::default() }
    }

    /// Waits for a turn.
    pub(crate) async fn enter(self: &Arc<Self>, lane: Lane) -> Result<Permit, ErrorKind> {
        let semaphore = match lane {
            Lane::Read => &self.lanes[0],
            Lane::Write => &self.lanes[1],
            Lane::Token => &self.lanes[2],
        };
        let permit = Arc::clone(semaphore).acquire_owned().await;
        let permit = permit.map_err(|error| ErrorKind::Other(error.to_string()))?;
        self.pass().await;
        Ok(Permit { _permit: permit, _gate: Arc::clone(self) })
    }

    /// Waits as who has a turn already: no longer than the host asks for.
    pub(crate) async fn pass(&self) {
        while let Some(wait) = self.wait() {
            tokio::time::sleep(wait).await;
        }
        if let Some(pace) = &self.pace {
            pace.lock().await.tick().await;
        }
    }

    /// Lets nobody in for so long: the host has said that it has had enough.
    pub(crate) fn close(&self, wait: Duration) {
        let Some(until) = Instant::now().checked_add(wait) else { return };
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |earlier| earlier.max(until)));
    }

    fn wait(&self) -> Option<Duration> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let left = closed.map(|until| until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
        if left.is_none() {
            *closed = None;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn gate(concurrency: usize, rate: u32) -> Arc<Gate> {
        Arc::new(Gate::new(NonZeroUsize::new(concurrency), NonZeroU32::new(rate)))
    }

    #[tokio::test]
    async fn so_many_at_once() {
        let gate = gate(2, 0);
        let held: Vec<_> = [gate.enter(Lane::Read).await, gate.enter(Lane::Read).await].into_iter().collect();
        assert!(gate.enter(Lane::Read).now_or_never().is_none());
        assert!(gate.enter(Lane::Write).now_or_never().is_some());
        drop(held);
        assert!(gate.enter(Lane::Read).now_or_never().is_some());
    }

    #[tokio::test]
    async fn so_many_a_second() {
        let (gate, begin) = (gate(10, 100), Instant::now());
        for _ in 0..9 {
            gate.enter(Lane::Read).await.unwrap();
        }
        assert!(begin.elapsed().as_millis() >= 80);
    }

    #[tokio::test]
    async fn not_before() {
        let (gate, begin) = (gate(1, 0), Instant::now());
        gate.close(Duration::from_millis(70));
        gate.close(Duration::from_millis(30));
        gate.enter(Lane::Read).await.unwrap();
        assert!(begin.elapsed().as_millis() >= 70);
    }
}
