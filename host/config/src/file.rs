//! The paths of files of settings, and reading them whole, within a limit.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::ConfigError;

/// The longest file of settings, in bytes. A longer file is no file of settings.
const MAX_FILE: u64 = 1 << 20;

/// The path of `refkit.toml` below a directory of settings.
const REFKIT: &str = "refkit/refkit.toml";

/// A file or directory of settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigFile {
    /// The caller named the file: its absence is an error.
    Named(PathBuf),
    /// A usual path. Its absence is no error, and neither is a file that this user may not read, because a daemon's
    /// files are not for every user. The reader gets a list of the latter.
    Usual(PathBuf),
}

impl ConfigFile {
    /// Returns the candidates for `refkit.toml` in directories of settings, such as `~/.config` and `/etc`, the most
    /// important first.
    pub fn refkit(directories: &[PathBuf]) -> Vec<Self> {
        Self::below(directories, &[REFKIT])
    }

    /// Returns the usual paths of other files: each relative path in each directory.
    pub fn below(directories: &[PathBuf], paths: &[&str]) -> Vec<Self> {
        let below = |directory: &PathBuf| {
            let join = |path: &&str| Self::Usual(directory.join(path));
            paths.iter().map(join).collect::<Vec<_>>()
        };
        directories.iter().flat_map(below).collect()
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Usual(path) => path,
        }
    }

    /// Calls `read` with the path. Returns none for a usual path that is absent, or that this user may not read; the
    /// latter is added to `unread`.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] for every other error of `read`.
    pub fn read<T>(
        &self,
        unread: &mut Vec<PathBuf>,
        read: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<Option<T>, ConfigError> {
        let path = self.path();
        match (read(path), self) {
            (Ok(read), _) => Ok(Some(read)),
            // A home that is a file, such as /dev/null, has no file of settings below it.
            (Err(error), Self::Usual(_)) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(None)
            }
            (Err(error), Self::Usual(_)) if error.kind() == ErrorKind::PermissionDenied => {
                unread.push(path.to_owned());
                Ok(None)
            }
            (Err(error), _) => Err(ConfigError::Unreadable { file: path.to_owned(), reason: error.to_string() }),
        }
    }
}

/// Returns a file's text.
///
/// # Errors
/// The error of the operating system, or one for a file that is not a regular file, is longer than 1 MiB, or is not
/// UTF-8.
pub fn read_text(file: &Path) -> io::Result<String> {
    // Opening a pipe would wait for its writer.
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::new(ErrorKind::InvalidData, "it has more than 1 MiB, so it is no file of settings"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_usual_place_is_listed_and_a_named_file_is_an_error() {
        let (usual, named) = (ConfigFile::Usual("usual".into()), ConfigFile::Named("named".into()));
        let refused = |_: &Path| Err::<(), _>(io::Error::from(ErrorKind::PermissionDenied));
        let mut unread = Vec::new();
        assert_eq!(usual.read(&mut unread, refused), Ok(None));
        assert!(named.read(&mut unread, refused).is_err());
        assert_eq!(unread, [PathBuf::from("usual")]);
    }

    #[test]
    fn the_candidates_keep_the_order_of_the_directories() {
        let directories = [PathBuf::from("/h/.config"), PathBuf::from("/etc")];
        let usual = |path: &str| ConfigFile::Usual(path.into());
        let wanted = [usual("/h/.config/refkit/refkit.toml"), usual("/etc/refkit/refkit.toml")];
        assert_eq!(ConfigFile::refkit(&directories), wanted);
        let wanted = [usual("/h/.config/a"), usual("/h/.config/b"), usual("/etc/a"), usual("/etc/b")];
        assert_eq!(ConfigFile::below(&directories, &["a", "b"]), wanted);
    }

    #[test]
    fn a_text_is_a_regular_file_of_utf8_with_a_limit() {
        let directory = tempfile::tempdir().unwrap();
        let file = |bytes: &[u8]| {
            let path = directory.path().join("f");
            fs::write(&path, bytes).unwrap();
            read_text(&path).map_err(|error| error.to_string())
        };
        assert_eq!(file(b"a = 1"), Ok("a = 1".to_owned()));
        assert!(file(&[0xff]).unwrap_err().contains("UTF-8"));
        assert!(file(&vec![b' '; 1 << 20]).is_ok());
        assert!(file(&vec![b' '; (1 << 20) + 1]).unwrap_err().contains("1 MiB"));
        assert!(read_text(directory.path()).unwrap_err().to_string().contains("not a file"));
    }
}
