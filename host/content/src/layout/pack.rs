//! Packs a layout directory into a tar archive.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, Weak};

use tar::{Builder, EntryType, Header};

use super::file::{blocking, open_below};
use super::marker;
use crate::{Error, ErrorKind, Operation};

/// The name of the list of entries.
const INDEX: &str = "index.json";

/// The directory of the content.
const BLOBS: &str = "blobs";

/// A file as it was at some time: nothing, where there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen(Option<(u64, u64, u64, i64, i64)>);

impl Seen {
    /// Looks at a file, following links.
    ///
    /// # Errors
    /// The error of a directory that cannot be read.
    pub fn look(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(now) => Ok(Self(Some((now.dev(), now.ino(), now.len(), now.mtime(), now.mtime_nsec())))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
}

/// Writes the files of a layout directory into a tar archive, uncompressed. The archive appears whole or not at all, and
/// replaces one that is there, with its mode; a link stays one. If the archive is not the one that the caller has seen,
/// because another process has written it since, it stays as it is. Equal layouts give equal bytes: the names are sorted, and no entry has a time or an owner.
/// If the caller drops the future, the writing stops, and leaves nothing.
///
/// # Errors
/// [`ErrorKind::Malformed`] for a directory that is no layout, [`ErrorKind::Unavailable`] for an archive that has
/// changed, [`ErrorKind::Io`].
pub async fn pack(directory: &Path, archive: &Path, seen: Seen) -> Result<(), Error> {
    let (from, to) = (directory.to_owned(), archive.to_owned());
    // The caller has it; the thread that writes sees whether it still does.
    let wanted = Arc::new(());
    let watch = Arc::downgrade(&wanted);
    let packed = blocking(move || write(&from, &to, &seen, &Wanted(watch))).await;
    drop(wanted);
    packed.map_err(|kind| Error::new(Operation::Push, archive.display(), kind))
}

/// Whether somebody waits for the archive.
struct Wanted(Weak<()>);

impl Wanted {
    fn check(&self) -> io::Result<()> {
        match self.0.strong_count() {
            0 => Err(io::Error::other("the archive is not wanted any more")),
            _ => Ok(()),
        }
    }
}

/// A file that can be read as long as the archive is wanted.
struct Watched<'a, R>(&'a Wanted, R);

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.check()?;
        self.1.read(buffer)
    }
}

fn write(directory: &Path, archive: &Path, seen: &Seen, wanted: &Wanted) -> Result<(), ErrorKind> {
    let none = |()| ErrorKind::Malformed(format!("{} is no image layout", directory.display()));
    let root = File::open(directory).map_err(|_| none(()))?;
    open_below(&root, &[marker::NAME]).map_err(|_| none(()))?;
    // A link names the archive; it is not the archive.
    let resolved = fs::canonicalize(archive);
    let archive = resolved.as_deref().unwrap_or(archive);
    let parent = archive.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Archives are passed on, so others may read the file as far as the umask allows.
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(parent)?;
    let mut tar = Builder::new(BufWriter::with_capacity(1 << 20, file.as_file_mut()));
    append(&mut tar, wanted, &root, &[marker::NAME])?;
    append(&mut tar, wanted, &root, &[INDEX])?;
    for algorithm in names(&directory.join(BLOBS))? {
        for name in names(&directory.join(BLOBS).join(&algorithm))? {
            append(&mut tar, wanted, &root, &[BLOBS, &algorithm, &name])?;
        }
    }
    tar.into_inner()?.flush()?;
    wanted.check()?;
    if let Ok(before) = fs::metadata(archive) {
        file.as_file().set_permissions(before.permissions())?;
    }
    // Two processes look and replace one after the other. The lock ends with the file.
    let directory = File::open(parent)?;
    directory.lock()?;
    if Seen::look(archive)? != *seen {
        let what = "another process has written the archive meanwhile; it stays as it is, run the command again";
        return Err(ErrorKind::Unavailable(what.to_owned()));
    }
    file.persist(archive).map_err(|error| error.error)?;
    Ok(())
}

/// Returns the names in a directory, sorted; none if there is no directory.
fn names(directory: &Path) -> Result<Vec<String>, ErrorKind> {
    let found = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found?,
    };
    let names = found.map(|entry| {
        let name = entry?.file_name();
        name.into_string().map_err(|name| ErrorKind::Malformed(format!("the layout has a file {}", name.display())))
    });
    let mut names = names.collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    Ok(names)
}

fn append(
    tar: &mut Builder<impl std::io::Write>,
    wanted: &Wanted,
    root: &File,
    path: &[&str],
) -> Result<(), ErrorKind> {
    let file = open_below(root, path)?;
    let size = file.metadata()?.len();
    // Of all kinds, this one has names of any length (a blob by sha512) and sizes of any number of bytes.
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o644);
    let (name, mut content) = (path.join("/"), Watched(wanted, file.take(size)));
    tar.append_data(&mut header, &name, &mut content)?;
    match content.1.limit() {
        0 => Ok(()),
        left => Err(ErrorKind::Malformed(format!("`{name}` ends {left} bytes too early"))),
    }
}
