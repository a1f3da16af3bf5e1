//! Image layouts in an uncompressed tar archive. One pass finds the position of each blob; nothing is unpacked.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::Arc;

use refkit_oci::Digest;
use refkit_oci::escape::Escaped;
use tar::EntryType;

use super::file::Extent;
use crate::ErrorKind;

/// How many entries an archive may have: layouts have one for each blob.
const ENTRY_LIMIT: usize = 64 << 10;

/// The most bytes for the headers of one entry. A long name comes as the content of an entry of its own and is read
/// whole, so this limits memory.
const HEADER_LIMIT: u64 = 1 << 20;

/// The longest name of a file in a layout, in bytes; an entry with a longer name is ignored.
const NAME_LIMIT: usize = 256;

/// An archive, and the positions of its files.
#[derive(Debug)]
pub(super) struct Archive {
    file: Arc<File>,
    places: HashMap<String, Place>,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    File { offset: u64, size: u64 },
    Refused(&'static str),
}

impl Archive {
    /// Reads an archive's headers. Blocks.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] for a file that is no archive or is compressed, for a name that leads out of it, a
    /// repeated name, more than 65536 entries, and an entry that is longer than the file.
    pub fn open(file: File) -> Result<Self, ErrorKind> {
        refuse_compressed(&file)?;
        let length = file.metadata()?.len();
        let file = Arc::new(file);
        let read = Rc::new(Cell::new(0));
        let reader = Metered { file: Arc::clone(&file), position: 0, read: Rc::clone(&read) };
        let mut archive = tar::Archive::new(reader);
        let mut places = HashMap::new();
        for (count, entry) in archive.entries_with_seek().map_err(unreadable)?.enumerate() {
            if count >= ENTRY_LIMIT {
                return Err(ErrorKind::Malformed(format!("the archive has more than {ENTRY_LIMIT} entries")));
            }
            let entry = entry.map_err(unreadable)?;
            read.set(0);
            let Some(name) = name(&entry.path_bytes())? else { continue };
            let (offset, size) = (entry.raw_file_position(), entry.size());
            let place = match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => Place::File { offset, size },
                EntryType::Directory => continue,
                EntryType::Symlink => Place::Refused("a symbolic link"),
                EntryType::Link => Place::Refused("a hard link"),
                EntryType::Fifo => Place::Refused("a named pipe"),
                EntryType::GNUSparse => Place::Refused("a sparse file"),
                _ => Place::Refused("no plain file"),
            };
            if let Place::File { .. } = place
                && offset.checked_add(size).is_none_or(|end| end > length)
            {
                return Err(ErrorKind::Malformed(format!(
                    "the archive has {length} bytes, but its entry `{}` needs {size} from {offset} on",
                    Escaped(name)
                )));
            }
            if places.contains_key(&name) {
                return Err(ErrorKind::Malformed(format!("the archive has the entry `{}` twice", Escaped(name))));
            }
            places.insert(name, place);
        }
        if places.is_empty() {
            return Err(ErrorKind::Malformed(
                "it is neither a directory nor a tar archive with files in it".to_owned(),
            ));
        }
        Ok(Self { file, places })
    }

    /// Returns a file of the archive.
    pub fn file(&self, name: &str) -> Result<Extent, ErrorKind> {
        match self.places.get(name) {
            None => Err(ErrorKind::NotFound),
            Some(Place::Refused(what)) => Err(ErrorKind::Malformed(format!("`{name}` is {what}, not a file"))),
            Some(&Place::File { offset, size }) => Ok(Extent::new(Arc::clone(&self.file), offset, size)),
        }
    }

    /// Returns a blob.
    pub fn blob(&self, digest: &Digest) -> Result<Extent, ErrorKind> {
        self.file(&format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex()))
    }
}

/// Returns an entry's name without `./`; none if no file of a layout has such a name.
fn name(path: &[u8]) -> Result<Option<String>, ErrorKind> {
    // The name may contain control sequences of terminals.
    let shown = || Escaped(String::from_utf8_lossy(&path[..path.len().min(NAME_LIMIT)])).to_string();
    if path.starts_with(b"/") {
        return Err(ErrorKind::Malformed(format!("the archive has an entry with an absolute path: `{}`", shown())));
    }
    let mut steps = Vec::new();
    for step in path.split(|byte| *byte == b'/') {
        match step {
            b"" | b"." => {}
            b".." => {
                return Err(ErrorKind::Malformed(format!(
                    "the archive has an entry that leads out of it: `{}`",
                    shown()
                )));
            }
            step => steps.push(step),
        }
    }
    let path = steps.join(&b'/');
    Ok(String::from_utf8(path).ok().filter(|name| !name.is_empty() && name.len() <= NAME_LIMIT))
}

fn refuse_compressed(file: &File) -> Result<(), ErrorKind> {
    let mut start = [0; 6];
    let read = file.read_at(&mut start, 0)?;
    let (with, command) = match &start[..read] {
        [0x1f, 0x8b, ..] => ("gzip", "gunzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("zstd", "unzstd"),
        [b'B', b'Z', b'h', ..] => ("bzip2", "bunzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => ("xz", "unxz"),
        _ => return Ok(()),
    };
    Err(ErrorKind::Malformed(format!("the archive is compressed with {with}; unpack it first with `{command}`")))
}

/// The reader's error ends in the bytes of the file, which say nothing to a person.
fn unreadable(error: io::Error) -> ErrorKind {
    let text = error.to_string();
    let reason = text.split([':', '\n']).next().unwrap_or_default();
    ErrorKind::Malformed(format!("it is no readable tar archive: {reason}"))
}

/// A file with its own position, from which at most so many bytes are read for an entry's headers.
struct Metered {
    file: Arc<File>,
    position: u64,
    read: Rc<Cell<u64>>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.get() >= HEADER_LIMIT {
            return Err(io::Error::other(format!("the headers of an entry have more than {HEADER_LIMIT} bytes")));
        }
        let read = self.file.read_at(buffer, self.position)?;
        self.position += read as u64;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

impl Seek for Metered {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.position = position.ok_or_else(|| io::Error::other("an entry leads out of the archive"))?;
        Ok(self.position)
    }
}
