//! The processor time of one run of one policy: what it computes, and what the host computes for it.

use std::cell::{Cell, OnceCell};
use std::fs::File;
use std::future::poll_fn;
use std::os::unix::fs::FileExt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

thread_local! {
    /// Nanoseconds that other metered runs took within the poll that is under way on this thread.
    static NESTED: Cell<u64> = const { Cell::new(0) };

    /// When this thread's delay was last read, and what it was.
    static DELAYED: Cell<Option<(Instant, u64)>> = const { Cell::new(None) };

    static SCHEDULE: OnceCell<Option<File>> = const { OnceCell::new() };
}

/// What stands for no poll under way.
const IDLE: u64 = u64::MAX;

/// From this length on, a poll is looked at more closely: the kernel may have let others run in the middle of it. As old
/// may the reading be that it is compared with. A reading costs a system call, as much as a tenth of a short run.
const LONG: u64 = 5_000_000;

/// Counts the time in which a run is polled, as long as its thread has a processor. A run that waits, for the network or
/// for its turn, is not polled; a policy that waits for the rest of its chain polls it, and that time counts for those
/// policies alone.
#[derive(Debug)]
pub(crate) struct Meter {
    origin: Instant,
    /// Nanoseconds of the polls that have ended.
    spent: AtomicU64,
    /// When the poll under way began, in nanoseconds from the origin.
    since: AtomicU64,
    /// How long the thread had waited for a processor until then.
    delay: AtomicU64,
}

/// Returns the nanoseconds that this thread has waited for a processor, which others had. Where the kernel does not say
/// so, none.
fn delay() -> u64 {
    let read = |file: &Option<File>| {
        let mut text = [0; 64];
        let length = file.as_ref()?.read_at(&mut text, 0).ok()?;
        // Time on a processor, time of waiting for one, and how often.
        std::str::from_utf8(text.get(..length)?).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    SCHEDULE.with(|file| read(file.get_or_init(|| File::open("/proc/thread-self/schedstat").ok()))).unwrap_or(0)
}

/// Returns the same, as it was not long ago.
fn recent_delay(now: Instant) -> u64 {
    match DELAYED.get() {
        Some((at, delay)) if now.saturating_duration_since(at).as_nanos() < u128::from(LONG) => delay,
        _ => {
            let delay = delay();
            DELAYED.set(Some((now, delay)));
            delay
        }
    }
}

impl Meter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            origin: Instant::now(),
            spent: AtomicU64::new(0),
            since: AtomicU64::new(IDLE),
            delay: AtomicU64::new(0),
        })
    }

    /// Returns the nanoseconds of the poll under way, nested ones included.
    fn running(&self) -> u64 {
        let since = match self.since.load(Ordering::Relaxed) {
            IDLE => return 0,
            since => since,
        };
        let whole = nanoseconds(self.origin.elapsed()).saturating_sub(since);
        if whole < LONG {
            return whole;
        }
        whole.saturating_sub(delay().saturating_sub(self.delay.load(Ordering::Relaxed)))
    }

    /// Returns the time so far. From within the run: with the part of the poll under way that is over.
    pub(crate) fn cpu(&self) -> Duration {
        let spent = self.spent.load(Ordering::Relaxed);
        Duration::from_nanos(spent.saturating_add(self.running().saturating_sub(NESTED.get())))
    }

    /// Runs a future, and counts its polls.
    pub(crate) async fn measure<F: Future>(&self, run: F) -> F::Output {
        let mut run = pin!(run);
        poll_fn(|context| {
            let _under_way = UnderWay::begin(self);
            run.as_mut().poll(context)
        })
        .await
    }
}

/// A poll under way. It ends when this is dropped, in a panic too.
struct UnderWay<'a> {
    meter: &'a Meter,
    outer: u64,
}

impl<'a> UnderWay<'a> {
    fn begin(meter: &'a Meter) -> Self {
        let now = Instant::now();
        meter.delay.store(recent_delay(now), Ordering::Relaxed);
        meter.since.store(nanoseconds(now.saturating_duration_since(meter.origin)), Ordering::Relaxed);
        Self { meter, outer: NESTED.replace(0) }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let whole = self.meter.running();
        let nested = NESTED.replace(self.outer.saturating_add(whole));
        self.meter.spent.fetch_add(whole.saturating_sub(nested), Ordering::Relaxed);
        self.meter.since.store(IDLE, Ordering::Relaxed);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computes for so long, not counting what others compute in the meantime.
    fn spin(time: Duration) {
        let (start, before) = (Instant::now(), delay());
        while start.elapsed().saturating_sub(Duration::from_nanos(delay() - before)) < time {
            std::hint::spin_loop();
        }
    }

    /// What a thread waits for a processor does not count: of many that spin side by side, each for some time of its own.
    #[test]
    fn others_do_not_count() {
        let threads = 4 * std::thread::available_parallelism().map_or(4, usize::from);
        let one = || {
            let meter = Meter::new();
            let start = (Instant::now(), delay());
            futures_util::FutureExt::now_or_never(meter.measure(async { spin(10 * STEP) })).expect("it does not wait");
            let (whole, delayed) = (start.0.elapsed(), delay() - start.1);
            (meter.cpu() + Duration::from_nanos(delayed), whole)
        };
        let sums: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
        });
        // Together they are the time that went by, but for what passed between the readings.
        for (sum, whole) in sums {
            assert!(sum <= whole + STEP, "{sum:?} {whole:?}");
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
        // What a poll is compared with may be somewhat old; and what is seen from within is counted in the end.
        let nearly = |time: Duration| time - Duration::from_nanos(2 * LONG);
        assert!(seen.0 >= nearly(2 * STEP) && seen.0 <= inner, "{seen:?} {inner:?}");
        assert!(seen.1 >= nearly(STEP) && seen.1 <= outer, "{seen:?} {outer:?}");
        // No moment counts for both, and of the wait no more than its begin for one.
        assert!(outer + inner + 5 * STEP <= whole, "{outer:?} {inner:?} {whole:?}");
    }
}
