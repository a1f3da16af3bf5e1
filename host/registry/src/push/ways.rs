//! What pushes have shown of registries: which of them take blobs whole, and which in pieces.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How blobs are sent, in bytes.
///
/// Every registry takes a blob in one request, and it is the fastest way; so that is how a blob goes first. What a
/// proxy with a limit on bodies refuses (413), or what broke on its way, goes in chunks the next time, as OCI
/// distribution 1.1, section "Pushing a blob in chunks": those fit below the limit, and of a chunk that broke only
/// what the registry lacks is sent again. A registry that refuses chunks gets blobs whole again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploads {
    /// The size of a chunk, and how much of a blob is held in memory: 8 MiB by default. With the 4 blobs that a copy
    /// has under way that is 32 MiB; a smaller one means more round trips.
    pub chunk: u64,
    /// Blobs of more than this go in chunks at once: 256 MiB by default. To send more than that again costs more than
    /// the round trips of its chunks.
    pub whole: u64,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { chunk: 8 << 20, whole: 256 << 20 }
    }
}

/// How a registry takes what is too large for one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In one request, and not otherwise.
    Whole,
    /// In chunks of so many bytes at most.
    Chunks(u64),
}

/// What is known of registries by the names that references carry.
#[derive(Default)]
pub(crate) struct Ways {
    ways: Mutex<HashMap<String, Way>>,
    /// Held while a list of referrers is read and written anew: of two at once one would be lost.
    pub(super) lists: tokio::sync::Mutex<()>,
}

impl Ways {
    /// Returns the way for a blob, and whether that was learned.
    pub(super) fn choose(&self, registry: &str, size: u64, uploads: &Uploads) -> (Way, bool) {
        match self.of(registry) {
            Some(Way::Chunks(most)) if size > most => (Way::Chunks(most), true),
            Some(known) => (Way::Whole, known == Way::Whole),
            None if size > uploads.whole => (Way::Chunks(uploads.chunk), false),
            None => (Way::Whole, false),
        }
    }

    /// Notes that a registry takes chunks of so many bytes, unless it is known to take none.
    pub(super) fn in_chunks(&self, registry: &str, most: u64) {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        match ways.get_mut(registry) {
            None => _ = ways.insert(registry.to_owned(), Way::Chunks(most)),
            Some(Way::Chunks(known)) => *known = most.min(*known),
            Some(Way::Whole) => {}
        }
    }

    /// Notes that a registry takes no chunks.
    pub(super) fn whole(&self, registry: &str) {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).insert(registry.to_owned(), Way::Whole);
    }

    fn of(&self, registry: &str) -> Option<Way> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).get(registry).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_learned() {
        let uploads = Uploads { chunk: 8, whole: 100 };
        type Learn = fn(&Ways);
        let rows: [(&str, Learn, u64, (Way, bool)); 9] = [
            ("nothing", |_| (), 100, (Way::Whole, false)),
            ("nothing, and it is large", |_| (), 101, (Way::Chunks(8), false)),
            ("chunks", |ways| ways.in_chunks("a", 8), 9, (Way::Chunks(8), true)),
            ("chunks, and it is one", |ways| ways.in_chunks("a", 8), 8, (Way::Whole, false)),
            ("another's chunks", |ways| ways.in_chunks("b", 8), 9, (Way::Whole, false)),
            ("no chunks", |ways| ways.whole("a"), 101, (Way::Whole, true)),
            (
                "smaller chunks",
                |ways| [8, 4, 6].into_iter().for_each(|n| ways.in_chunks("a", n)),
                9,
                (Way::Chunks(4), true),
            ),
            (
                "no chunks, whatever comes",
                |ways| {
                    ways.whole("a");
                    ways.in_chunks("a", 4)
                },
                9,
                (Way::Whole, true),
            ),
            (
                "no chunks after all",
                |ways| {
                    ways.in_chunks("a", 4);
                    ways.whole("a")
                },
                101,
                (Way::Whole, true),
            ),
        ];
        for (name, learn, size, wanted) in rows {
            let ways = Ways::default();
            learn(&ways);
            assert_eq!(ways.choose("a", size, &uploads), wanted, "{name}");
        }
    }
}
