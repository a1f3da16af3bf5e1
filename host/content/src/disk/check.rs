//! Checks every file in the cache.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;

use refkit_oci::Digest;
use refkit_oci::escape::Escaped;

use super::blob::{digest_of, read_all};
use super::directory::{Directory, Found};
use super::root::{PLACES, Place, Root, blocking};
use super::{DiskCache, record, unfinished};
use crate::verify::MANIFEST_LIMIT;
use crate::{Error, ErrorKind, Operation};

/// The result of a check of all files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Contents that were read and hashed.
    pub contents: u64,
    /// Records that were read.
    pub records: u64,
    /// The bytes of contents and records.
    pub bytes: u64,
    /// The damaged files, in no order.
    pub wrong: Vec<Wrong>,
    /// How many of them were removed: all, if the caller asked for repair.
    pub removed: u64,
    /// Unfinished files of processes that have ended. They are no damage; a repair removes them.
    pub unfinished: u64,
}

/// A damaged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its path below the cache's directory.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

impl DiskCache {
    /// Reads every file in the cache and checks it: content against its digest, records against their seals. With
    /// `repair`, damaged files are removed, and are fetched at the next request. Other processes may use the cache
    /// during the check.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if a directory cannot be read or a file cannot be removed.
    pub async fn verify(&self, repair: bool) -> Result<Checked, Error> {
        let inner = self.inner.clone();
        let check = move || inner.root.as_ref().map_or_else(|| Ok(Checked::default()), |root| check(root, repair));
        let checked = blocking(check).await.unwrap_or_else(|| Err(std::io::Error::other("checking was cut short")));
        checked.map_err(|error| self.fail(error.into()))
    }

    pub(super) fn fail(&self, kind: ErrorKind) -> Error {
        Error::new(Operation::Open, self.inner.path.display(), kind)
    }
}

/// Checks all subdirectories. Blocks.
fn check(root: &Root, repair: bool) -> std::io::Result<Checked> {
    let mut checked = Checked::default();
    for place in PLACES {
        let Some(directory) = root.place(place)? else {
            check_place(root, place, repair, &mut checked)?;
            continue;
        };
        for name in directory.names()? {
            if let Err(what) = check_file(root, place, &directory, &name, &mut checked)? {
                let path = format!("{}/{}", place.join("/"), Escaped(name.to_string_lossy()));
                checked.wrong.push(Wrong { path, what });
                checked.removed += u64::from(repair && directory.remove(&name)?);
            }
        }
    }
    checked.unfinished = unfinished::sweep(&root.directory, repair)?;
    Ok(checked)
}

/// Checks one subdirectory. An absent one is in order; a file in its place is not.
fn check_place(root: &Root, place: Place, repair: bool, checked: &mut Checked) -> std::io::Result<()> {
    let mut below: Option<Directory> = None;
    for (depth, step) in place.iter().enumerate() {
        let at = below.as_ref().unwrap_or(&root.directory);
        if let Some(next) = at.below(step)? {
            below = Some(next);
            continue;
        }
        let path = place[..=depth].join("/");
        let known = checked.wrong.iter().any(|wrong| wrong.path == path);
        if at.stat(step)?.is_some() && !known {
            checked.wrong.push(Wrong { path, what: "it is no directory".to_owned() });
            checked.removed += u64::from(repair && at.remove(step)?);
        }
        return Ok(());
    }
    Ok(())
}

fn check_file(
    root: &Root,
    place: Place,
    directory: &Directory,
    name: &OsStr,
    checked: &mut Checked,
) -> std::io::Result<Result<(), String>> {
    let file = match directory.file(name)? {
        Found::File(file) => file,
        // Another process has removed the file since.
        Found::Nothing => return Ok(Ok(())),
        Found::Damaged(what) => return Ok(Err(what)),
    };
    let Some(text) = name.to_str() else { return Ok(Err("its name is none of the cache's".to_owned())) };
    Ok(match place {
        ["blobs", algorithm] => check_content(&format!("{algorithm}:{text}"), &file, checked),
        _ => check_record(root, place, text, &file, checked),
    })
}

fn check_content(digest: &str, file: &File, checked: &mut Checked) -> Result<(), String> {
    let digest = Digest::try_from(digest.to_owned()).map_err(|error| error.to_string())?;
    let (actual, size) = digest_of(file, digest.algorithm()).map_err(|error| format!("it cannot be read: {error}"))?;
    checked.contents += 1;
    checked.bytes += size;
    if actual == digest.as_str() { Ok(()) } else { Err(format!("its content has the digest {actual}")) }
}

fn check_record(root: &Root, place: Place, name: &str, file: &File, checked: &mut Checked) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let size = file.metadata().map_err(unreadable)?.len();
    if size > MANIFEST_LIMIT {
        return Err(format!("it has {size} bytes, more than any record"));
    }
    let bytes = read_all(file, size).map_err(unreadable)?;
    checked.records += 1;
    checked.bytes += size;
    record::check(root, place, name, &bytes).map_err(str::to_owned)
}
