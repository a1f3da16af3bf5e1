//! Compiled components on disk, between processes.

use std::fs::{DirBuilder, File};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use wasmtime::component::Component;

use super::{Key, load, open_own, private};

/// What the names of files begin with that are not finished, and of no other files.
pub(super) const UNFINISHED: &str = ".";

/// The end of an entry's name.
pub(super) const ENTRY: &str = ".cwasm";

/// How old the last use may be before the cache writes down a new one: a minute, which spares most writes.
const USE_GRAIN: Duration = Duration::from_secs(60);

/// A directory of compiled components, shared by the processes of one user, of limited size.
#[derive(Debug, Clone)]
pub struct AotCache {
    directory: PathBuf,
    limit: u64,
}

impl AotCache {
    /// Returns the cache in a directory, and makes the directory where there is none, for this user alone.
    ///
    /// The entries take at most `limit` bytes, each file counted in blocks of 4 KiB. Above that the cache removes
    /// those that were not used for the longest time. An entry that is larger than the limit is not kept.
    ///
    /// # Errors
    /// When it cannot be made, is no directory, belongs to another user, or other users may write to it.
    pub fn open(directory: impl Into<PathBuf>, limit: u64) -> io::Result<Self> {
        let directory = directory.into();
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let metadata = std::fs::symlink_metadata(&directory)?;
        if !metadata.is_dir() || !private(&metadata) {
            let text = format!("{} must be a directory that only its owner can write to", directory.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        Ok(Self { directory, limit })
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the most bytes that the entries take.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Returns the component that was compiled before, if its entry is there and whole. Blocks.
    pub(crate) fn load(&self, engine: &wasmtime::Engine, key: &Key) -> Option<Component> {
        let file = open_own(&self.directory.join(key.name()), private)?;
        // SAFETY: only this user can have written the file, into a directory that only this user can write to; and
        // this crate writes nothing there but wasmtime's own output.
        let component = unsafe { load(engine, &file, key) }.ok()?;
        used(&file);
        Some(component)
    }

    /// Keeps an entry, and brings the cache back to its limit. Blocks.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) fn keep(&self, key: &Key, mut entry: &File) -> io::Result<()> {
        if !self.fits(entry.metadata()?.len()) {
            return Ok(());
        }
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.directory)?;
        // The lock shows other processes that this one is still there: the kernel drops it when this one ends.
        let _ = file.as_file().try_lock();
        entry.seek(SeekFrom::Start(0))?;
        io::copy(&mut entry, file.as_file_mut())?;
        file.as_file().sync_all()?;
        let path = self.directory.join(key.name());
        // A directory in the entry's place would stay there for ever.
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            std::fs::remove_dir_all(&path)?;
        }
        file.persist(path)?;
        self.bound()
    }
}

/// Writes down that an entry is used now.
fn used(file: &File) {
    let now = SystemTime::now();
    let last = file.metadata().and_then(|metadata| metadata.modified());
    // A use in the future comes of a clock that was wrong, and would keep the entry for ever.
    if last.is_ok_and(|last| now.duration_since(last).map_or(true, |since| since >= USE_GRAIN)) {
        // If nothing can be written, nothing is removed either.
        let _ = file.set_modified(now);
    }
}
