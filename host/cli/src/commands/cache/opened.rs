//! The caches of a command, none of which it creates.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use refkit::AotCache;
use refkit_content::DiskCache;

use crate::caches;
use crate::directories::Directories;

/// The directories of the caches. Opening an absent cache would create it, so it stays closed.
pub struct Caches {
    /// The directory of content.
    pub content: PathBuf,
    /// That of compiled policies; none if the user names a directory, which is one of content.
    pub compiled: Option<PathBuf>,
}

impl Caches {
    /// Returns the caches: the one that the user names, or the user's own.
    ///
    /// # Errors
    /// An error if neither the user nor the environment names a directory.
    pub fn of(named: Option<&Path>, directories: &Directories) -> anyhow::Result<Self> {
        let content = std::path::absolute(caches::directory(named, directories)?)?;
        let compiled = directories.compiled.clone().filter(|_| named.is_none());
        Ok(Self { content, compiled })
    }

    /// Opens the cache of content, if there is one.
    ///
    /// # Errors
    /// The error of a cache that cannot be opened.
    pub async fn content(&self) -> anyhow::Result<Option<DiskCache>> {
        match is_absent(&self.content) {
            true => Ok(None),
            false => caches::open(&self.content).await.map(Some),
        }
    }

    /// Runs a function on the cache of compiled policies; `absent` is its result if there is no such cache yet.
    ///
    /// # Errors
    /// The error of a cache that cannot be opened, or that of the function.
    pub fn compiled<T>(
        &self,
        absent: impl FnOnce(&Path) -> T,
        read: impl FnOnce(&AotCache) -> io::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        let Some(directory) = &self.compiled else { return Ok(None) };
        if is_absent(directory) {
            return Ok(Some(absent(directory)));
        }
        let cache = caches::open_compiled(directory)?;
        let read = read(&cache).with_context(|| format!("cannot look after {}", directory.display()))?;
        Ok(Some(read))
    }

    /// Returns a note if there is no cache at all.
    pub fn note(&self) -> Option<String> {
        let absent = [Some(&self.content), self.compiled.as_ref()].into_iter().flatten().all(|at| is_absent(at));
        absent.then(|| "note: there is no cache yet".to_owned())
    }
}

/// Returns whether there is no cache in a directory: it does not exist, or nothing is in it.
fn is_absent(directory: &Path) -> bool {
    match directory.read_dir() {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
