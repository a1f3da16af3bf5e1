//! Directories by handle: they cannot be swapped for others, and no link below them is followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// The deepest tree that is removed if it has the name of a file.
const DEPTH_LIMIT: usize = 64;

/// An open directory. All methods block.
#[derive(Debug)]
pub(super) struct Directory(File);

/// What exists under the name of a file.
pub(super) enum Found {
    File(File),
    Nothing,
    /// Something else, or a file that cannot be read. The text says what, for people.
    Damaged(String),
}

/// The metadata of a name, read without opening it.
pub(super) struct Stat {
    pub size: u64,
    /// The time of modification; the cache stores the last use in it.
    pub used: SystemTime,
    pub owner: u32,
    pub mode: u32,
}

impl Directory {
    /// Opens a directory from a path of the user. Links are followed, as in a shell.
    pub fn named(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(File::from(rustix::fs::open(path, flags, Mode::empty())?)))
    }

    /// Opens a subdirectory; none if nothing has that name, or no directory.
    pub fn below(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.0, name.as_ref(), flags, Mode::empty()) {
            Ok(opened) => Ok(Some(Self(File::from(opened)))),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a subdirectory, and creates it if it is absent; a file of that name is removed.
    pub fn make_below(&self, name: &str) -> io::Result<Self> {
        if let Some(there) = self.below(name)? {
            return Ok(there);
        }
        if self.stat(name)?.is_some() && self.below(name)?.is_none() {
            self.remove(name)?;
        }
        match rustix::fs::mkdirat(&self.0, name, Mode::RWXU) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.below(name)?.ok_or_else(|| io::Error::other(format!("`{name}` is no directory")))
    }

    /// Opens a file to read it.
    pub fn file(&self, name: impl AsRef<OsStr>) -> io::Result<Found> {
        // Without O_NONBLOCK a FIFO would block this thread until a writer opens it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.0, name.as_ref(), flags, Mode::empty()) {
            Ok(opened) => File::from(opened),
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            // These errors concern this process, not the file.
            Err(error @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR)) => return Err(error.into()),
            Err(Errno::LOOP | Errno::MLINK) => return Ok(Found::Damaged("it is a symbolic link".to_owned())),
            Err(error) => return Ok(Found::Damaged(format!("it cannot be opened: {}", io::Error::from(error)))),
        };
        let of = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
        Ok(match of {
            FileType::RegularFile => Found::File(file),
            FileType::Directory => Found::Damaged("it is a directory".to_owned()),
            FileType::Fifo => Found::Damaged("it is a named pipe".to_owned()),
            _ => Found::Damaged("it is no file".to_owned()),
        })
    }

    /// Creates a new file, readable by its owner alone.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?))
    }

    /// Opens a file to write into its present content, or creates it.
    pub fn open_or_create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?))
    }

    /// Moves a file of this directory into another one, and replaces a file of that name.
    pub fn rename(&self, from: &str, to: &Self, name: &str) -> io::Result<()> {
        match rustix::fs::renameat(&self.0, from, &to.0, name) {
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                to.remove(name)?;
                Ok(rustix::fs::renameat(&self.0, from, &to.0, name)?)
            }
            other => Ok(other?),
        }
    }

    /// Links a file of this directory into another one, unless the name is taken.
    pub fn link(&self, from: &str, to: &Self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.0, from, &to.0, name, AtFlags::empty())?)
    }

    /// Removes whatever has a name, and returns whether there was something.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        self.remove_tree(name.as_ref(), DEPTH_LIMIT)
    }

    fn remove_tree(&self, name: &OsStr, depth: usize) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) => return Ok(true),
            Err(Errno::NOENT) => return Ok(false),
            Err(Errno::ISDIR | Errno::PERM) if depth > 0 => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(below) = self.below(name)? {
            for inner in below.names()? {
                below.remove_tree(&inner, depth - 1)?;
            }
        }
        rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?;
        Ok(true)
    }

    /// Returns all names but `.` and `..`.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// Returns the metadata of a name; of a link that of the link itself.
    pub fn stat(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&self.0, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the metadata of the directory itself.
    pub fn stat_self(&self) -> io::Result<Stat> {
        Ok(rustix::fs::fstat(&self.0)?.into())
    }

    /// Syncs its entries to the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

impl From<rustix::fs::Stat> for Stat {
    fn from(stat: rustix::fs::Stat) -> Self {
        // All times before 1970 count as equally old.
        let (seconds, nanoseconds) = (stat.st_mtime, stat.st_mtime_nsec);
        let since = Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0));
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            used: SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH),
            owner: stat.st_uid,
            mode: stat.st_mode,
        }
    }
}
