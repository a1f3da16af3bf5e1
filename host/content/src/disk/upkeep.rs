//! What is in the cache, and making it smaller.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::evict::{self, Freed};
use super::root::{CREDENTIALS, LISTS, Root, TAGS, blocking};
use super::{DiskCache, unfinished};
use crate::Error;

/// What a cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Where it is.
    pub path: PathBuf,
    /// The most that it may hold, in bytes.
    pub limit: u64,
    /// What everything takes, in bytes, each file counted in blocks of 4 KiB.
    pub bytes: u64,
    /// Contents: manifests, indexes, configs, and layers where they are kept.
    pub contents: u64,
    /// Rights: that a registry handed a content to a principal.
    pub grants: u64,
    /// Tags that are known, each counted for each principal.
    pub tags: u64,
    /// Lists of tags and of referrers.
    pub lists: u64,
    /// When what was used last of all was used, to the minute; none in an empty cache.
    pub newest_use: Option<SystemTime>,
    /// When what goes first was used.
    pub oldest_use: Option<SystemTime>,
    /// Unfinished files of processes that are gone.
    pub unfinished: u64,
}

/// What to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// Everything.
    All,
    /// What was not used for the longest time, until no more than so many bytes are left.
    To(u64),
    /// What was not used for so long.
    Unused(Duration),
}

impl DiskCache {
    /// Returns what the cache holds.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where a directory cannot be read.
    pub async fn info(&self) -> Result<Info, Error> {
        let inner = self.inner.clone();
        let count = move || {
            let empty = Info {
                path: inner.path.clone(),
                limit: inner.limit,
                bytes: 0,
                contents: 0,
                grants: 0,
                tags: 0,
                lists: 0,
                newest_use: None,
                oldest_use: None,
                unfinished: 0,
            };
            inner.root.as_ref().map_or_else(|| Ok(empty.clone()), |root| count(root, empty.clone()))
        };
        let counted = blocking(count).await.unwrap_or_else(|| Err(std::io::Error::other("counting was cut short")));
        counted.map_err(|error| self.fail(error.into()))
    }

    /// Returns when each file was last used, and the bytes that it takes: what [`Prune::To`] decides by.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where a directory cannot be read.
    pub async fn uses(&self) -> Result<Vec<(SystemTime, u64)>, Error> {
        let inner = self.inner.clone();
        let scan = move || inner.root.as_ref().map_or_else(|| Ok(Vec::new()), evict::scan);
        let items = blocking(scan).await.unwrap_or_else(|| Err(std::io::Error::other("counting was cut short")));
        let items = items.map_err(|error| self.fail(error.into()))?;
        Ok(items.into_iter().map(|item| (item.used, item.cost)).collect())
    }

    /// Removes what the argument names, and the unfinished files of processes that have ended. Other processes may use the cache
    /// meanwhile; what they bring stays.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where something cannot be removed.
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
