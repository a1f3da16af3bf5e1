//! Unfinished files of the cache, and the sweep of those whose process was killed.
//!
//! All of them are in one directory. Each process has a locked file there, `NAME`, and calls its unfinished files
//! `NAME.1`, `NAME.2` and so on. The kernel releases the lock when the process ends, however it ends; a process that
//! then takes the lock removes the files of the ended one.

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

/// How often a process tries to get a name of its own. Names are random; a sweep may remove a new file before it is
/// locked.
const ATTEMPTS: usize = 100;

/// The identity of this process among the owners of unfinished files. All methods block.
#[derive(Debug)]
pub(super) struct Owner {
    directory: Directory,
    name: String,
    /// The lock lasts as long as this file is open.
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
            // A sweep that found the file before it was locked has removed it, or is about to.
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
        // The next process sweeps what cannot be removed.
        let _ = self.directory.remove(&self.name);
    }
}

/// A file without its final path; it is removed if it never gets one. All methods block.
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

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Returns the file for readers, while it grows and afterwards.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Syncs the file, moves it to its final path, and syncs that directory.
    pub fn finish(self, directory: &Directory, name: &str) -> io::Result<()> {
        self.file.sync_all()?;
        self.owner.directory.rename(&self.name, directory, name)?;
        directory.sync()
    }

    /// Moves the file to its final path without a sync: after a power failure the file may be absent or truncated.
    pub fn finish_lightly(self, directory: &Directory, name: &str) -> io::Result<()> {
        self.owner.directory.rename(&self.name, directory, name)
    }

    /// Links the file to a path that is not taken.
    pub fn link(self, directory: &Directory, name: &str) -> io::Result<()> {
        self.file.sync_all()?;
        self.owner.directory.link(&self.name, directory, name)?;
        directory.sync()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // This removes only the first name.
        let _ = self.owner.directory.remove(&self.name);
    }
}

/// Returns how many files ended processes have left, and removes them if `remove` is set. Blocks.
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
            // An owner's file exists before its first unfinished file, and until its last one is gone.
            Found::Nothing | Found::Damaged(_) => None,
        };
        // The unfinished files of an owner go before the file of the owner itself.
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
