//! The files that name the hosts of registries.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use refkit_config::{ConfigError, ConfigFile};

/// The most entries that are read of a directory.
const MAX_ENTRIES: usize = 4096;

/// The files with settings of hosts; each list starts with the most important file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Files {
    /// RefKit's own files, `refkit.toml`.
    pub refkit: Vec<ConfigFile>,
    /// Directories with a subdirectory for each registry, as containerd and Docker have them:
    /// `/etc/containerd/certs.d`.
    pub certs_d: Vec<ConfigFile>,
    /// BuildKit's files, `buildkitd.toml`.
    pub buildkitd: Vec<ConfigFile>,
}

impl Files {
    /// Sets RefKit's own files, `refkit.toml`.
    #[must_use]
    pub fn refkit(mut self, refkit: Vec<ConfigFile>) -> Self {
        self.refkit = refkit;
        self
    }

    /// Sets the directories with a subdirectory for each registry.
    #[must_use]
    pub fn certs_d(mut self, certs_d: Vec<ConfigFile>) -> Self {
        self.certs_d = certs_d;
        self
    }

    /// Sets BuildKit's files, `buildkitd.toml`.
    #[must_use]
    pub fn buildkitd(mut self, buildkitd: Vec<ConfigFile>) -> Self {
        self.buildkitd = buildkitd;
        self
    }

    /// Returns the usual files of RefKit, containerd, Docker and BuildKit in directories of settings such as `~/.config`
    /// and `/etc`, the most important directory first.
    pub fn usual(directories: &[PathBuf]) -> Self {
        Self {
            refkit: ConfigFile::refkit(directories),
            certs_d: ConfigFile::below(directories, &["containerd/certs.d", "docker/certs.d"]),
            buildkitd: ConfigFile::below(directories, &["buildkit/buildkitd.toml"]),
        }
    }
}

/// Returns the error for a file that cannot be read.
pub(super) fn unreadable(file: &Path, error: &io::Error) -> ConfigError {
    ConfigError::Unreadable { file: file.to_owned(), reason: error.to_string() }
}

/// Returns the names in a directory, sorted. It skips names that are not UTF-8, which belong to no registry and no
/// certificate.
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
