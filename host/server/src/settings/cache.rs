//! The table `[cache]`.

use std::path::PathBuf;

use refkit_config::Entry;

use super::Value;
use super::problems::Problems;

const KEYS: [&str; 3] = ["path", "limit", "stale_if_error"];

/// The most bytes of content that the cache keeps by default: 1 GiB, as the command's own.
const LIMIT: u64 = 1 << 30;

/// What the server keeps of registries' content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cache {
    /// The directory; by default the user's, which the command shares.
    pub path: Option<Value<PathBuf>>,
    /// The most bytes.
    pub limit: Value<u64>,
    /// Whether a tag names what it named at the last request if its registry is unreachable.
    pub stale_if_error: Value<bool>,
}

pub(super) fn read(table: Option<Entry<'_>>, problems: &mut Problems) -> Cache {
    let mut cache = Cache { path: None, limit: Value::default(LIMIT), stale_if_error: Value::default(false) };
    let Some(table) = table else { return cache };
    problems.keys(&table, &KEYS, |_, key| {
        match key.key() {
            "path" => cache.path = Some(Value::at(key, key.path(key.text()?))),
            "limit" => cache.limit = Value::at(key, key.size()?),
            _ => cache.stale_if_error = Value::at(key, key.boolean()?),
        }
        Ok(())
    });
    cache
}
