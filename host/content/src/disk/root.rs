//! The layout of the cache's files, and how they are created.
//!
//! ```text
//! refkit-cache           what the directory is, and in which format
//! key                    the secret that names are hashed with
//! lock                   held by the process that removes what was not used for long
//! blobs/ALGORITHM/HEX    content, under its digest, once for all
//! grants/HASH            that a registry returned content to a principal, one file for each of them
//! tags/HASH              what a tag named, for whom, and when
//! lists/HASH             tags and referrers of a repository, for whom, and when
//! credentials/HASH       marks a repository whose registry has answered to credentials
//! unfinished/            files that have no place yet
//! ```

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::directory::{Directory, Found};
use super::evict::Usage;
use super::key::Key;
use super::unfinished::{self, Owner, Unfinished};

/// How old a last use may be before it is written again: a minute. That is far finer than eviction needs, and saves a
/// write at nearly every read.
const USE_GRAIN: Duration = Duration::from_secs(60);

/// A subdirectory, as the steps below the root.
pub(super) type Place = &'static [&'static str];

pub(super) const GRANTS: Place = &["grants"];
pub(super) const TAGS: Place = &["tags"];
pub(super) const LISTS: Place = &["lists"];
pub(super) const CREDENTIALS: Place = &["credentials"];

/// All of them.
pub(super) const PLACES: [Place; 7] =
    [&["blobs", "sha256"], &["blobs", "sha384"], &["blobs", "sha512"], GRANTS, TAGS, LISTS, CREDENTIALS];

/// The files of a cache. All methods block.
#[derive(Debug)]
pub(super) struct Root {
    pub directory: Directory,
    pub key: Key,
    /// The most that the files may cost, in bytes.
    pub limit: u64,
    pub usage: Mutex<Usage>,
    /// The identity of this handle among the processes; none until it first writes.
    owner: Mutex<Option<Arc<Owner>>>,
}

impl Root {
    /// Takes a cache's directory, and gives it a key if it has none.
    pub fn new(directory: Directory, limit: u64) -> io::Result<Self> {
        let (key, owner) = match Key::read(&directory)? {
            Some(key) => (key, None),
            None => {
                let owner = Owner::new(&directory)?;
                (Key::put(&directory, Unfinished::new(&owner)?)?, Some(owner))
            }
        };
        Ok(Self { directory, key, limit, usage: Mutex::default(), owner: Mutex::new(owner) })
    }

    /// Opens a subdirectory; none if it is absent or no directory.
    pub fn place(&self, place: Place) -> io::Result<Option<Directory>> {
        let mut below: Option<Directory> = None;
        for step in place {
            match below.as_ref().unwrap_or(&self.directory).below(step)? {
                Some(opened) => below = Some(opened),
                None => return Ok(None),
            }
        }
        Ok(below)
    }

    /// Opens a subdirectory, and creates it if it is absent.
    pub fn make_place(&self, place: Place) -> io::Result<Directory> {
        let mut below: Option<Directory> = None;
        for step in place {
            below = Some(below.as_ref().unwrap_or(&self.directory).make_below(step)?);
        }
        below.ok_or_else(|| io::Error::other("no place"))
    }

    /// Opens a file. Anything else of that name, or an unreadable file, is removed, so that it is fetched again.
    pub fn open(&self, place: Place, name: &str) -> Option<File> {
        let directory = self.place(place).ok()??;
        match directory.file(name).ok()? {
            Found::File(file) => Some(file),
            Found::Nothing => None,
            Found::Damaged(_) => {
                let _ = directory.remove(name);
                None
            }
        }
    }

    /// Removes a file. If that fails, the next reader tries again.
    pub fn remove(&self, place: Place, name: &str) {
        if let Ok(Some(directory)) = self.place(place) {
            let _ = directory.remove(name);
        }
    }

    /// Begins a file. The first one registers this process, and sweeps the files of processes that have ended.
    pub fn begin(&self) -> io::Result<Unfinished> {
        let mut owner = self.owner.lock();
        let known = match &*owner {
            Some(known) => Arc::clone(known),
            None => {
                let new = Owner::new(&self.directory)?;
                // A failed sweep does not prevent writing.
                let _ = unfinished::sweep(&self.directory, true);
                Arc::clone(owner.insert(new))
            }
        };
        drop(owner);
        Unfinished::new(&known)
    }
}

/// Sets the last use of a file to now.
pub(super) fn touch(file: &File) {
    let now = SystemTime::now();
    let Ok(last) = file.metadata().and_then(|metadata| metadata.modified()) else { return };
    // A time in the future comes from a wrong clock, and would stay forever.
    if now.duration_since(last).is_ok_and(|since| since < USE_GRAIN) {
        return;
    }
    // A cache that cannot be written evicts nothing either.
    let _ = file.set_modified(now);
}

/// Runs blocking work on a thread that may block; none if the process is about to end.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
