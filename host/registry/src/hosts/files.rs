//! The files that say which hosts answer for registries, and how they are read: whole, and not at any length.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::HostsError;

/// The longest file, bytes.
const MAX_FILE: u64 = 1 << 20;

/// The most entries of a directory.
const MAX_ENTRIES: usize = 4096;

/// The files that are read, in each list the most important first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// RefKit's own, `refkit.toml`.
    pub refkit: Vec<ConfigFile>,
    /// Directories with one for each registry, as containerd and Docker have them: `/etc/containerd/certs.d`.
    pub certs_d: Vec<ConfigFile>,
    /// BuildKit's, `buildkitd.toml`.
    pub buildkitd: Vec<ConfigFile>,
}

/// A file, and what it means that it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigFile {
    /// Somebody named it: it has to be there.
    Named(PathBuf),
    /// One of the usual places: it may be missing. One that is there and may not be read is passed over as well, since
    /// the files of a daemon are not for everybody; [`Hosts::unread`](super::Hosts::unread) names it.
    Usual(PathBuf),
}

impl ConfigFile {
    /// Returns where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Usual(path) => path,
        }
    }

    /// Does what reads it; none where it is one of the usual places and cannot be read by this user.
    pub(super) fn read<T>(
        &self,
        unread: &mut Vec<PathBuf>,
        read: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<Option<T>, HostsError> {
        let path = self.path();
        match (read(path), self) {
            (Ok(read), _) => Ok(Some(read)),
            (Err(error), Self::Usual(_)) if error.kind() == ErrorKind::NotFound => Ok(None),
            (Err(error), Self::Usual(_)) if error.kind() == ErrorKind::PermissionDenied => {
                unread.push(path.to_owned());
                Ok(None)
            }
            (Err(error), _) => Err(unreadable(path, &error)),
        }
    }
}

/// Returns the error for a file.
pub(super) fn unreadable(file: &Path, error: &io::Error) -> HostsError {
    HostsError::Unreadable { file: file.to_owned(), reason: error.to_string() }
}

/// Returns what a file says.
pub(super) fn text(file: &Path) -> io::Result<String> {
    // A pipe would be waited for.
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

/// Returns the names in a directory, sorted; those that are not UTF-8 name no registry and no certificate.
pub(super) fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        if names.len() == MAX_ENTRIES {
            return Err(io::Error::new(ErrorKind::InvalidData, "it has more than 4096 entries"));
        }
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_for_this_user_is_passed_over_in_usual_places_and_named() {
        let (usual, named) = (ConfigFile::Usual("usual".into()), ConfigFile::Named("named".into()));
        let refused = |_: &Path| Err::<(), _>(io::Error::from(ErrorKind::PermissionDenied));
        let mut unread = Vec::new();
        assert_eq!(usual.read(&mut unread, refused), Ok(None));
        assert!(named.read(&mut unread, refused).is_err());
        assert_eq!(unread, [PathBuf::from("usual")]);
    }
}
