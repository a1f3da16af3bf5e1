//! Answers that stay for the rest of a run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use refkit_oci::Footprint;
use tokio::sync::OnceCell;

/// Answers that stay for the rest of the run, errors too. Equal questions that are asked at once wait for one answer.
#[derive(Debug)]
pub(crate) struct Once<K, V>(Mutex<HashMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Footprint, T: Clone, E: Clone> Once<K, Result<T, E>> {
    /// Returns the answer to a question. `admit` is given the bytes that the record of a new question takes, without
    /// those that its answer owns.
    ///
    /// # Errors
    /// Those of the answer; those of `admit`, which are not recorded.
    pub(crate) async fn get(
        &self,
        key: K,
        admit: impl FnOnce(usize) -> Result<(), E>,
        ask: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        // Beside the value, a cell has its state and what wakes those who wait.
        let bytes = key.footprint() + size_of::<OnceCell<Result<T, E>>>() + 64;
        let cell = match self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).entry(key) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => {
                admit(bytes)?;
                entry.insert(Arc::default()).clone()
            }
        };
        cell.get_or_init(|| ask).await.clone()
    }
}
