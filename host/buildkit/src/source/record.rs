//! What a build has met.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use refkit_content::ErrorKind;
use refkit_content::layout::REGISTRY;
use refkit_oci::{Digest, Reference, Repository};

use super::meta::MetaKey;
use super::place::Place;
use super::{Converted, Metadata};
use crate::definition::Store;

/// What one item costs beside its bytes, in bytes, roughly: a flood of tiny items stays within the bound.
const OVERHEAD: u64 = 512;

/// A place at which one question about a tag waits for another one.
pub(super) type Gate = Arc<tokio::sync::Mutex<()>>;

/// Tags, content and layouts of one build.
pub(super) struct Record {
    met: Mutex<Met>,
    keep: u64,
}

#[derive(Default)]
struct Met {
    /// By reference without a digest.
    pins: HashMap<Reference, Digest>,
    gates: HashMap<Reference, Gate>,
    /// Questions by a tag that BuildKit has had.
    tags: HashSet<MetaKey>,
    /// What BuildKit has said of pinned references for a platform.
    answered: HashMap<MetaKey, Metadata>,
    converted: HashMap<Reference, Converted>,
    /// What a tag named later in the build, where that is something else.
    moved: HashMap<Reference, Digest>,
    /// What the build calls each layout, and where it is.
    layouts: HashMap<Repository, (Repository, Store)>,
    /// Verified content. A repository answers only for what it has handed out itself.
    contents: HashMap<(Repository, Digest), Bytes>,
    used: u64,
}

impl Record {
    pub fn new(keep: u64) -> Self {
        Self { met: Mutex::default(), keep }
    }

    /// Nothing panics while the lock is held, and a half-done change would leave nothing wrong either.
    fn met(&self) -> MutexGuard<'_, Met> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn pinned(&self, reference: &Reference) -> Option<Digest> {
        self.met().pins.get(&reference.without_digest().ok()?).cloned()
    }

    /// Pins a tag; the first answer stays.
    pub fn pin(&self, tagged: Reference, digest: Digest) {
        let mut met = self.met();
        met.gates.remove(&tagged);
        met.pins.entry(tagged).or_insert(digest);
    }

    pub fn gate(&self, tagged: &Reference) -> Gate {
        Arc::clone(self.met().gates.entry(tagged.clone()).or_default())
    }

    /// Notes that BuildKit is asked by a tag, and returns whether that is for the first time.
    pub fn note_tag(&self, key: &MetaKey) -> bool {
        self.met().tags.insert(key.clone())
    }

    pub fn answered(&self, key: &MetaKey) -> Option<Metadata> {
        self.met().answered.get(key).cloned()
    }

    /// Keeps an answer, while there is room for its config.
    pub fn answer(&self, key: MetaKey, answer: &Metadata) {
        let cost = answer.config.as_ref().map_or(0, |config| config.len() as u64) + OVERHEAD;
        let mut met = self.met();
        if met.used.saturating_add(cost) <= self.keep {
            met.used += cost;
            met.answered.insert(key, answer.clone());
        }
    }

    pub fn converted(&self, reference: &Reference) -> Option<Converted> {
        self.met().converted.get(reference).cloned()
    }

    /// Remembers what a reference became, for those as well who asked for its tag only.
    pub fn convert(&self, reference: &Reference, converted: Converted) {
        let mut met = self.met();
        if let Ok(tagged) = reference.without_digest() {
            met.converted.insert(tagged, converted.clone());
        }
        met.converted.insert(reference.clone(), converted);
    }

    pub fn moved(&self, reference: &Reference) -> Option<Digest> {
        self.met().moved.get(&reference.without_digest().ok()?).cloned()
    }

    /// Notes that a tag names something else by now than what it is pinned to.
    pub fn note_moved(&self, tagged: Reference, to: Digest) {
        self.met().moved.insert(tagged, to);
    }

    pub fn layout(&self, repository: Repository, named: Repository, store: Store) {
        self.met().layouts.insert(repository, (named, store));
    }

    /// Returns where a repository's images are.
    pub fn place(&self, repository: &Repository) -> Result<Place, ErrorKind> {
        match self.met().layouts.get(repository) {
            Some((named, store)) => Ok(Place::Layout(named.clone(), store.clone())),
            None if repository.registry() == REGISTRY => Err(ErrorKind::NotFound),
            None => Ok(Place::Registry(repository.clone())),
        }
    }

    pub fn content(&self, repository: &Repository, digest: &Digest) -> Option<Bytes> {
        self.met().contents.get(&(repository.clone(), digest.clone())).cloned()
    }

    /// Keeps content that was checked against its digest, while there is room.
    pub fn keep(&self, repository: &Repository, digest: &Digest, bytes: &Bytes) {
        let cost = bytes.len() as u64 + OVERHEAD;
        let mut met = self.met();
        let key = (repository.clone(), digest.clone());
        if met.used.saturating_add(cost) > self.keep || met.contents.contains_key(&key) {
            return;
        }
        met.used += cost;
        // A copy, because what came may be a small part of a large buffer.
        met.contents.insert(key, Bytes::copy_from_slice(bytes));
    }
}
