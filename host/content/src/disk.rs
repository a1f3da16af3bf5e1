//! A cache of verified content on disk, for any number of concurrent processes.
//!
//! The cache stores each content once, under its digest. It returns content only to credentials to which a registry
//! has returned it from the same repository: knowing a digest grants no access. It remembers tags separately for each
//! principal. What a registry returned without credentials is returned to all callers. [`Principal`](crate::Principal)
//! identifies the credentials, and the cache stores only a hash of that with its own key.
//!
//! A file gets its name once it is complete and synced, so that a process may be killed at any time. A read that finds
//! a damaged file removes it, and the content counts as absent.

mod blob;
mod check;
mod directory;
mod evict;
mod key;
mod marker;
mod record;
mod root;
mod scope;
mod sink;
mod unfinished;
mod upkeep;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use refkit_oci::Repository;

pub(crate) use blob::Stored;
pub use check::{Checked, Wrong};
pub use evict::Freed;
pub(crate) use scope::{Kept, Scope, Seen};
pub(crate) use sink::Sink;
pub use upkeep::{Info, Prune};

use crate::{Error, ErrorKind, Operation};
use marker::Refused;
use root::{Root, blocking};

/// A directory of content. Clones share the cache.
///
/// A [`Cached`](crate::Cached) source reads from the cache first, and keeps there what the source returns.
///
/// ```
/// use refkit_content::{CacheOptions, Cached, DiskCache, Principal, Resolve};
/// use refkit_oci::Reference;
///
/// async fn digest(client: impl Resolve + Principal + 'static) -> Result<String, refkit_content::Error> {
///     let disk = DiskCache::open("/var/cache/tool/content", 1 << 30).await?;
///     let cached = Cached::on_disk(client, disk, CacheOptions::default());
///     let reference = Reference::parse("registry.example/app:1.0").expect("a reference");
///     Ok(cached.resolve(&reference).await?.value.digest.to_string())
/// }
/// ```
#[derive(Clone)]
pub struct DiskCache {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    limit: u64,
    /// None if the directory cannot be written: such a cache stays empty.
    root: Option<Root>,
    /// The key that hashes principals if there is no cache with a key.
    substitute: OnceLock<key::Key>,
    note: Mutex<Option<String>>,
}

impl DiskCache {
    /// Opens a cache in a directory of its own, and creates it if it is absent, for its owner alone (mode 0700).
    ///
    /// All files cost at most `limit` bytes, each counted in blocks of 4 KiB. A cache that exceeds the limit is
    /// reduced to 15/16 of it, the least recently used files first, to the minute. Each process that writes at the
    /// same time may exceed the limit by a sixteenth.
    ///
    /// A directory that cannot be created or written is no error, but an empty cache with a [`note`](Self::note).
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] for a directory that another user owns or can write into, that holds other files, or
    /// that another version of this library has written in another format; [`ErrorKind::Io`] for a path that is no
    /// directory.
    pub async fn open(directory: impl AsRef<Path>, limit: u64) -> Result<Self, Error> {
        let path = std::path::absolute(directory.as_ref()).unwrap_or_else(|_| directory.as_ref().to_owned());
        let shown = path.display().to_string();
        let opened = blocking(move || open(path, limit)).await;
        let cut_short = || Err(ErrorKind::Other("opening was cut short".to_owned()));
        let inner = opened.unwrap_or_else(cut_short).map_err(|p| Error::new(Operation::Open, shown, p))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Returns the limit in bytes.
    pub fn limit(&self) -> u64 {
        self.inner.limit
    }

    /// Returns why the cache could not keep content, as a sentence for people: the first reason. The operation itself
    /// has succeeded.
    pub fn note(&self) -> Option<String> {
        self.inner.note.lock().clone()
    }

    /// Returns the part of the cache for a principal and a repository.
    pub(crate) fn scope(&self, principal: &[u8; 32], repository: &Repository) -> Result<Scope, ErrorKind> {
        let key = match &self.inner.root {
            Some(root) => &root.key,
            None => self.inner.substitute()?,
        };
        Ok(Scope::new(self.clone(), key.hash(&[b"principal", principal]), repository.clone()))
    }

    /// Runs blocking work on the cache's files; none if the cache is empty for good.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce(&Root) -> Option<T> + Send + 'static) -> Option<T> {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.root.as_ref().and_then(work)).await?
    }

    /// Runs work that keeps content and returns how many bytes were added. Returns whether it succeeded; an error only
    /// becomes the note.
    async fn keep(&self, work: impl FnOnce(&Root) -> io::Result<u64> + Send + 'static) -> bool {
        let inner = Arc::clone(&self.inner);
        let keep = move || {
            let Some(root) = &inner.root else { return false };
            let kept = work(root).and_then(|size| if size > 0 { evict::grown(root, size) } else { Ok(()) });
            kept.map_err(|error| inner.take_note(&error)).is_ok()
        };
        blocking(keep).await.unwrap_or(false)
    }
}

impl Inner {
    fn take_note(&self, error: &io::Error) {
        let mut note = self.note.lock();
        note.get_or_insert_with(|| text_of_note(&self.path, error));
    }

    fn substitute(&self) -> Result<&key::Key, ErrorKind> {
        if self.substitute.get().is_none() {
            let new = key::Key::random()?;
            return Ok(self.substitute.get_or_init(|| new));
        }
        self.substitute.get().ok_or_else(|| ErrorKind::Other("there is no key".to_owned()))
    }
}

fn text_of_note(path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some room, or give the cache less of it",
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "make it writable, or name another directory"
        }
        _ => "see to that directory, or name another",
    };
    format!("the cache {} cannot keep what was fetched: {error}; {remedy}", path.display())
}

/// Opens a cache. Blocks.
fn open(path: PathBuf, limit: u64) -> Result<Inner, ErrorKind> {
    let opened = match marker::open(&path) {
        Ok(directory) => Root::new(directory, limit),
        Err(Refused::Unfit(kind)) => return Err(kind),
        Err(Refused::Unwritable(error)) => Err(error),
    };
    let (root, note) = match opened {
        Ok(root) => (Some(root), None),
        Err(error) => (None, Some(text_of_note(&path, &error))),
    };
    Ok(Inner { path, limit, root, substitute: OnceLock::new(), note: Mutex::new(note) })
}

impl fmt::Debug for DiskCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskCache").field("path", &self.inner.path).field("limit", &self.inner.limit).finish()
    }
}
