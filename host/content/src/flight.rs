//! Equal questions that are asked at one time: one of them goes out, and all get its answer.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

type Flight<T> = BoxFuture<'static, T>;

/// Questions on their way, by what they ask. An answer is handed to those who wait for it, and is then forgotten.
pub struct Flights<K, T: Clone> {
    flying: Mutex<HashMap<K, WeakShared<Flight<T>>>>,
}

impl<K, T: Clone> Default for Flights<K, T> {
    fn default() -> Self {
        Self { flying: Mutex::default() }
    }
}

impl<K, T: Clone> fmt::Debug for Flights<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash + Clone, T: Clone> Flights<K, T> {
    /// Returns the answer to an equal question that is on its way, else asks. Whoever waits drives it: it goes on as
    /// long as one of them is left, and ends with the last.
    pub async fn join(&self, key: K, ask: impl FnOnce() -> Flight<T>) -> T {
        let shared = {
            let mut flying = self.lock();
            // One that has landed is old news to whoever asks now.
            let under_way = flying.get(&key).and_then(WeakShared::upgrade).filter(|shared| shared.peek().is_none());
            under_way.unwrap_or_else(|| {
                let shared = ask().shared();
                if let Some(weak) = shared.downgrade() {
                    flying.insert(key.clone(), weak);
                }
                shared
            })
        };
        let _gone = Gone { flights: self, key: &key, shared: Some(shared.clone()) };
        shared.await
    }

    /// Nothing panics while the lock is held.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, WeakShared<Flight<T>>>> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a question when the last who waits for it is gone.
struct Gone<'a, K: Eq + Hash + Clone, T: Clone> {
    flights: &'a Flights<K, T>,
    key: &'a K,
    shared: Option<Shared<Flight<T>>>,
}

impl<K: Eq + Hash + Clone, T: Clone> Drop for Gone<'_, K, T> {
    fn drop(&mut self) {
        let mut flying = self.flights.lock();
        self.shared = None;
        if flying.get(self.key).is_some_and(|weak| weak.upgrade().is_none_or(|shared| shared.peek().is_some())) {
            flying.remove(self.key);
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
    async fn one_asks_for_all_who_wait() {
        let (flights, asked, go) = (Flights::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
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
        // What has landed is asked anew.
        go.notify_one();
        assert_eq!(question("a").await, 2);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn who_leaves_takes_nothing_from_who_stays() {
        let (flights, go) = (Flights::<(), u8>::default(), Arc::new(Notify::new()));
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
        let second = flights.join((), || unreachable!("it is on its way"));
        let mut second = Box::pin(second);
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        go.notify_one();
        assert_eq!(second.await, 7);
        assert!(flights.lock().is_empty());
        // And when all leave, it is gone.
        let mut third = Box::pin(flights.join((), ask));
        assert!(third.as_mut().now_or_never().is_none());
        drop(third);
        assert!(flights.lock().is_empty());
    }
}
