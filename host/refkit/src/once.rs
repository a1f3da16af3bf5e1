//! Answers that stay for the rest of a run.

use std::hash::Hash;

use refkit_content::once::OnceMap;
use refkit_oci::Footprint;

/// Answers that stay for the rest of the run, errors too. Equal questions that are asked at once wait for one answer.
#[derive(Debug)]
pub(crate) struct Once<K, V>(OnceMap<K, V>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(OnceMap::default())
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
        let bytes = key.footprint() + OnceMap::<K, Result<T, E>>::CELL;
        let cell = self.0.cell(key, |_| admit(bytes))?;
        cell.get_or_init(|| ask).await.clone()
    }
}
