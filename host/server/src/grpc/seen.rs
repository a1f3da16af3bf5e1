//! The manifests that each caller has got: by a rule for a tag, or as entries of an index that it got.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Descriptor, Digest, Repository};

use super::rules::Caller;

/// How many callers are remembered.
const CALLERS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// How many manifests of each: those of some hundred indexes. A caller that comes back later for a forgotten one gets it
/// where the policies allow its digest by itself.
const MANIFESTS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The digests of an index that the policies refused.
pub type RefusedEntries = Arc<[Digest]>;

type Manifests = LruCache<(Repository, Digest), RefusedEntries>;

/// What callers have got.
pub struct Seen(Mutex<LruCache<Caller, Manifests>>);

impl Default for Seen {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CALLERS)))
    }
}

impl Seen {
    /// Notes that a caller has got a root, of whose entries the policies refused some.
    pub fn root(&self, caller: &Caller, repository: &Repository, root: &Digest, refused: RefusedEntries) {
        self.with(caller, |manifests| {
            manifests.put((repository.clone(), root.clone()), refused);
        });
    }

    /// Returns the refused entries of a manifest or an index that a caller has got; none if it has not.
    pub fn get(&self, caller: &Caller, repository: &Repository, digest: &Digest) -> Option<RefusedEntries> {
        self.with(caller, |manifests| manifests.get(&(repository.clone(), digest.clone())).cloned())
    }

    /// Notes the entries of an index that a caller has got, but for those that are refused.
    pub fn entries(
        &self,
        caller: &Caller,
        repository: &Repository,
        (index, bytes): (&Descriptor, &[u8]),
        refused: &RefusedEntries,
    ) {
        let Ok(Document::Index(index)) = document::read(Some(&index.media_type), bytes, &Limits::default()) else {
            return;
        };
        self.with(caller, |manifests| {
            for entry in index.manifests.into_iter().filter(|entry| !refused.contains(&entry.digest)) {
                manifests.put((repository.clone(), entry.digest), Arc::clone(refused));
            }
        });
    }

    fn with<T>(&self, caller: &Caller, work: impl FnOnce(&mut Manifests) -> T) -> T {
        let mut callers = self.0.lock();
        work(callers.get_or_insert_mut(caller.clone(), || LruCache::new(MANIFESTS)))
    }
}
