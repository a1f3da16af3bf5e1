//! Opens files safely, and reads them in pieces. A path in a layout may lead to anything that an attacker can put into
//! a directory or an archive.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::ErrorKind;

/// The bytes of one read: 64 KiB.
const PIECE: u64 = 64 << 10;

/// Runs blocking work on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ErrorKind> + Send + 'static,
) -> Result<T, ErrorKind> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ErrorKind::Other(format!("reading or writing was cut short: {error}"))),
    }
}

/// The target of a path from the user. Links in it are followed, as in a shell.
pub(super) enum Opened {
    Directory(File),
    File(File),
}

/// Opens a path from the user.
pub(super) fn open_named(path: &Path) -> Result<Opened, ErrorKind> {
    // Without O_NONBLOCK a FIFO would block this thread until a writer opens it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(io)?);
    match file_type(&file)? {
        FileType::Directory => Ok(Opened::Directory(file)),
        FileType::RegularFile => Ok(Opened::File(file)),
        other => Err(ErrorKind::Malformed(format!("it is {}, neither a directory nor a file", describe(other)))),
    }
}

/// Opens a regular file below a directory, step by step, without following a link.
pub(super) fn open_below(directory: &File, path: &[&str]) -> Result<File, ErrorKind> {
    let Some((name, above)) = path.split_last() else {
        return Err(ErrorKind::NotFound);
    };
    let mut below: Option<File> = None;
    for step in above {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let at = below.as_ref().unwrap_or(directory);
        below = Some(match rustix::fs::openat(at, *step, flags, Mode::empty()) {
            Ok(opened) => File::from(opened),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                let what = format!("`{step}` is not a directory; links are not followed");
                return Err(ErrorKind::Malformed(what));
            }
            Err(error) => return Err(io(error)),
        });
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let refused = |what: &str| ErrorKind::Malformed(format!("`{}` is {what}, not a file", path.join("/")));
    let file = match rustix::fs::openat(below.as_ref().unwrap_or(directory), *name, flags, Mode::empty()) {
        Ok(opened) => File::from(opened),
        Err(Errno::LOOP | Errno::MLINK) => return Err(refused(describe(FileType::Symlink))),
        Err(Errno::NXIO) => return Err(refused("a socket or a device")),
        Err(error) => return Err(io(error)),
    };
    match file_type(&file)? {
        FileType::RegularFile => Ok(file),
        other => Err(refused(describe(other))),
    }
}

fn file_type(file: &File) -> Result<FileType, ErrorKind> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(file).map_err(io)?.st_mode))
}

fn describe(of: FileType) -> &'static str {
    match of {
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::BlockDevice | FileType::CharacterDevice => "a device",
        FileType::RegularFile => "a file",
        FileType::Unknown => "something unknown",
    }
}

fn io(error: Errno) -> ErrorKind {
    match error {
        Errno::NOENT => ErrorKind::NotFound,
        other => io::Error::from(other).into(),
    }
}

/// A part of a file: all of it for a blob in a directory, a range for a blob in an archive.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    file: Arc<File>,
    offset: u64,
    size: u64,
}

impl Extent {
    /// Returns the part of this size from an offset on.
    pub fn new(file: Arc<File>, offset: u64, size: u64) -> Self {
        Self { file, offset, size }
    }

    /// Returns a whole file, as long as it is now.
    pub fn whole(file: File) -> Result<Self, ErrorKind> {
        let size = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), offset: 0, size })
    }

    /// Returns how many bytes are left to read.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads all of it, if it is within the limit. Blocks.
    pub fn read_all(mut self, limit: u64) -> Result<Vec<u8>, ErrorKind> {
        if self.size > limit {
            return Err(ErrorKind::TooLarge { limit });
        }
        let mut bytes = Vec::new();
        while let Some(piece) = self.next()? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Reads the next piece; none at the end. Blocks.
    pub fn next(&mut self) -> Result<Option<Bytes>, ErrorKind> {
        if self.size == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; self.size.min(PIECE) as usize];
        let read = loop {
            match self.file.read_at(&mut piece, self.offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if read == 0 {
            return Err(ErrorKind::Malformed(format!("the file ends {} bytes too early", self.size)));
        }
        piece.truncate(read);
        self.offset += read as u64;
        self.size -= read as u64;
        Ok(Some(Bytes::from(piece)))
    }

    /// Returns the bytes in pieces, read on a thread that may block.
    pub fn stream(self) -> BoxStream<'static, Result<Bytes, ErrorKind>> {
        stream::try_unfold(self, |mut rest| async {
            if rest.size == 0 {
                return Ok(None);
            }
            blocking(move || Ok(rest.next()?.map(|piece| (piece, rest)))).await
        })
        .boxed()
    }
}
