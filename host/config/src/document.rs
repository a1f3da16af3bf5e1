//! A TOML file with the position of every value.
//!
//! The reader is not serde, for two reasons. The messages of serde repeat values, and a value may be secret. And serde
//! fails as a whole, where an owner wants to refuse one broken table and use the others.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::{ConfigError, Entry};

/// A file's text, parsed as TOML. Reading starts at [`Self::root`].
#[derive(Debug)]
pub struct Document<'a> {
    file: &'a Path,
    text: &'a str,
    /// The offset of the start of each line.
    lines: Vec<usize>,
    root: DeValue<'a>,
}

impl<'a> Document<'a> {
    /// Reads a text as TOML. `file` is the name in errors, and relative paths start at its directory; nothing is read
    /// from it.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] if the text is not TOML.
    pub fn parse(file: &'a Path, text: &'a str) -> Result<Self, ConfigError> {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = [0].into_iter().chain(starts).collect();
        let mut document = Self { file, text, lines, root: DeValue::Table(DeTable::new()) };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(text.len(), |span| span.start);
            document.malformed(at, String::new(), format!("this is not TOML: {}", error.message()))
        })?;
        document.root = DeValue::Table(table.into_inner());
        Ok(document)
    }

    /// Returns the whole file as an entry without a key.
    pub fn root(&self) -> Entry<'_> {
        Entry::root(self, &self.root)
    }

    /// Returns the file's name.
    pub fn file(&self) -> &Path {
        self.file
    }

    /// Returns a path in the file: relative paths start at the file's directory.
    pub fn path(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Returns the line and the column of an offset, both from 1; the column counts characters.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..at).map_or(0, |text| text.chars().count()) + 1;
        (line, column)
    }

    /// Returns the error for a key at an offset.
    pub(crate) fn malformed(&self, at: usize, key: String, reason: String) -> ConfigError {
        let (line, column) = self.position(at);
        ConfigError::Malformed { file: self.file.to_owned(), line, column, key, reason }
    }
}
