//! Keeps the cache within its limit: the least recently used files go first, whatever their kind.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::time::SystemTime;

use super::directory::Directory;
use super::root::{PLACES, Place, Root};

/// The least that a file takes on a disk, and the unit of its cost: one block, in bytes.
const BLOCK: u64 = 4096;

/// The fraction of the limit that an eviction frees, so that a full cache is not scanned at every write. A process
/// also scans for the files of other processes after it has added this much.
const SHARE: u64 = 16;

/// How full the cache is, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// The cost of all files at the last scan and of those that this process has added since; none before the first
    /// scan.
    known: Option<u64>,
    since: u64,
}

/// A file that may be evicted.
pub(super) struct Item {
    pub place: Place,
    pub name: OsString,
    pub cost: u64,
    pub used: SystemTime,
}

/// The removed files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freed {
    /// Contents.
    pub contents: u64,
    /// Records of tags, lists and grants.
    pub records: u64,
    /// The bytes that all of them took.
    pub bytes: u64,
    /// Unfinished files of processes that have ended.
    pub unfinished: u64,
}

/// Returns the cost of a file of this size.
pub(super) fn cost(size: u64) -> u64 {
    size.max(1).checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX)
}

/// Returns whether the cache can keep content of this size.
pub(super) fn fits(root: &Root, size: u64) -> bool {
    cost(size) <= low(root.limit)
}

/// Returns the cost to which a full cache is reduced.
fn low(limit: u64) -> u64 {
    limit - limit / SHARE
}

/// Counts added bytes, and evicts files if the cache exceeds its limit. Blocks.
pub(super) fn grown(root: &Root, size: u64) -> io::Result<()> {
    let due = {
        let mut usage = root.usage.lock();
        usage.since = usage.since.saturating_add(cost(size));
        let over = |known: u64| known.saturating_add(usage.since) > root.limit;
        usage.known.is_none_or(over) || usage.since > root.limit / SHARE
    };
    if !due {
        return Ok(());
    }
    let lock = lock_file(&root.directory)?;
    match lock.try_lock() {
        Ok(()) => {}
        // The process that holds the lock evicts for all.
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut items = scan(root)?;
    let mut all = total(&items);
    if all > root.limit {
        all -= shrink(root, &mut items, low(root.limit))?.bytes;
    }
    *root.usage.lock() = Usage { known: Some(all), since: 0 };
    Ok(())
}

/// Waits until no other process removes entries. The lock lasts as long as the file is open.
pub(super) fn lock(directory: &Directory) -> io::Result<File> {
    let file = lock_file(directory)?;
    file.lock()?;
    Ok(file)
}

fn lock_file(directory: &Directory) -> io::Result<File> {
    directory.open_or_create("lock")
}

/// Returns all files that may be evicted.
pub(super) fn scan(root: &Root) -> io::Result<Vec<Item>> {
    let mut items = Vec::new();
    for place in PLACES {
        let Some(directory) = root.place(place)? else { continue };
        for name in directory.names()? {
            if let Some(stat) = directory.stat(&name)? {
                items.push(Item { place, name, cost: cost(stat.size), used: stat.used });
            }
        }
    }
    Ok(items)
}

/// Returns the cost of all files together.
pub(super) fn total(items: &[Item]) -> u64 {
    items.iter().fold(0, |sum, item| sum.saturating_add(item.cost))
}

/// Removes files until the rest costs no more than `to`. The caller holds the lock.
pub(super) fn shrink(root: &Root, items: &mut [Item], to: u64) -> io::Result<Freed> {
    items.sort_by(|one, other| one.used.cmp(&other.used).then_with(|| one.name.cmp(&other.name)));
    let mut left = total(items);
    let mut freed = Freed::default();
    for item in items.iter() {
        if left <= to {
            break;
        }
        // Another process may have used the file since the scan.
        let now = root.place(item.place)?.map(|directory| directory.stat(&item.name)).transpose()?.flatten();
        if now.is_none_or(|now| now.used == item.used) {
            remove(root, item, &mut freed)?;
            left -= item.cost;
        }
    }
    Ok(freed)
}

/// Removes one file. It counts even if another process has removed it first.
pub(super) fn remove(root: &Root, item: &Item, freed: &mut Freed) -> io::Result<()> {
    if let Some(directory) = root.place(item.place)? {
        directory.remove(&item.name)?;
    }
    match item.place {
        ["blobs", ..] => freed.contents += 1,
        _ => freed.records += 1,
    }
    freed.bytes = freed.bytes.saturating_add(item.cost);
    Ok(())
}
