//! Single flight: of concurrent equal requests one is sent, and all callers get its response.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use parking_lot::{Mutex, MutexGuard};

type Work<T> = BoxFuture<'static, T>;

/// Work under way, by key. All callers that wait get its result, which is then forgotten; [`OnceMap`] keeps results.
///
/// The callers drive the work together: it continues as long as one of them waits, and is dropped with the last.
///
/// ```
/// use futures_util::FutureExt as _;
/// use refkit_content::single_flight::SingleFlight;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let lengths = SingleFlight::default();
/// let length = |word: &'static str| lengths.join(word, move || async move { word.len() }.boxed());
/// assert_eq!(tokio::join!(length("one"), length("one"), length("three")), (3, 3, 5));
/// # });
/// ```
///
/// [`OnceMap`]: crate::once::OnceMap
pub struct SingleFlight<K, T: Clone> {
    under_way: Mutex<HashMap<K, WeakShared<Work<T>>>>,
}

impl<K, T: Clone> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self { under_way: Mutex::default() }
    }
}

impl<K, T: Clone> fmt::Debug for SingleFlight<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash + Clone, T: Clone> SingleFlight<K, T> {
    /// Returns the result of the work for a key that is under way, or that this call starts.
    pub async fn join(&self, key: K, begin: impl FnOnce() -> Work<T>) -> T {
        let shared = {
            let mut under_way = self.lock();
            // A finished result is too old for a new caller.
            let joined = under_way.get(&key).and_then(WeakShared::upgrade).filter(|shared| shared.peek().is_none());
            joined.unwrap_or_else(|| {
                let shared = begin().shared();
                if let Some(weak) = shared.downgrade() {
                    under_way.insert(key.clone(), weak);
                }
                shared
            })
        };
        let _waiting = Waiting { flights: self, key: &key, shared: Some(shared.clone()) };
        shared.await
    }

    /// Nothing panics while the lock is held.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, WeakShared<Work<T>>>> {
        self.under_way.lock()
    }
}

/// A caller that waits. The last one to be dropped removes the key.
struct Waiting<'a, K: Eq + Hash + Clone, T: Clone> {
    flights: &'a SingleFlight<K, T>,
    key: &'a K,
    shared: Option<Shared<Work<T>>>,
}

impl<K: Eq + Hash + Clone, T: Clone> Drop for Waiting<'_, K, T> {
    fn drop(&mut self) {
        let mut under_way = self.flights.lock();
        self.shared = None;
        if under_way.get(self.key).is_some_and(|weak| weak.upgrade().is_none_or(|shared| shared.peek().is_some())) {
            under_way.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn one_request_serves_all_callers_that_wait() {
        let (flights, asked, go) = (SingleFlight::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let question = |key: &'static str| {
            flights.join(key, || {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                let go = Arc::clone(&go);
                async move {
                    go.notified().await;
                    number
                }
                .boxed()
            })
        };
        let others = async {
            tokio::task::yield_now().await;
            go.notify_one();
            go.notify_waiters();
        };
        let ((one, two, three), ()) =
            tokio::join!(async { tokio::join!(question("a"), question("a"), question("b")) }, others);
        assert_eq!((one, two, three), (0, 0, 1));
        // A finished result is forgotten.
        go.notify_one();
        assert_eq!(question("a").await, 2);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn a_caller_that_leaves_takes_nothing_from_the_others() {
        let (flights, go) = (SingleFlight::<(), u8>::default(), Arc::new(Notify::new()));
        let ask = || {
            let go = Arc::clone(&go);
            async move {
                go.notified().await;
                7
            }
            .boxed()
        };
        let mut first = Box::pin(flights.join((), ask));
        assert!(first.as_mut().now_or_never().is_none());
        let second = flights.join((), || unreachable!("it is under way"));
        let mut second = Box::pin(second);
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        go.notify_one();
        assert_eq!(second.await, 7);
        assert!(flights.lock().is_empty());
        // The work is dropped with the last caller.
        let mut third = Box::pin(flights.join((), ask));
        assert!(third.as_mut().now_or_never().is_none());
        drop(third);
        assert!(flights.lock().is_empty());
    }
}
