//! Why it cannot be said which hosts answer for a registry.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with a file, or with a name. Never has the value of a header in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostsError {
    /// A file or a directory cannot be read.
    #[error("cannot read {}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A file says something that nobody can follow.
    #[error("{}:{line}:{column}: {}{reason}", file.display(), Key(.key))]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// The whole name of the key, such as `registry."docker.io".mirrors`; empty where there is none.
        key: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A name that was given is none of a registry.
    #[error("{name:?}: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong, and what to do.
        reason: String,
    },
}

struct Key<'a>(&'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{} ", self.0) }
    }
}
