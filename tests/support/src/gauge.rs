//! How many requests a server answers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A count of what is under way, and the most that it has been.
#[derive(Default)]
pub(crate) struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// A request under way: it is over when this is dropped.
pub(crate) struct UnderWay(Arc<Gauge>);

impl Gauge {
    /// Counts a request that has just come.
    pub(crate) fn enter(gauge: &Arc<Self>) -> UnderWay {
        let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        gauge.most.fetch_max(now, Ordering::SeqCst);
        UnderWay(Arc::clone(gauge))
    }

    /// Returns the most requests at once since the start or the last [`Gauge::clear`].
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Returns how many are under way.
    pub(crate) fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    /// Forgets what has been; what is under way now still counts.
    pub(crate) fn clear(&self) {
        self.most.store(self.now.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
