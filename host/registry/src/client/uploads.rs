//! How the client sends blobs: the settings, and what pushes have shown of registries.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use refkit_oci::Descriptor;

/// How the client sends blobs, with sizes in bytes.
///
/// Every registry takes a blob in one request, which is the fastest way: a chunk costs a round trip, and registries write
/// it to their disk before they respond. So the client tries one request first, whatever the size. After a proxy has
/// refused a blob as too large (413), or after a connection broke, the client sends blobs to this registry in chunks, as
/// OCI distribution 1.1, section "Pushing a blob in chunks": chunks fit below such a limit. A registry that refuses chunks
/// gets blobs whole again.
///
/// After a break (a connection, 408, 429 or 5xx) the client requests the status of the upload, and goes on from there:
/// it has the current chunk in memory, and of a blob in one request the last bytes, as many as a chunk. The source of
/// the blob gets no second request. If the registry lacks more than that, or no longer has the upload, as distribution
/// 2.8 after a break in the middle of a request, the push fails, and the next one begins at the first byte. An upload
/// does not outlive the process: its URL is nowhere else, and may be a secret of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploads {
    /// The size of a chunk, and how much of a blob is held in memory: 6 MiB by default. That is more than what is on its way
    /// to a registry, 4 MiB in the sender's socket on Linux and about 1 MiB in the receiver's, and more than the 5 MiB that
    /// S3 wants of a part. For the 4 blobs that a copy sends at once it is 24 MiB; smaller chunks mean more round trips,
    /// and fewer bytes to go on from.
    pub chunk: u64,
    /// The size from which a blob goes in chunks at once: none by default.
    pub whole: u64,
    /// The largest chunk that a registry may require (`OCI-Chunk-Min-Length`): 32 MiB by default. A registry that requires
    /// more gets blobs whole.
    pub largest: u64,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { chunk: 6 << 20, whole: u64::MAX, largest: 32 << 20 }
    }
}

impl Uploads {
    /// Sets the size of a chunk.
    #[must_use]
    pub fn chunk(mut self, chunk: u64) -> Self {
        self.chunk = chunk;
        self
    }

    /// Sets the size from which a blob goes in chunks at once.
    #[must_use]
    pub fn whole(mut self, whole: u64) -> Self {
        self.whole = whole;
        self
    }

    /// Sets the largest chunk that a registry may require.
    #[must_use]
    pub fn largest(mut self, largest: u64) -> Self {
        self.largest = largest;
        self
    }
}

/// How a registry takes a blob that is larger than one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// In one request.
    Whole,
    /// In chunks of so many bytes at most.
    Chunks(u64),
}

/// The strategies of registries, by the names that references have.
#[derive(Default)]
pub(crate) struct Strategies {
    strategies: Mutex<HashMap<String, Strategy>>,
    /// Held while the client reads and rewrites a list of referrers: of two at once, one would be lost.
    pub(crate) lists: tokio::sync::Mutex<()>,
    /// The referrers that lists are to get, by the name of the list, in the order of their pushes.
    pending: Mutex<HashMap<String, Vec<Descriptor>>>,
    /// The last referrers that the client has added to lists, with the name of the list: another client may overwrite it.
    listed: Mutex<VecDeque<(String, Descriptor)>>,
}

/// How many referrers the client adds again if another client has overwritten a list: the last 1024.
const LISTED: usize = 1024;

impl Strategies {
    /// Returns the strategy for a blob, and whether a push has shown it.
    pub(crate) fn choose(&self, registry: &str, size: u64, uploads: &Uploads) -> (Strategy, bool) {
        match self.of(registry) {
            Some(Strategy::Chunks(most)) if size > most => (Strategy::Chunks(most), true),
            Some(known) => (Strategy::Whole, known == Strategy::Whole),
            None if size > uploads.whole => (Strategy::Chunks(uploads.chunk), false),
            None => (Strategy::Whole, false),
        }
    }

    /// Notes that a registry takes chunks of so many bytes, unless it is known to take none.
    pub(crate) fn in_chunks(&self, registry: &str, most: u64) {
        let mut strategies = self.strategies.lock();
        match strategies.get_mut(registry) {
            None => _ = strategies.insert(registry.to_owned(), Strategy::Chunks(most)),
            Some(Strategy::Chunks(known)) => *known = most.min(*known),
            Some(Strategy::Whole) => {}
        }
    }

