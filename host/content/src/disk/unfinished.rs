//! Files on their way into the cache, and what becomes of those whose process was killed.
//!
//! All of them lie in one directory. Each process has a file there that it holds a lock on, `NAME`, and calls its
//! unfinished ones `NAME.1`, `NAME.2` and so on. The kernel gives the lock up when the process ends, however it ends:
//! the one that gets it sweeps the files of that process.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, Hasher as _};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::directory::{Directory, Found};

/// The directory's name in the cache.
pub(super) const PLACE: &str = "unfinished";

/// How often a process tries to get a name of its own. Names are random; a sweeper may take one in its first moment.
const ATTEMPTS: usize = 100;

/// What makes the unfinished files of this process known as its own. All methods block.
#[derive(Debug)]
pub(super) struct Owner {
    directory: Directory,
    name: String,
    /// Its lock lasts as long as it is open.
    _lock: File,
    count: AtomicU64,
}

impl Owner {
    /// Takes a name in a cache.
    pub fn new(root: &Directory) -> io::Result<Arc<Self>> {
        let directory = root.make_below(PLACE)?;
        for _ in 0..ATTEMPTS {
            let name = format!("{:016x}", RandomState::new().build_hasher().finish());
            let lock = match directory.create(&name) {
                Ok(lock) => lock,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            };
            // A sweeper that saw the file before it was locked has removed it, or is about to.
            match lock.try_lock() {
                Ok(()) if rustix::fs::fstat(&lock)?.st_nlink > 0 => {}
                Ok(()) | Err(TryLockError::WouldBlock) => {
                    directory.remove(&name)?;
                    continue;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            return Ok(Arc::new(Self { directory, name, _lock: lock, count: AtomicU64::new(0) }));
        }
        Err(io::Error::other(format!("no name can be had in `{PLACE}`")))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // What cannot be removed is swept by the next process.
        let _ = self.directory.remove(&self.name);
    }
}

/// A file that has no place yet; it is removed if it never gets one. All methods block.
#[derive(Debug)]
pub(super) struct Unfinished {
    owner: Arc<Owner>,
    name: String,
    file: File,
}

impl Unfinished {
    /// Begins a file.
    pub fn new(owner: &Arc<Owner>) -> io::Result<Self> {
        let name = format!("{}.{}", owner.name, owner.count.fetch_add(1, Ordering::Relaxed));
        let file = owner.directory.create(&name)?;
        Ok(Self { owner: Arc::clone(owner), name, file })
    }

    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Returns the file to read from while it grows, and afterwards.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Gives the file its place, and has all of it on the disk before that and its name after that.
    pub fn finish(self, directory: &Directory, name: &str) -> io::Result<()> {
        self.file.sync_all()?;
        self.owner.directory.rename(&self.name, directory, name)?;
        directory.sync()
    }

    /// Gives the file its place without waiting for the disk: if the power fails now, what is there afterwards may be
    /// nothing or cut short.
    pub fn finish_lightly(self, directory: &Directory, name: &str) -> io::Result<()> {
        self.owner.directory.rename(&self.name, directory, name)
    }

    /// Gives the file a place where nothing is yet.
    pub fn link(self, directory: &Directory, name: &str) -> io::Result<()> {
        self.file.sync_all()?;
        self.owner.directory.link(&self.name, directory, name)?;
        directory.sync()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Under its new name nothing happens to it.
        let _ = self.owner.directory.remove(&self.name);
    }
}

/// Returns how many files processes left that are gone, and removes them if told to. Blocks.
pub(super) fn sweep(root: &Directory, remove: bool) -> io::Result<u64> {
    let Some(directory) = root.below(PLACE)? else { return Ok(0) };
    let mut by_owner: BTreeMap<OsString, Vec<OsString>> = BTreeMap::new();
    for name in directory.names()? {
        by_owner.entry(owner_of(&name).to_owned()).or_default().push(name);
    }
    let mut left = 0;
    for (owner, mut names) in by_owner {
        let _lock = match directory.file(&owner)? {
            Found::File(lock) => match lock.try_lock() {
                Ok(()) => Some(lock),
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            },
            // An owner is there before its first file, and stays until its last one is gone.
            Found::Nothing | Found::Damaged(_) => None,
        };
        // What an owner left goes before the file that makes it known.
        names.sort_by_key(|name| *name == owner);
        for name in names {
            let gone = if remove { directory.remove(&name)? } else { directory.stat(&name)?.is_some() };
            left += u64::from(gone);
        }
    }
    Ok(left)
}

fn owner_of(name: &OsStr) -> &OsStr {
    let owner = name.to_str().and_then(|text| text.split_once('.')).map(|(owner, _)| OsStr::new(owner));
    owner.unwrap_or(name)
}
