//! The directory of a cache: its owner, and the file that marks it as a cache.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;

use refkit_oci::escape::Escaped;

use super::directory::{Directory, Found};
use crate::ErrorKind;

/// The file that marks a directory as a cache.
pub(super) const NAME: &str = "refkit-cache";

/// The content of that file. The number changes whenever an older program would misread the cache.
const TEXT: &[u8] = b"RefKit content cache, format 1\n";

/// Names that a separate file system may have beside the cache.
const FOREIGN: [&str; 1] = ["lost+found"];

/// Why a directory cannot be a cache.
pub(super) enum Refused {
    /// It must not be used: the caller gets the error.
    Unfit(ErrorKind),
    /// It cannot be created or written; a run can do without a cache.
    Unwritable(io::Error),
}

/// Opens the directory of a cache, and creates it if it is absent. Blocks.
pub(super) fn open(path: &Path) -> Result<Directory, Refused> {
    let directory = match Directory::named(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unwritable)?;
            Directory::named(path)
        }
        other => other,
    };
    let directory = directory.map_err(|error| Refused::Unfit(error.into()))?;
    check_owner(&directory)?;
    check_format(&directory)?;
    Ok(directory)
}

fn unwritable(error: io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Refused::Unfit(error.into()),
        _ => Refused::Unwritable(error),
    }
}

fn unfit(what: impl Into<String>) -> Refused {
    Refused::Unfit(ErrorKind::Malformed(what.into()))
}

/// Checks the owner and the mode: a user who can write into the cache can change what a tag names.
fn check_owner(directory: &Directory) -> Result<(), Refused> {
    let stat = directory.stat_self().map_err(Refused::Unwritable)?;
    let own = rustix::process::geteuid().as_raw();
    if stat.owner != own {
        return Err(unfit(format!(
            "the cache's directory belongs to user {}, and this is user {own}: name one of your own",
            stat.owner
        )));
    }
    if stat.mode & 0o022 != 0 {
        return Err(unfit(format!(
            "the cache's directory can be written by others (mode {:04o}): run `chmod 700` on it",
            stat.mode & 0o7777
        )));
    }
    Ok(())
}

fn check_format(directory: &Directory) -> Result<(), Refused> {
    if let Some(known) = read(directory)? {
        return known;
    }
    // Another process may have created it in the meantime.
    let foreign = |name: &std::ffi::OsString| name != NAME && !FOREIGN.iter().any(|known| name == known);
    let names = directory.names().map_err(Refused::Unwritable)?;
    if names.iter().any(foreign) && !names.iter().any(|name| name == NAME) {
        return Err(unfit("the directory holds other files, but no cache: name an empty one"));
    }
    write(directory).map_err(Refused::Unwritable)
}

/// Returns the result of reading the file; none if it has to be written.
fn read(directory: &Directory) -> Result<Option<Result<(), Refused>>, Refused> {
    let file = match directory.file(NAME).map_err(Refused::Unwritable)? {
        Found::File(file) => file,
        Found::Nothing => return Ok(None),
        Found::Damaged(what) => return Err(unfit(format!("its file `{NAME}` cannot be used: {what}"))),
    };
    let mut text = [0; 128];
    let read = file.read_at(&mut text, 0).map_err(Refused::Unwritable)?;
    let text = &text[..read];
    // All processes write the same text, so a file from a process that was killed while it wrote does no harm.
    if TEXT.starts_with(text) && text != TEXT {
        return Ok(None);
    }
    Ok(Some(if text == TEXT {
        Ok(())
    } else {
        let shown = String::from_utf8_lossy(text);
        Err(unfit(format!(
            "its file `{NAME}` says `{}`, and this version knows format 1 only: remove the directory, or name another",
            Escaped(shown.trim_end())
        )))
    }))
}

fn write(directory: &Directory) -> io::Result<()> {
    let file = directory.open_or_create(NAME)?;
    file.write_all_at(TEXT, 0)?;
    file.sync_all()?;
    directory.sync()
}
