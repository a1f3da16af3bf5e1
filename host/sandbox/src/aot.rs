//! Code that was compiled ahead of time: in the cache on disk, and beside a program or a component in an image.
//!
//! Loading such code is running it. So an entry is loaded only if no other user can have written it, and only if it is
//! whole: the directory and the file belong to this user alone, and the file holds a digest of its code, its component
//! and its engine. Shipped code is loaded only if everyone who can write it could replace the program as well.
#![allow(unsafe_code)]

mod cache;
mod entry;
mod evict;
mod shipped;
mod verify;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

pub use cache::AotCache;
pub(crate) use entry::{Key, write};
pub use evict::{Freed, Info, Prune};
pub use shipped::Shipped;
pub use verify::{Checked, Wrong};

/// The largest entry that is read, bytes: about 20 times the largest component.
pub(crate) const MAX_ENTRY: u64 = 640 << 20;

/// Returns the component in an entry that is whole and was made of this component by such an engine.
///
/// # Errors
/// Why it is not loaded, for a person.
///
/// # Safety
/// Everyone who can have written the file, or can write it now, may run any code in this process.
pub(crate) unsafe fn load(engine: &wasmtime::Engine, file: &File, key: &Key) -> Result<Component, String> {
    if entry::check(file)? != *key {
        return Err("it is the code of another component, or for another engine".to_owned());
    }
    // SAFETY: the caller vouches for the bytes.
    unsafe { map(engine, file, entry::TRAILER) }
}

/// Returns the component in a file that was checked: code, and a trailer of so many bytes.
///
/// # Errors
/// Why wasmtime does not load it, for a person.
///
/// # Safety
/// As for [`load`].
unsafe fn map(engine: &wasmtime::Engine, file: &File, trailer: usize) -> Result<Component, String> {
    // The file itself, whatever its path leads to by now. wasmtime maps it, so memory holds only the pages in use.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: the caller vouches for the bytes.
    if let Ok(component) = unsafe { Component::deserialize_file(engine, path) } {
        return Ok(component);
    }
    // A file system without executable files, or a container without /proc.
    let mut bytes = read(file).ok_or("it cannot be read")?;
    bytes.truncate(bytes.len().saturating_sub(trailer));
    // SAFETY: as above.
    unsafe { Component::deserialize(engine, bytes) }.map_err(|error| crate::error::first_line(&error))
}

/// Returns the code in a whole entry of this component, for whatever machine.
pub(crate) fn code(file: &File, component: &[u8]) -> Option<Vec<u8>> {
    if entry::check(file).ok()?.component()[..] != Sha256::digest(component)[..] {
        return None;
    }
    read(file).map(entry::without_trailer)
}

/// Reads a file of limited size from its beginning.
fn read(mut file: &File) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(MAX_ENTRY).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Opens a plain file of limited size, if its metadata suit.
fn open_own(path: &Path, own: impl Fn(&Metadata) -> bool) -> Option<File> {
    // O_NOFOLLOW and O_NONBLOCK: a link is not followed, and a pipe is not waited for.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    (metadata.is_file() && own(&metadata) && metadata.len() <= MAX_ENTRY).then_some(file)
}

/// Returns whether a file or directory belongs to this user, and no other user may write to it.
fn private(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}
