//! How much the cache holds, and making it smaller: the entry that was not used for the longest time goes first.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::AotCache;
use super::cache::{ENTRY, UNFINISHED};

/// The file that is locked while entries are removed.
const LOCK: &str = "lock";

/// What a file takes on a disk at least, in bytes, and in steps of what: one block.
const BLOCK: u64 = 4096;

/// One part in so many of the limit is made free at once, so that a full cache is not searched at every write.
const SHARE: u64 = 16;

/// What the cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The directory.
    pub directory: PathBuf,
    /// The most bytes that the entries take.
    pub limit: u64,
    /// The bytes that they take, each file counted in blocks of 4 KiB.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
    /// When the cache was last used, to the minute; none if it is empty.
    pub newest_use: Option<SystemTime>,
    /// When the entry that goes first was last used.
    pub oldest_use: Option<SystemTime>,
    /// Files that processes left unfinished which are gone.
    pub unfinished: u64,
}

/// What to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// Everything.
    All,
    /// The entries that were not used for the longest time, until at most so many bytes are left.
    To(u64),
    /// The entries that were not used for so long.
    Unused(Duration),
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freed {
    /// Entries.
    pub entries: u64,
    /// The bytes that they took.
    pub bytes: u64,
    /// Files that processes left unfinished which are gone.
    pub unfinished: u64,
}

/// An entry's file.
struct Item {
    path: PathBuf,
    cost: u64,
    used: SystemTime,
}

impl AotCache {
    /// Returns what the cache holds. Blocks.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn info(&self) -> io::Result<Info> {
        let items = self.items()?;
        Ok(Info {
            directory: self.directory().to_owned(),
            limit: self.limit(),
            bytes: total(&items),
            entries: items.len() as u64,
            newest_use: items.iter().map(|item| item.used).max(),
            oldest_use: items.iter().map(|item| item.used).min(),
            unfinished: self.unfinished(false)?,
        })
    }

    /// Returns when each entry was last used, and the bytes that it takes. Blocks.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn uses(&self) -> io::Result<Vec<(SystemTime, u64)>> {
        Ok(self.items()?.into_iter().map(|item| (item.used, item.cost)).collect())
    }

    /// Removes entries, and the unfinished files of processes that are gone. Other processes may use the cache
    /// meanwhile: what they have loaded stays with them. Blocks.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn prune(&self, what: Prune) -> io::Result<Freed> {
        let _lock = self.lock_file().and_then(|lock| lock.lock().map(|()| lock))?;
        let items = self.items()?;
        let mut freed = match what {
            Prune::To(bytes) => shrink(items, bytes)?,
            Prune::All => remove(items.into_iter())?,
            Prune::Unused(time) => {
                let before = SystemTime::now().checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH);
                remove(items.into_iter().filter(|item| item.used < before))?
            }
        };
        freed.unfinished = self.unfinished(true)?;
        Ok(freed)
    }

    /// Returns whether an entry of so many bytes can be kept at all.
    pub(super) fn fits(&self, size: u64) -> bool {
        cost(size) <= self.low()
    }

    /// Returns to how many bytes the cache is brought once it exceeds its limit.
    fn low(&self) -> u64 {
        self.limit() - self.limit() / SHARE
    }

    /// Makes room where need be, and sweeps after processes that are gone.
    pub(super) fn bound(&self) -> io::Result<()> {
        let lock = self.lock_file()?;
        match lock.try_lock() {
            Ok(()) => {}
            // The process that holds it makes room for all.
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let items = self.items()?;
        if total(&items) > self.limit() {
            shrink(items, self.low())?;
        }
        self.unfinished(true).map(drop)
    }

    fn lock_file(&self) -> io::Result<File> {
        let flags = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        options.open(self.directory().join(LOCK))
    }

    fn items(&self) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for file in std::fs::read_dir(self.directory())? {
            let file = file?;
            if file.file_name().as_encoded_bytes().ends_with(ENTRY.as_bytes()) {
                // Another process may have removed it meanwhile.
                let Ok(metadata) = file.metadata() else { continue };
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                items.push(Item { path: file.path(), cost: cost(metadata.len()), used });
            }
        }
        Ok(items)
    }

    /// Returns how many unfinished files there are of processes that are gone, and removes them if asked to.
    pub(super) fn unfinished(&self, remove: bool) -> io::Result<u64> {
        let mut found = 0;
        for file in std::fs::read_dir(self.directory())? {
            let file = file?;
            let name = file.file_name();
            let plain = file.file_type().is_ok_and(|kind| kind.is_file());
            if !plain || !name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                continue;
            }
            // A file that was not locked yet is lost to its process, which compiles again the next time.
            let Ok(opened) = File::open(file.path()) else { continue };
            if opened.try_lock().is_ok() {
                if remove {
                    gone(std::fs::remove_file(file.path()))?;
                }
                found += 1;
            }
        }
        Ok(found)
    }
}

/// Returns what a file of so many bytes takes.
fn cost(size: u64) -> u64 {
    size.max(1).checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX)
}

fn total(items: &[Item]) -> u64 {
    items.iter().fold(0, |sum, item| sum.saturating_add(item.cost))
}

fn shrink(mut items: Vec<Item>, to: u64) -> io::Result<Freed> {
    items.sort_by(|one, other| one.used.cmp(&other.used).then_with(|| one.path.cmp(&other.path)));
    let mut left = total(&items);
    let over = |item: &Item| {
        let over = left > to;
        left = left.saturating_sub(item.cost);
        over
    };
    remove(items.into_iter().take_while(over))
}

fn remove(items: impl Iterator<Item = Item>) -> io::Result<Freed> {
    let mut freed = Freed::default();
    for item in items {
        gone(match item.path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(&item.path),
            _ => std::fs::remove_file(&item.path),
        })?;
        freed.entries += 1;
        freed.bytes = freed.bytes.saturating_add(item.cost);
    }
    Ok(freed)
}

/// A file that another process removed first is gone all the same.
pub(super) fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
