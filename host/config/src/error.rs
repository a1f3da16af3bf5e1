//! The errors of a file of settings.

use std::fmt;
use std::path::PathBuf;

/// An error in a file of settings. Its text never contains a value of the file, because values may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file or a directory cannot be read.
    #[error("cannot read {}: {reason}", file.display())]
    Unreadable {
        /// The file or directory.
        file: PathBuf,
        /// The reason, and what to do about it.
        reason: String,
    },
    /// A file is not TOML, or has a key or a value that its owner does not accept.
    #[error("{}:{line}:{column}: {}{reason}", file.display(), Key(.key))]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// The whole name of the key, such as `registry."docker.io".mirrors`; empty for an error of the whole file.
        key: String,
        /// The reason, and what to do about it.
        reason: String,
    },
}

struct Key<'a>(&'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{} ", self.0) }
    }
}
