//! Limits for the requests to one host: requests at once, requests a second, and the pause that its `Retry-After`
//! names. All runs of a client share them.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use refkit_content::ErrorKind;
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use url::{Origin, Url};

use crate::endpoint::Endpoint;

/// Requests at once, unless settings say otherwise: as many as Docker and containerd send to one registry.
const CONCURRENCY: usize = 4;

/// How many limiters are kept before the idle ones are dropped. Redirects may lead to any number of hosts.
const KEPT: usize = 256;

/// The limiters of all hosts, by scheme, host and port.
#[derive(Default)]
pub(crate) struct Limiters {
    limiters: Mutex<HashMap<Origin, Arc<Limiter>>>,
}

/// Limits the requests to one host. Reads, writes and token requests have separate limits, so that an upload that reads
/// from the same host, or that needs a token from it, cannot deadlock.
pub(crate) struct Limiter {
    slots: [Arc<Semaphore>; 3],
    pace: Option<AsyncMutex<Interval>>,
    paused: Mutex<Option<Instant>>,
}

/// The kinds of requests with a limit each. A task that holds a slot of one class may wait for a slot of a later
/// class, and never for one of an earlier class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Read,
    Write,
    Token,
}

/// A slot of a limiter. Dropping it frees the slot.
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
    /// Keeps the limiter among those in use.
    _limiter: Arc<Limiter>,
}

impl Limiters {
    /// Returns the limiter of a URL's host. The settings of the endpoint count for its own origin only.
    pub(crate) fn at(&self, endpoint: &Endpoint, url: &Url) -> Arc<Limiter> {
        let (concurrency, rate) = match endpoint.is_at(url) {
            true => (endpoint.host.concurrency, endpoint.host.rate),
            false => (None, None),
        };
        let mut limiters = self.limiters.lock();
        if limiters.len() >= KEPT {
            limiters.retain(|_, limiter| Arc::strong_count(limiter) > 1 || limiter.pause_left().is_some());
        }
        Arc::clone(limiters.entry(url.origin()).or_insert_with(|| Arc::new(Limiter::new(concurrency, rate))))
    }
}

impl Limiter {
    fn new(concurrency: Option<NonZeroUsize>, rate: Option<NonZeroU32>) -> Self {
        let slots = concurrency.map_or(CONCURRENCY, NonZeroUsize::get).min(Semaphore::MAX_PERMITS);
        let pace = rate.map(|rate| {
            let mut pace = tokio::time::interval((Duration::from_secs(1) / rate.get()).max(Duration::from_nanos(1)));
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            AsyncMutex::new(pace)
        });
        Self { slots: [(); 3].map(|()| Arc::new(Semaphore::new(slots))), pace, paused: Mutex::default() }
    }

    /// Waits for a slot, and then as [`Self::pass`] does.
    pub(crate) async fn acquire(self: &Arc<Self>, class: Class) -> Result<Permit, ErrorKind> {
        let semaphore = match class {
            Class::Read => &self.slots[0],
            Class::Write => &self.slots[1],
            Class::Token => &self.slots[2],
        };
        let permit = Arc::clone(semaphore).acquire_owned().await;
        let permit = permit.map_err(|error| ErrorKind::Other(error.to_string()))?;
        self.pass().await;
        Ok(Permit { _permit: permit, _limiter: Arc::clone(self) })
    }

    /// Waits until the host's pause is over and its rate allows a request, without taking a slot.
    pub(crate) async fn pass(&self) {
        while let Some(wait) = self.pause_left() {
            tokio::time::sleep(wait).await;
        }
        if let Some(pace) = &self.pace {
            pace.lock().await.tick().await;
        }
    }

    /// Holds back all requests for a time, because the host has limited them. A longer pause stays.
    pub(crate) fn pause(&self, wait: Duration) {
        let Some(until) = Instant::now().checked_add(wait) else { return };
        let mut paused = self.paused.lock();
        *paused = Some(paused.map_or(until, |earlier| earlier.max(until)));
    }

    /// Returns the rest of the pause, if there is one.
    pub(crate) fn pause_left(&self) -> Option<Duration> {
        let mut paused = self.paused.lock();
        let left = paused.map(|until| until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
        if left.is_none() {
            *paused = None;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn limiter(concurrency: usize, rate: u32) -> Arc<Limiter> {
        Arc::new(Limiter::new(NonZeroUsize::new(concurrency), NonZeroU32::new(rate)))
    }

    #[tokio::test]
    async fn so_many_at_once() {
        let limiter = limiter(2, 0);
        let held: Vec<_> = [limiter.acquire(Class::Read).await, limiter.acquire(Class::Read).await].into();
        assert!(limiter.acquire(Class::Read).now_or_never().is_none());
        assert!(limiter.acquire(Class::Write).now_or_never().is_some());
        drop(held);
        assert!(limiter.acquire(Class::Read).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_a_second() {
        let (limiter, begin) = (limiter(10, 100), Instant::now());
        for _ in 0..9 {
            limiter.acquire(Class::Read).await.unwrap();
        }
        let took = begin.elapsed().as_millis();
        assert!((80..=90).contains(&took), "{took} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn not_before_the_longest_pause_ends() {
        let (limiter, begin) = (limiter(1, 0), Instant::now());
        limiter.pause(Duration::from_secs(70));
        limiter.pause(Duration::from_secs(30));
        limiter.acquire(Class::Read).await.unwrap();
        let took = begin.elapsed();
        assert!((Duration::from_secs(70)..Duration::from_secs(71)).contains(&took), "{took:?}");
    }

    #[tokio::test]
    async fn settings_are_for_the_endpoints_own_origin() {
        let mut host = crate::hosts::Host::new(Url::parse("https://registry.example/v2/").unwrap());
        host.concurrency = NonZeroUsize::new(1);
        let endpoint = Endpoint::new("registry.example", host, "app");
        let limiters = Limiters::default();
        for (url, slots) in [("https://registry.example/a", 1), ("https://cdn.example/a", CONCURRENCY)] {
            let url = Url::parse(url).unwrap();
            assert_eq!(limiters.at(&endpoint, &url).slots[0].available_permits(), slots, "{url}");
        }
    }
}
