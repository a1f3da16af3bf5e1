//! Keeping to the limit: what was not used for the longest time goes first, whatever it is.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::time::SystemTime;

use super::directory::Directory;
use super::root::{PLACES, Place, Root};

/// What a file takes on a disk at least, in bytes, and in steps of what: one block.
const BLOCK: u64 = 4096;

/// One part in so many of the limit is made free at once, so that a full cache is not searched at every write; and as
/// much may come from one process before it looks again what came from others.
const SHARE: u64 = 16;

/// What this process knows of how full the cache is.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// What all cost when they were last counted, and what has come from here since then; nobody has counted yet if
    /// there is none.
    known: Option<u64>,
    since: u64,
}

/// A file that comes and goes.
pub(super) struct Item {
    pub place: Place,
    pub name: OsString,
    pub cost: u64,
    pub used: SystemTime,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freed {
    /// Contents.
    pub contents: u64,
    /// What the cache knew of tags, lists and rights.
    pub records: u64,
    /// The bytes that all of them took.
    pub bytes: u64,
    /// Unfinished files of processes that are gone.
    pub unfinished: u64,
}

/// Returns what a file of so many bytes costs.
pub(super) fn cost(size: u64) -> u64 {
    size.max(1).checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX)
}

/// Returns whether content of that size can be kept at all.
pub(super) fn fits(root: &Root, size: u64) -> bool {
    cost(size) <= low(root.limit)
}

/// Returns to what the cache is brought once it exceeds its limit.
fn low(limit: u64) -> u64 {
    limit - limit / SHARE
}

/// Takes note of what has come, and makes room where need be. Blocks.
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
        // The process that holds the lock makes room for all.
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

/// Returns all files that come and go.
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

/// Returns what files cost together.
pub(super) fn total(items: &[Item]) -> u64 {
    items.iter().fold(0, |sum, item| sum.saturating_add(item.cost))
}

/// Removes files until what is left costs no more than that. The lock is held.
pub(super) fn shrink(root: &Root, items: &mut [Item], to: u64) -> io::Result<Freed> {
    items.sort_by(|one, other| one.used.cmp(&other.used).then_with(|| one.name.cmp(&other.name)));
    let mut left = total(items);
    let mut freed = Freed::default();
    for item in items.iter() {
        if left <= to {
            break;
        }
        // Somebody may have used it while others were removed.
        let now = root.place(item.place)?.map(|directory| directory.stat(&item.name)).transpose()?.flatten();
        if now.is_none_or(|now| now.used == item.used) {
            remove(root, item, &mut freed)?;
            left -= item.cost;
        }
    }
    Ok(freed)
}

/// Removes one file. Another process may have been first; it counts all the same, as it is gone.
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
