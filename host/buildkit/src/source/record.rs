//! The record of one build: its tags, metadata, content and layouts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use refkit_content::ErrorKind;
use refkit_content::layout::REGISTRY;
use refkit_oci::{Digest, Reference, Repository};

use super::meta::MetaKey;
use super::repository::SourceRepository;
use super::{Converted, Metadata};
use crate::definition::Store;

/// The approximate memory of one item beside its bytes, so that many tiny items stay within the limit.
const OVERHEAD: u64 = 512;

/// The lock that lets one request at a time resolve a tag.
pub(super) type TagLock = Arc<tokio::sync::Mutex<()>>;

/// The record of one build. It keeps content and metadata up to a limit.
pub(super) struct Record {
    tables: Mutex<Tables>,
    keep: u64,
}

#[derive(Default)]
struct Tables {
    /// The digest of each tag, by reference without a digest.
    pins: HashMap<Reference, Digest>,
    locks: HashMap<Reference, TagLock>,
    /// The requests by tag that BuildKit has had.
    tags: HashSet<MetaKey>,
    /// The metadata of pinned references, by platform.
    metadata: HashMap<MetaKey, Metadata>,
    /// The sources into which the build's source policies convert references.
    converted: HashMap<Reference, Converted>,
    /// The later digests of tags that have moved.
    moved: HashMap<Reference, Digest>,
    /// The build's name for each layout, and the layout.
    layouts: HashMap<Repository, (Repository, Store)>,
    /// Verified content. A repository has only content that BuildKit has read from it.
    contents: HashMap<(Repository, Digest), Bytes>,
    /// The memory of content and metadata in bytes.
    used: u64,
}

impl Record {
    pub fn new(keep: u64) -> Self {
        Self { tables: Mutex::default(), keep }
    }

    /// Locks the tables. No code panics under the lock, and an incomplete change would leave them consistent.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock()
    }

    pub fn pinned(&self, reference: &Reference) -> Option<Digest> {
        self.tables().pins.get(&reference.without_digest().ok()?).cloned()
    }

    /// Pins a tag to its first digest.
    pub fn pin(&self, tagged: Reference, digest: Digest) {
        let mut tables = self.tables();
        tables.locks.remove(&tagged);
        tables.pins.entry(tagged).or_insert(digest);
    }

    pub fn tag_lock(&self, tagged: &Reference) -> TagLock {
        Arc::clone(self.tables().locks.entry(tagged.clone()).or_default())
    }

    /// Notes a request by tag, and returns whether it is the first one.
    pub fn note_tag(&self, key: &MetaKey) -> bool {
        self.tables().tags.insert(key.clone())
    }

    pub fn metadata(&self, key: &MetaKey) -> Option<Metadata> {
        self.tables().metadata.get(key).cloned()
    }

    /// Keeps metadata while the limit has room for its config.
    pub fn keep_metadata(&self, key: MetaKey, metadata: &Metadata) {
        let cost = metadata.config.as_ref().map_or(0, |config| config.len() as u64) + OVERHEAD;
        let mut tables = self.tables();
        if tables.used.saturating_add(cost) <= self.keep {
            tables.used += cost;
            tables.metadata.insert(key, metadata.clone());
        }
    }

    pub fn converted(&self, reference: &Reference) -> Option<Converted> {
        self.tables().converted.get(reference).cloned()
    }

    /// Notes the conversion of a reference, and of its tag alone.
    pub fn convert(&self, reference: &Reference, converted: Converted) {
        let mut tables = self.tables();
        if let Ok(tagged) = reference.without_digest() {
            tables.converted.insert(tagged, converted.clone());
        }
        tables.converted.insert(reference.clone(), converted);
    }

    pub fn moved(&self, reference: &Reference) -> Option<Digest> {
        self.tables().moved.get(&reference.without_digest().ok()?).cloned()
    }

    /// Notes the later digest of a tag that has moved.
    pub fn note_moved(&self, tagged: Reference, to: Digest) {
        self.tables().moved.insert(tagged, to);
    }

    pub fn layout(&self, repository: Repository, named: Repository, store: Store) {
        self.tables().layouts.insert(repository, (named, store));
    }

    /// Returns the repository as BuildKit reaches it.
    pub fn repository(&self, repository: &Repository) -> Result<SourceRepository, ErrorKind> {
        match self.tables().layouts.get(repository) {
            Some((named, store)) => Ok(SourceRepository::Layout(named.clone(), store.clone())),
            None if repository.registry() == REGISTRY => Err(ErrorKind::NotFound),
            None => Ok(SourceRepository::Registry(repository.clone())),
        }
    }

    pub fn content(&self, repository: &Repository, digest: &Digest) -> Option<Bytes> {
        self.tables().contents.get(&(repository.clone(), digest.clone())).cloned()
    }

    /// Keeps verified content while the limit has room for it.
    pub fn keep(&self, repository: &Repository, digest: &Digest, bytes: &Bytes) {
        let cost = bytes.len() as u64 + OVERHEAD;
        let mut tables = self.tables();
        let key = (repository.clone(), digest.clone());
        if tables.used.saturating_add(cost) > self.keep || tables.contents.contains_key(&key) {
            return;
        }
        tables.used += cost;
        // A copy, because the bytes may be a small slice of a large buffer.
        tables.contents.insert(key, Bytes::copy_from_slice(bytes));
    }
}