    /// Notes that a registry takes no chunks.
    pub(crate) fn whole(&self, registry: &str) {
        self.strategies.lock().insert(registry.to_owned(), Strategy::Whole);
    }

    /// Notes that a list is to have a referrer.
    pub(crate) fn list(&self, list: &str, referrer: Descriptor) {
        let mut pending = self.pending.lock();
        let pending = pending.entry(list.to_owned()).or_default();
        pending.retain(|known| known.digest != referrer.digest);
        pending.push(referrer);
    }

    /// Notes that a list has what it was to get, or that it cannot be written. The client adds the last ones again if they
    /// get lost.
    pub(crate) fn settle(&self, list: &str) {
        let settled = self.pending.lock().remove(list).unwrap_or_default();
        let mut listed = self.listed.lock();
        listed.retain(|(name, known)| name != list || settled.iter().all(|one| one.digest != known.digest));
        listed.extend(settled.into_iter().map(|one| (list.to_owned(), one)));
        let more = listed.len().saturating_sub(LISTED);
        listed.drain(..more);
    }

    /// Returns the referrers that a list is to have, in the order of their pushes.
    pub(crate) fn listed(&self, list: &str) -> Vec<Descriptor> {
        let pending = self.pending.lock().get(list).cloned().unwrap_or_default();
        let listed = self.listed.lock();
        let of_list = listed.iter().filter(|(name, _)| name == list).map(|(_, referrer)| referrer);
        let listed = of_list.filter(|known| pending.iter().all(|one| one.digest != known.digest));
        listed.chain(&pending).cloned().collect()
    }

    fn of(&self, registry: &str) -> Option<Strategy> {
        self.strategies.lock().get(registry).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One subject may be slow while others get more referrers than are remembered.
    #[test]
    fn what_a_list_is_to_get_is_not_forgotten() {
        let referrer = |n: usize| {
            let digest = format!("sha256:{n:064x}").parse().expect("a digest");
            Descriptor::new("application/x", digest, 1)
        };
        let strategies = Strategies::default();
        (0..10).for_each(|n| strategies.list("slow", referrer(n)));
        for n in 10..2 * LISTED {
            strategies.list("fast", referrer(n));
            if n % 100 == 0 {
                strategies.settle("fast");
            }
        }
        strategies.settle("fast");
        let listed = |list: &str| strategies.listed(list).len();
        assert_eq!((listed("slow"), listed("fast"), listed("other")), (10, LISTED, 0));
        strategies.settle("slow");
        assert_eq!((listed("slow"), listed("fast")), (10, LISTED - 10));
        strategies.list("slow", referrer(3));
        let order: Vec<_> = strategies.listed("slow").into_iter().map(|one| one.digest).collect();
        assert_eq!((order.len(), &order[9]), (10, &referrer(3).digest));
    }

    #[test]
    fn strategies_are_learned() {
        let uploads = Uploads::default().chunk(8).whole(100);
        type Learn = fn(&Strategies);
        let rows: [(&str, Learn, u64, (Strategy, bool)); 9] = [
            ("nothing", |_| (), 100, (Strategy::Whole, false)),
            ("nothing, and it is large", |_| (), 101, (Strategy::Chunks(8), false)),
            ("chunks", |strategies| strategies.in_chunks("a", 8), 9, (Strategy::Chunks(8), true)),
            ("chunks, and it is one", |strategies| strategies.in_chunks("a", 8), 8, (Strategy::Whole, false)),
            ("another's chunks", |strategies| strategies.in_chunks("b", 8), 9, (Strategy::Whole, false)),
            ("no chunks", |strategies| strategies.whole("a"), 101, (Strategy::Whole, true)),
            (
                "smaller chunks",
                |strategies| [8, 4, 6].into_iter().for_each(|n| strategies.in_chunks("a", n)),
                9,
                (Strategy::Chunks(4), true),
            ),
            (
                "no chunks, whatever comes",
                |strategies| {
                    strategies.whole("a");
                    strategies.in_chunks("a", 4)
                },
                9,
                (Strategy::Whole, true),
            ),
            (
                "no chunks after all",
                |strategies| {
                    strategies.in_chunks("a", 4);
                    strategies.whole("a")
                },
                101,
                (Strategy::Whole, true),
            ),
        ];
        for (name, learn, size, wanted) in rows {
            let strategies = Strategies::default();
            learn(&strategies);
            assert_eq!(strategies.choose("a", size, &uploads), wanted, "{name}");
        }
    }
}
