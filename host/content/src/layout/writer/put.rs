//! Writes files that appear whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tempfile::{Builder, NamedTempFile, PersistError};

use crate::ErrorKind;
use crate::layout::file::open_below;

/// The prefix of unfinished files. They are at the top of the layout, never among its blobs.
pub(super) const PREFIX: &str = ".refkit-";

/// How often a file is created again after another process has swept it before it was locked.
const SWEPT: usize = 100;

/// Removes the unfinished files of writers that were killed. Active writers lock theirs. Blocks.
pub(super) fn sweep(root: &Path) -> Result<(), ErrorKind> {
    let directory = File::open(root)?;
    for found in fs::read_dir(root)? {
        let found = found?;
        let name = found.file_name();
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        // An unfinished file is a regular file.
        let Ok(file) = open_below(&directory, &[name]) else { continue };
        if file.try_lock().is_ok() {
            // The file is removed before it is unlocked: a process that has just created it detects that and creates
            // another.
            match fs::remove_file(found.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
    }
    Ok(())
}

/// A file without its final path; it is removed if it never gets one. All methods block.
pub(super) struct Unfinished {
    root: PathBuf,
    file: NamedTempFile,
}

impl Unfinished {
    /// Begins a file in a layout.
    pub fn new(root: &Path) -> Result<Self, ErrorKind> {
        // Layouts are often passed on, so others may read the file as far as the umask allows.
        let mut builder = Builder::new();
        builder.prefix(PREFIX).permissions(Permissions::from_mode(0o644));
        for _ in 0..SWEPT {
            let file = builder.tempfile_in(root)?;
            // While it is locked, no other process takes it for an abandoned one.
            file.as_file().lock()?;
            if file.as_file().metadata()?.nlink() > 0 {
                return Ok(Self { root: root.to_owned(), file });
            }
        }
        Err(ErrorKind::Other("files that have just been made are gone at once".to_owned()))
    }

    /// Appends bytes.
    pub fn write(mut self, bytes: &[u8]) -> Result<Self, ErrorKind> {
        self.file.as_file_mut().write_all(bytes)?;
        Ok(self)
    }

    /// Syncs the file and moves it to its final path, given in steps from the layout's root.
    pub fn finish(self, place: &[&str]) -> Result<(), ErrorKind> {
        self.place(place, |file, path| file.persist(path).map(drop))
    }

    /// Moves the file to its final path, unless that path exists.
    pub fn finish_first(self, place: &[&str]) -> Result<(), ErrorKind> {
        self.place(place, |file, path| match file.persist_noclobber(path) {
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other.map(drop),
        })
    }

    fn place(
        self,
        place: &[&str],
        persist: impl FnOnce(NamedTempFile, PathBuf) -> Result<(), PersistError>,
    ) -> Result<(), ErrorKind> {
        let Self { root, file } = self;
        file.as_file().sync_all()?;
        let Some((name, above)) = place.split_last() else {
            return Err(ErrorKind::NotFound);
        };
        let mut directory = root;
        for step in above {
            directory.push(step);
            make_directory(&directory)?;
        }
        persist(file, directory.join(name)).map_err(|error| error.error)?;
        File::open(&directory)?.sync_all()?;
        Ok(())
    }
}

/// Creates a directory if it is absent, and refuses a link: content must not end up outside of the layout.
fn make_directory(path: &Path) -> Result<(), ErrorKind> {
    match fs::create_dir(path) {
        Ok(()) => {
            if let Some(above) = path.parent() {
                File::open(above)?.sync_all()?;
            }
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(_) => Ok(()),
        Err(Errno::LOOP | Errno::NOTDIR) => {
            let what = format!("`{}` is not a directory; links are not followed", path.display());
            Err(ErrorKind::Malformed(what))
        }
        Err(error) => Err(std::io::Error::from(error).into()),
    }
}
