//! A cache of verified content in memory, and a source that looks into caches first.

mod cached;
mod discover;
mod download;
mod fetch;
mod listed;
mod options;
mod questions;
mod resolve;
mod view;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lru::LruCache;
use parking_lot::{Mutex, MutexGuard};
use refkit_oci::{Descriptor, Digest, Repository};

pub use cached::Cached;
pub use options::{CacheOptions, Pull};

use crate::Content;
use crate::links::Links;
use crate::verify::MANIFEST_LIMIT;

/// The cost of an item beyond its bytes: key, list and table entry, in bytes, roughly. It keeps the cache within its
/// limit when it is filled with tiny items.
const OVERHEAD: u64 = 512;

/// Verified manifests, indexes, configs and other small content, by repository and digest. The cache evicts the least
/// recently used item first. Clones share it.
///
/// The cache returns content of a repository only after that repository's registry has returned it once. If callers
/// with different rights share a cache, each needs a [`scope`](Self::scoped) of its own: no scope returns what another
/// one put. The cache never keeps tags or errors.
#[derive(Clone)]
pub struct Cache {
    items: Arc<Mutex<Items>>,
    scope: Arc<str>,
}

struct Items {
    by_digest: LruCache<Key, Item>,
    used: u64,
    limit: u64,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    scope: Arc<str>,
    repository: Repository,
    digest: Digest,
}

#[derive(Clone)]
struct Item {
    bytes: Bytes,
    /// The media type that the registry or the bytes have confirmed; before that, the media type in a descriptor.
    media_type: Arc<str>,
    confirmed: bool,
}

impl Item {
    fn cost(&self) -> u64 {
        self.bytes.len() as u64 + OVERHEAD
    }
}

impl Cache {
    /// Returns an empty cache that holds at most so many bytes, with the cost of each item included.
    pub fn new(limit: u64) -> Self {
        let items = Items { by_digest: LruCache::unbounded(), used: 0, limit };
        Self { items: Arc::new(Mutex::new(items)), scope: Arc::from("") }
    }

    /// Returns a handle that returns only content that handles of the same scope have put. The scope is the identity
    /// to which the registry granted access, such as a hash of the credentials. All scopes share the limit.
    #[must_use]
    pub fn scoped(&self, scope: &str) -> Self {
        Self { items: Arc::clone(&self.items), scope: Arc::from(scope) }
    }

    /// Returns the present cost of all items, in bytes.
    pub fn used(&self) -> u64 {
        self.lock().used
    }

    /// Returns the number of items in all scopes.
    pub fn len(&self) -> usize {
        self.lock().by_digest.len()
    }

    /// Returns whether the cache is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Locks the items.
    fn lock(&self) -> MutexGuard<'_, Items> {
        self.items.lock()
    }

    fn key(&self, repository: &Repository, digest: &Digest) -> Key {
        Key { scope: Arc::clone(&self.scope), repository: repository.clone(), digest: digest.clone() }
    }

    fn bytes(&self, repository: &Repository, digest: &Digest) -> Option<Bytes> {
        let key = self.key(repository, digest);
        self.lock().by_digest.get(&key).map(|item| item.bytes.clone())
    }

    /// Returns a manifest or index. If only a descriptor has named the media type, the bytes have to agree with it.
    fn manifest(&self, repository: &Repository, digest: &Digest) -> Option<Content> {
        let key = self.key(repository, digest);
        let item = self.lock().by_digest.get(&key).cloned()?;
        if !item.confirmed {
            Links::read(&item.media_type, &item.bytes).ok()?;
            if let Some(item) = self.lock().by_digest.peek_mut(&key) {
                item.confirmed = true;
            }
        }
        let descriptor = Descriptor::new(&*item.media_type, digest.clone(), item.bytes.len() as u64);
        Some(Content { descriptor, bytes: item.bytes })
    }

    /// Keeps bytes that were verified against the digest.
    fn insert(&self, repository: &Repository, descriptor: &Descriptor, bytes: &Bytes, confirmed: bool) {
        if !worth_keeping(descriptor) {
            return;
        }
        // A copy, because the bytes may be a small part of a large buffer.
        let bytes = Bytes::copy_from_slice(bytes);
        let item = Item { bytes, media_type: Arc::from(descriptor.media_type.as_str()), confirmed };
        let key = self.key(repository, &descriptor.digest);
        let mut items = self.lock();
        if item.cost() > items.limit {
            return;
        }
        items.used += item.cost();
        if let Some((_, old)) = items.by_digest.push(key, item) {
            items.used -= old.cost();
        }
        while items.used > items.limit {
            let Some((_, oldest)) = items.by_digest.pop_lru() else { break };
            items.used -= oldest.cost();
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.lock();
        f.debug_struct("Cache").field("items", &items.by_digest.len()).field("used", &items.used).finish()
    }
}

/// Returns whether the cache keeps content of this type. It keeps no layers, because they are large and read once.
fn worth_keeping(descriptor: &Descriptor) -> bool {
    const LAYERS: [&str; 3] =
        ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.", "application/octet-stream"];
    descriptor.size <= MANIFEST_LIMIT && !LAYERS.iter().any(|prefix| descriptor.media_type.starts_with(prefix))
}
