//! Results that are computed once for each key, and kept.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::OnceCell;

/// Values by key, each computed once and kept. Equal requests that run at the same time wait for one of them.
///
/// The first caller computes the value, so the future may borrow. If this caller is dropped, the next one that waits
/// computes instead. [`SingleFlight`](crate::single_flight::SingleFlight) is for results that are not kept.
pub struct OnceMap<K, V> {
    cells: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K, V> Default for OnceMap<K, V> {
    fn default() -> Self {
        Self { cells: Mutex::default() }
    }
}

impl<K, V> fmt::Debug for OnceMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceMap").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash, V> OnceMap<K, V> {
    /// The bytes of a key's record beyond the key and what its value owns, roughly: the value itself, its state, and
    /// the wakers of the callers that wait.
    pub const CELL: usize = size_of::<OnceCell<V>>() + 64;

    /// Returns the cell of a key. For a new key `admit` decides first; its argument is the number of keys.
    ///
    /// # Errors
    /// The error of `admit`. The key is then not recorded.
    pub fn cell<E>(&self, key: K, admit: impl FnOnce(usize) -> Result<(), E>) -> Result<Arc<OnceCell<V>>, E> {
        let mut cells = self.lock();
        if let Some(cell) = cells.get(&key) {
            return Ok(Arc::clone(cell));
        }
        admit(cells.len())?;
        Ok(Arc::clone(cells.entry(key).or_default()))
    }

    /// Returns the value of a key, computed by the first caller.
    pub async fn get(&self, key: K, compute: impl Future<Output = V>) -> V
    where
        V: Clone,
    {
        let Ok(cell) = self.cell(key, |_| Ok::<(), Infallible>(()));
        cell.get_or_init(|| compute).await.clone()
    }

    /// Returns the value of a key, computed by the first caller that succeeds. Errors are not kept.
    ///
    /// # Errors
    /// The error of this caller's own `compute`.
    pub async fn try_get<E>(&self, key: K, compute: impl Future<Output = Result<V, E>>) -> Result<V, E>
    where
        V: Clone,
    {
        let Ok(cell) = self.cell(key, |_| Ok::<(), Infallible>(()));
        cell.get_or_try_init(|| compute).await.cloned()
    }

    /// Returns the value of a key, if it has been computed.
    pub fn known(&self, key: &K) -> Option<V>
    where
        V: Clone,
    {
        self.lock().get(key).and_then(|cell| cell.get().cloned())
    }

    /// Returns whether the key was requested before.
    pub fn contains(&self, key: &K) -> bool {
        self.lock().contains_key(key)
    }

    /// Forgets a key. Callers that wait for its value still get it.
    pub fn forget(&self, key: &K) {
        self.lock().remove(key);
    }

    /// Forgets the keys that do not fulfil a condition, if there are at least so many keys.
    pub fn shrink(&self, at_least: usize, keep: impl Fn(&K) -> bool) {
        let mut cells = self.lock();
        if cells.len() >= at_least {
            cells.retain(|key, _| keep(key));
        }
    }

    /// Nothing panics while the lock is held, except for a `Hash` or `Eq` that does.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<OnceCell<V>>>> {
        self.cells.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_value_is_computed_once_and_kept() {
        let (map, count) = (OnceMap::default(), AtomicUsize::new(0));
        let get = |key: &'static str| {
            map.get(key, async {
                tokio::task::yield_now().await;
                count.fetch_add(1, Ordering::Relaxed)
            })
        };
        let (one, two, other) = tokio::join!(get("a"), get("a"), get("b"));
        assert!(one == two && one != other, "{one}, {two}, {other}");
        assert_eq!((get("a").await, get("b").await), (one, other));
        assert_eq!((map.known(&"a"), map.known(&"c")), (Some(one), None));
        map.forget(&"a");
        assert!(!map.contains(&"a") && map.contains(&"b"));
        assert_eq!(get("a").await, 2);
    }

    #[tokio::test]
    async fn errors_are_not_kept() {
        let map = OnceMap::<_, u8>::default();
        assert_eq!(map.try_get("a", async { Err("first") }).await, Err("first"));
        assert_eq!(map.try_get("a", async { Ok::<_, &str>(7) }).await, Ok(7));
        assert_eq!(map.try_get("a", async { Err("not asked") }).await, Ok(7));
    }

    #[tokio::test]
    async fn the_next_caller_takes_over() {
        let map = OnceMap::<_, u8>::default();
        let mut first = Box::pin(map.get("a", std::future::pending()));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(map.get("a", async { 7 }));
        assert!(second.as_mut().now_or_never().is_none(), "the first one computes");
        drop(first);
        assert_eq!(second.await, 7);
    }

    #[tokio::test]
    async fn new_keys_have_to_be_admitted() {
        let map = OnceMap::<_, u8>::default();
        let admit = |count| if count < 2 { Ok(()) } else { Err(count) };
        for (key, wanted) in [("a", Ok(())), ("b", Ok(())), ("c", Err(2)), ("a", Ok(()))] {
            assert_eq!(map.cell(key, admit).map(drop), wanted, "{key}");
        }
        assert!(!map.contains(&"c"), "it is not recorded");
        map.shrink(3, |_| false);
        assert!(map.contains(&"a"), "there are only two");
        map.shrink(2, |key| *key == "b");
        assert!(!map.contains(&"a") && map.contains(&"b"));
    }
}
