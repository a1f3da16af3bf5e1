//! The processor time of one run of one policy: what it computes, and what the host computes for it.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

thread_local! {
    /// Nanoseconds that other metered runs took within the poll that is under way on this thread.
    static NESTED: Cell<u64> = const { Cell::new(0) };
}

/// What stands for no poll under way.
const IDLE: u64 = u64::MAX;

/// Counts the time in which a run is polled. A run that waits, for the network or for its turn, is not polled; a policy
/// that waits for the rest of its chain polls it, and that time counts for those policies alone.
///
/// The clock is the monotonic one: the kernel's clock of a thread costs a system call, which is as much as a tenth of a
/// short run.
#[derive(Debug)]
pub(crate) struct Meter {
    origin: Instant,
    /// Nanoseconds of the polls that have ended.
    spent: AtomicU64,
    /// When the poll under way began, in nanoseconds from the origin.
    since: AtomicU64,
}

impl Meter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { origin: Instant::now(), spent: AtomicU64::new(0), since: AtomicU64::new(IDLE) })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Returns the time so far. From within the run: with the part of the poll under way that is over.
    pub(crate) fn cpu(&self) -> Duration {
        let spent = self.spent.load(Ordering::Relaxed);
        let running = match self.since.load(Ordering::Relaxed) {
            IDLE => 0,
            since => self.now().saturating_sub(since).saturating_sub(NESTED.get()),
        };
        Duration::from_nanos(spent.saturating_add(running))
    }

    /// Returns a future whose polls are counted.
    pub(crate) fn measure<F: Future>(self: &Arc<Self>, run: F) -> Measured<F> {
        Measured { meter: Arc::clone(self), run: Box::pin(run) }
    }
}

/// A future whose polls are counted.
pub(crate) struct Measured<F> {
    meter: Arc<Meter>,
    run: Pin<Box<F>>,
}

impl<F: Future> Future for Measured<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { meter, run } = &mut *self;
        let under_way = UnderWay::begin(meter);
        let result = run.as_mut().poll(context);
        drop(under_way);
        result
    }
}

/// A poll under way. It ends when this is dropped, in a panic too.
struct UnderWay<'a> {
    meter: &'a Meter,
    began: u64,
    outer: u64,
}

impl<'a> UnderWay<'a> {
    fn begin(meter: &'a Meter) -> Self {
        let began = meter.now();
        meter.since.store(began, Ordering::Relaxed);
        Self { meter, began, outer: NESTED.replace(0) }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let whole = self.meter.now().saturating_sub(self.began);
        let nested = NESTED.replace(self.outer.saturating_add(whole));
        self.meter.spent.fetch_add(whole.saturating_sub(nested), Ordering::Relaxed);
        self.meter.since.store(IDLE, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin(time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    const STEP: Duration = Duration::from_millis(20);

    /// Each counts what it computes itself: not what it waits for, and not what runs within it.
    #[tokio::test]
    async fn waiting_and_other_runs_do_not_count() {
        let (outer, inner) = (Meter::new(), Meter::new());
        let within = inner.measure(async {
            spin(STEP);
            tokio::task::yield_now().await;
            spin(STEP);
            inner.cpu()
        });
        let start = Instant::now();
        let seen = outer.measure(async {
            tokio::time::sleep(10 * STEP).await;
            spin(STEP);
            let seen = within.await;
            (seen, outer.cpu())
        });
        let seen = seen.await;
        let (inner, outer, whole) = (inner.cpu(), outer.cpu(), start.elapsed());
        // What is seen from within is what is counted in the end, but for the last few instructions.
        assert!(seen.0 >= 2 * STEP && seen.0 <= inner, "{seen:?} {inner:?}");
        assert!(seen.1 >= STEP && seen.1 <= outer, "{seen:?} {outer:?}");
        // No moment counts for both, and of the wait no more than its begin for one.
        assert!(outer + inner + 5 * STEP <= whole, "{outer:?} {inner:?} {whole:?}");
    }
}
