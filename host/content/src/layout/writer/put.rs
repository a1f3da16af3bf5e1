//! Files that appear whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tempfile::{Builder, NamedTempFile};

use crate::Problem;

/// What the names of unfinished files begin with. They lie at the top of the layout, never among its blobs.
pub(super) const PREFIX: &str = ".refkit-";

/// A file that has no place yet; it is removed if it never gets one. All methods block.
pub(super) struct Unfinished {
    root: PathBuf,
    file: NamedTempFile,
}

impl Unfinished {
    /// Begins a file in a layout.
    pub fn new(root: &Path) -> Result<Self, Problem> {
        // Layouts are made to be passed on: readable by others as far as the umask lets them.
        let mut builder = Builder::new();
        builder.prefix(PREFIX).permissions(Permissions::from_mode(0o644));
        Ok(Self { root: root.to_owned(), file: builder.tempfile_in(root)? })
    }

    /// Adds bytes.
    pub fn write(mut self, bytes: &[u8]) -> Result<Self, Problem> {
        self.file.as_file_mut().write_all(bytes)?;
        Ok(self)
    }

    /// Gives the file its place, given in steps from the layout's root, and has all of it on the disk before that.
    pub fn finish(self, place: &[&str]) -> Result<(), Problem> {
        let Self { root, file } = self;
        file.as_file().sync_all()?;
        let Some((name, above)) = place.split_last() else {
            return Err(Problem::NotFound);
        };
        let mut directory = root;
        for step in above {
            directory.push(step);
            make_directory(&directory)?;
        }
        file.persist(directory.join(name)).map_err(|error| error.error)?;
        File::open(&directory)?.sync_all()?;
        Ok(())
    }
}

/// Makes a directory where there is none, and refuses a link: content must not end up outside of the layout.
fn make_directory(path: &Path) -> Result<(), Problem> {
    match fs::create_dir(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(_) => Ok(()),
        Err(Errno::LOOP | Errno::NOTDIR) => {
            let what = format!("`{}` is not a directory; links are not followed", path.display());
            Err(Problem::Malformed(what))
        }
        Err(error) => Err(std::io::Error::from(error).into()),
    }
}
