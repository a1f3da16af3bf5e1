//! Reports the contents of the cache, and prunes it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::evict::{self, Freed};
use super::root::{CREDENTIALS, LISTS, Root, TAGS, blocking};
use super::{DiskCache, unfinished};
use crate::Error;

/// The contents of a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Its directory.
    pub path: PathBuf,
    /// The most that it may hold, in bytes.
    pub limit: u64,
    /// The cost of all files in bytes, each counted in blocks of 4 KiB.
    pub bytes: u64,
    /// Contents: manifests, indexes, configs, and layers if they are kept.
    pub contents: u64,
    /// Grants: records that a registry returned content to a principal.
    pub grants: u64,
    /// Records of tags, each counted for each principal.
    pub tags: u64,
    /// Lists of tags and of referrers.
    pub lists: u64,
    /// The most recent use of a file, to the minute; none in an empty cache.
    pub newest_use: Option<SystemTime>,
    /// The least recent use of a file.
    pub oldest_use: Option<SystemTime>,
    /// Unfinished files of processes that have ended.
    pub unfinished: u64,
}

impl Info {
    /// Returns what a cache holds in which nothing is.
    pub fn empty(path: PathBuf, limit: u64) -> Self {
        Self {
            path,
            limit,
            bytes: 0,
            contents: 0,
            grants: 0,
            tags: 0,
            lists: 0,
            newest_use: None,
            oldest_use: None,
            unfinished: 0,
        }
    }
}

/// Which files to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// All files.
    All,
    /// The least recently used files, until no more than so many bytes are left.
    To(u64),
    /// The files that were not used for this long.
    Unused(Duration),
}

impl DiskCache {
    /// Returns the contents of the cache.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if a directory cannot be read.
    pub async fn info(&self) -> Result<Info, Error> {
        let inner = self.inner.clone();
        let count = move || {
            let empty = Info::empty(inner.path.clone(), inner.limit);
            inner.root.as_ref().map_or_else(|| Ok(empty.clone()), |root| count(root, empty.clone()))
        };
        let counted = blocking(count).await.unwrap_or_else(|| Err(std::io::Error::other("counting was cut short")));
        counted.map_err(|error| self.fail(error.into()))
    }

    /// Returns the last use and the cost of each file, by which [`Prune::To`] decides.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if a directory cannot be read.
    pub async fn uses(&self) -> Result<Vec<(SystemTime, u64)>, Error> {
        let inner = self.inner.clone();
        let scan = move || inner.root.as_ref().map_or_else(|| Ok(Vec::new()), evict::scan);
        let items = blocking(scan).await.unwrap_or_else(|| Err(std::io::Error::other("counting was cut short")));
        let items = items.map_err(|error| self.fail(error.into()))?;
        Ok(items.into_iter().map(|item| (item.used, item.cost)).collect())
    }

    /// Removes the files that the argument selects, and the unfinished files of processes that have ended. Other
    /// processes may use the cache at the same time; files that they add stay.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if a file cannot be removed.
    pub async fn prune(&self, what: Prune) -> Result<Freed, Error> {
        let inner = self.inner.clone();
        let prune = move || inner.root.as_ref().map_or_else(|| Ok(Freed::default()), |root| prune(root, what));
        let freed = blocking(prune).await.unwrap_or_else(|| Err(std::io::Error::other("pruning was cut short")));
        freed.map_err(|error| self.fail(error.into()))
    }
}

fn count(root: &Root, mut info: Info) -> std::io::Result<Info> {
    let items = evict::scan(root)?;
    info.bytes = evict::total(&items);
    for item in &items {
        *match item.place {
            ["blobs", ..] => &mut info.contents,
            TAGS => &mut info.tags,
            LISTS => &mut info.lists,
            CREDENTIALS => continue,
            _ => &mut info.grants,
        } += 1;
    }
    info.newest_use = items.iter().map(|item| item.used).max();
    info.oldest_use = items.iter().map(|item| item.used).min();
    info.unfinished = unfinished::sweep(&root.directory, false)?;
    Ok(info)
}

fn prune(root: &Root, what: Prune) -> std::io::Result<Freed> {
    let _lock = evict::lock(&root.directory)?;
    let mut items = evict::scan(root)?;
    let mut freed = Freed::default();
    match what {
        Prune::To(bytes) => freed = evict::shrink(root, &mut items, bytes)?,
        Prune::All | Prune::Unused(_) => {
            let before = match what {
                Prune::Unused(time) => SystemTime::now().checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH),
                _ => SystemTime::now(),
            };
            for item in items.iter().filter(|item| what == Prune::All || item.used < before) {
                evict::remove(root, item, &mut freed)?;
            }
        }
    }
    freed.unfinished = unfinished::sweep(&root.directory, true)?;
    Ok(freed)
}
