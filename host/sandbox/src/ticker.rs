//! The clock of running guests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::EngineWeak;

/// The interval at which the ticker interrupts running guests. A run notices a limit at most ten milliseconds late, and the
/// interruptions cost nothing that can be measured.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A thread that advances the engine's epoch for as long as there is a run, and sleeps otherwise.
pub(crate) struct Ticker {
    running: Arc<Running>,
    thread: Mutex<Option<JoinHandle<()>>>,
    engine: EngineWeak,
}

#[derive(Default)]
struct Running {
    runs: std::sync::atomic::AtomicUsize,
    stop: AtomicBool,
}

impl Ticker {
    pub(crate) fn new(engine: &wasmtime::Engine) -> Arc<Self> {
        Arc::new(Self { running: Arc::default(), thread: Mutex::default(), engine: engine.weak() })
    }

    /// Ticks until the guard is dropped.
    pub(crate) fn run(self: &Arc<Self>) -> TickerGuard {
        if self.running.runs.fetch_add(1, Ordering::SeqCst) == 0 {
            self.wake();
        }
        TickerGuard(self.clone())
    }

    fn wake(&self) {
        let mut thread = self.thread.lock();
        match thread.as_ref().map(JoinHandle::thread) {
            Some(thread) => Thread::unpark(thread),
            None => {
                let (running, engine) = (self.running.clone(), self.engine.clone());
                let body = move || tick(&running, &engine);
                // Without a thread the wall-clock limit still holds for everything that waits; a machine that cannot
                // start one thread cannot run the async runtime either.
                *thread = std::thread::Builder::new().name("refkit-ticker".into()).spawn(body).ok();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this thread does nothing else")]
fn tick(running: &Running, engine: &EngineWeak) {
    while !running.stop.load(Ordering::SeqCst) {
        if running.runs.load(Ordering::SeqCst) == 0 {
            std::thread::park();
            continue;
        }
        std::thread::sleep(TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.running.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.get_mut().take() {
            thread.thread().unpark();
        }
    }
}

/// A run under way.
pub(crate) struct TickerGuard(Arc<Ticker>);

impl Drop for TickerGuard {
    fn drop(&mut self) {
        self.0.running.runs.fetch_sub(1, Ordering::SeqCst);
    }
}
