//! The manifests that each caller has got: by a rule for a tag, or as entries of an index that it got.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Descriptor, Digest, Platform, Reference, Repository};

use super::rules::Caller;

/// How many callers are remembered.
const CALLERS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// How many manifests of each: those of some hundred indexes. A caller that comes back later for a forgotten one gets it
/// where the policies allow its digest by itself.
const MANIFESTS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The digests of an index that the policies refused.
pub type RefusedEntries = Arc<[Digest]>;

type Manifests = LruCache<(Repository, Digest), RefusedEntries>;

/// The images that policies chose for platforms, by the digests that BuildKit knows them by. Another image of the same
/// index is none of them.
type Images = LruCache<(Repository, Digest, Platform), ()>;

/// What callers have got.
pub struct Seen {
    manifests: Mutex<LruCache<Caller, Manifests>>,
    images: Mutex<LruCache<Caller, Images>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { manifests: Mutex::new(LruCache::new(CALLERS)), images: Mutex::new(LruCache::new(CALLERS)) }
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

    /// Notes that the policies have chosen an image for a platform.
    pub fn chosen(&self, caller: &Caller, repository: &Repository, digest: &Digest, platform: &Platform) {
        let mut callers = self.images.lock();
        let images = callers.get_or_insert_mut(caller.clone(), || LruCache::new(MANIFESTS));
        images.put((repository.clone(), digest.clone(), platform.clone()), ());
    }

    /// Returns whether the policies have chosen this digest for a platform.
    pub fn is_chosen(&self, caller: &Caller, reference: &Reference, platform: &Platform) -> bool {
        let Some(digest) = reference.digest() else { return false };
        let key = (reference.repository().clone(), digest.clone(), platform.clone());
        self.images.lock().get_mut(caller).is_some_and(|images| images.get(&key).is_some())
    }

    fn with<T>(&self, caller: &Caller, work: impl FnOnce(&mut Manifests) -> T) -> T {
        let mut callers = self.manifests.lock();
        work(callers.get_or_insert_mut(caller.clone(), || LruCache::new(MANIFESTS)))
    }
}
