//! The position of a key, without the file's text.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::ConfigError;
use crate::nearest::nearest;

/// The position of a key in a file. It outlives the [`Document`](crate::Document), for errors that show later: a policy
/// that does not compile, a setting that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) name: String,
}

impl Position {
    /// Returns the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the whole name of the key, such as `policy.approved.file`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns an error about this key.
    pub fn error(&self, reason: impl Into<String>) -> ConfigError {
        let Self { file, line, column, name } = self.clone();
        ConfigError::Malformed { file, line, column, key: name, reason: reason.into() }
    }

    /// Returns an error about a word in this key's value that is none of the known ones, with the known word that was
    /// probably meant.
    pub fn unknown(&self, reason: &str, word: &str, known: &[&str]) -> ConfigError {
        self.error(format!("{reason}{}", nearest(word, known)))
    }
}

/// Writes `file:line`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}
