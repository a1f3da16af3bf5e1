//! A value of a file, with its key, its table and its position.

use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::nearest::{LONG_KEY, nearest};
use crate::{ConfigError, Document, Position, Setting, duration, size};

/// The most entries that a table or a list may have.
const MAX_ENTRIES: usize = 4096;

/// A value, with its key, the table that contains it, and its position. Each reader returns the value, or an error that
/// names the file, the line, the column and the key.
#[derive(Debug, Clone)]
pub struct Entry<'d> {
    document: &'d Document<'d>,
    value: &'d DeValue<'d>,
    at: usize,
    table: String,
    key: String,
}

impl<'d> Entry<'d> {
    pub(crate) fn root(document: &'d Document<'_>, value: &'d DeValue<'_>) -> Self {
        Self { document, value, at: 0, table: String::new(), key: String::new() }
    }

    /// Returns the key in its table; the root has an empty one.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the line of the key, from 1.
    pub fn line(&self) -> usize {
        self.document.position(self.at).0
    }

    /// Returns the position of the key, which outlives the document.
    pub fn position(&self) -> Position {
        let (line, column) = self.document.position(self.at);
        Position { file: self.document.file().to_owned(), line, column, name: self.name() }
    }

    /// Returns the whole name of the key, such as `registry."docker.io".mirrors`.
    pub fn name(&self) -> String {
        match (self.table.is_empty(), self.key.is_empty()) {
            (true, _) => quoted(&self.key),
            (false, true) => self.table.clone(),
            (false, false) => format!("{}.{}", self.table, quoted(&self.key)),
        }
    }

    /// Returns a path in the file: relative paths start at the file's directory.
    pub fn path(&self, path: &str) -> PathBuf {
        self.document.path(path)
    }

    /// Returns the setting of this entry, for messages; `value` is its text for people.
    pub fn setting(&self, value: impl Into<String>) -> Setting {
        Setting {
            name: self.key.clone(),
            value: value.into(),
            file: self.document.file().to_owned(),
            table: self.table.clone(),
        }
    }

    /// Returns an error about this entry.
    pub fn error(&self, reason: impl Into<String>) -> ConfigError {
        self.document.malformed(self.at, self.name(), reason.into())
    }

    /// Returns the error for a key that its owner does not know, with the known key that was probably meant.
    pub fn unknown(&self, known: &[&str]) -> ConfigError {
        self.error(format!("is not known here{}", nearest(&self.key, known)))
    }

    fn wrong(&self, wanted: &str) -> ConfigError {
        let article = if self.value.is_integer() || self.value.is_array() { "an" } else { "a" };
        self.error(format!("is {article} {}, and has to be {wanted}", self.value.type_str()))
    }

    /// Returns a boolean.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for a value that is not a boolean.
    pub fn boolean(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    /// Returns a whole number from 1.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for another value.
    pub fn count(&self) -> Result<u32, ConfigError> {
        let wanted = "a whole number from 1";
        let number = self.value.as_integer().ok_or_else(|| self.wrong(wanted))?;
        let number = u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| *number > 0);
        number.ok_or_else(|| self.error(format!("has to be {wanted} to {}", u32::MAX)))
    }

    /// Returns a string.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for another value.
    pub fn text(&self) -> Result<&'d str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.wrong("a string"))
    }

    /// Returns a duration, such as `30s` or `1m30s`, from zero.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for another value.
    pub fn duration(&self) -> Result<Duration, ConfigError> {
        let malformed = || self.error("is no length of time; write it as 3s, 500ms or 1m30s");
        duration::parse(self.text()?).ok_or_else(malformed)
    }

    /// Returns a size in bytes, such as `20GiB` or `512MiB`.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for another value, and for units of 1000.
    pub fn size(&self) -> Result<u64, ConfigError> {
        let malformed = || self.error("is no size; write it as 64KiB, 512MiB or 20GiB");
        size::parse(self.text()?).ok_or_else(malformed)
    }

    /// Returns whether the value is a string.
    pub fn is_text(&self) -> bool {
        self.value.is_str()
    }

    /// Returns whether the value is a table.
    pub fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// Returns whether the value is a list.
    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// Returns the elements of a list; each has the list's key and its own position. The tables of `[[name]]` form one
    /// list.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for a value that is not a list, or has more than 4096 elements.
    pub fn list(&self) -> Result<Vec<Self>, ConfigError> {
        let list = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        if list.len() > MAX_ENTRIES {
            return Err(self.error(format!("has more than {MAX_ENTRIES} elements")));
        }
        let element =
            |value: &'d Spanned<DeValue<'d>>| Self { value: value.get_ref(), at: value.span().start, ..self.clone() };
        Ok(list.iter().map(element).collect())
    }

    /// Returns the strings of a list; a single string counts as a list.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for a value that is neither, or a list with other elements.
    pub fn texts(&self) -> Result<Vec<&'d str>, ConfigError> {
        if self.is_text() {
            return Ok(vec![self.text()?]);
        }
        self.list()?.iter().map(Self::text).collect()
    }

    /// Returns the entries of a table, in the order of the file.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for a value that is not a table, or has more than 4096 entries.
    pub fn entries(&self) -> Result<Vec<Self>, ConfigError> {
        let entries = self.value.as_table().ok_or_else(|| self.wrong("a table"))?;
        if entries.len() > MAX_ENTRIES {
            return Err(self.error(format!("has more than {MAX_ENTRIES} entries")));
        }
        let entry = |(key, value): (&'d Spanned<_>, &'d Spanned<DeValue<'d>>)| {
            let key: &Spanned<toml::de::DeString<'_>> = key;
            let (document, table) = (self.document, self.name());
            Self { document, value: value.get_ref(), at: key.span().start, table, key: key.get_ref().to_string() }
        };
        let mut found: Vec<_> = entries.iter().map(entry).collect();
        found.sort_by_key(|entry| entry.at);
        Ok(found)
    }

    /// Calls `read` with each entry of a table, in the order of the file.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for a value that is not a table and for a key that is not among the known ones;
    /// otherwise the first error of `read`.
    pub fn keys(
        &self,
        known: &[&str],
        mut read: impl FnMut(&Self) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        for entry in self.entries()? {
            if !known.contains(&entry.key()) {
                return Err(entry.unknown(known));
            }
            read(&entry)?;
        }
        Ok(())
    }
}

/// Returns a key as TOML writes it, and only the beginning of a long one.
fn quoted(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let long = key.chars().nth(LONG_KEY).map(|_| key.chars().take(LONG_KEY).chain(['…']).collect::<String>());
    let key = long.as_deref().unwrap_or(key);
    if key.bytes().all(bare) { key.to_owned() } else { format!("{key:?}") }
}
