//! TOML, with the place of every value, so that errors can say where. By hand and not by serde: its messages repeat
//! what they were given, which may be secret, and it cannot leave one broken table alone.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::HostsError;
use super::host::Setting;

/// The most entries that a table or a list may have.
const MAX_ENTRIES: usize = 4096;

/// A key with more characters is one by mistake.
const LONG_KEY: usize = 100;

/// A file's text and the lines in it.
pub(super) struct Document<'a> {
    pub(super) file: &'a Path,
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// A value in a file.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) document: &'a Document<'a>,
    value: &'a DeValue<'a>,
    at: usize,
}

/// A value, the table it is in, and its key there.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    pub(super) node: Node<'a>,
    pub(super) table: String,
    pub(super) key: String,
}

impl<'a> Document<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { file, text, lines: [0].into_iter().chain(starts).collect() }
    }

    /// Returns the text as a table.
    pub(super) fn parse(&self) -> Result<DeValue<'a>, HostsError> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(self.text.len(), |span| span.start);
            self.malformed(at, String::new(), format!("this is not TOML: {}", error.message()))
        })?;
        Ok(DeValue::Table(table.into_inner()))
    }

    /// Returns the whole file as a value without a key.
    pub(super) fn root(&'a self, value: &'a DeValue<'a>) -> Entry<'a> {
        Entry { node: Node { document: self, value, at: 0 }, table: String::new(), key: String::new() }
    }

    fn malformed(&self, at: usize, key: String, reason: String) -> HostsError {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..at).map_or(0, |text| text.chars().count()) + 1;
        HostsError::Malformed { file: self.file.to_owned(), line, column, key, reason }
    }

    /// Returns a path as the file means it: from where the file is.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }
}

impl<'a> Entry<'a> {
    /// Returns an error about this value.
    pub(super) fn error(&self, reason: impl Into<String>) -> HostsError {
        self.node.document.malformed(self.node.at, self.name(), reason.into())
    }

    /// Returns the whole name of the key.
    pub(super) fn name(&self) -> String {
        match (self.table.is_empty(), self.key.is_empty()) {
            (true, _) => quoted(&self.key),
            (false, true) => self.table.clone(),
            (false, false) => format!("{}.{}", self.table, quoted(&self.key)),
        }
    }

    /// Returns what people are told of this value.
    pub(super) fn setting(&self, value: impl Into<String>) -> Setting {
        Setting {
            name: self.key.clone(),
            value: value.into(),
            file: self.node.document.file.to_owned(),
            table: self.table.clone(),
        }
    }

    fn wrong(&self, wanted: &str) -> HostsError {
        let article = if self.node.value.is_integer() || self.node.value.is_array() { "an" } else { "a" };
        self.error(format!("is {article} {}, and has to be {wanted}", self.node.value.type_str()))
    }

    pub(super) fn boolean(&self) -> Result<bool, HostsError> {
        self.node.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    /// Returns a whole number from 1.
    pub(super) fn count(&self) -> Result<u32, HostsError> {
        let wanted = "a whole number from 1";
        let number = self.node.value.as_integer().ok_or_else(|| self.wrong(wanted))?;
        let number = u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| *number > 0);
        number.ok_or_else(|| self.error(format!("has to be {wanted} to {}", u32::MAX)))
    }

    pub(super) fn text(&self) -> Result<&'a str, HostsError> {
        self.node.value.as_str().ok_or_else(|| self.wrong("a string"))
    }

    pub(super) fn is_text(&self) -> bool {
        self.node.value.is_str()
    }

    pub(super) fn is_list(&self) -> bool {
        self.node.value.is_array()
    }

    /// Returns the elements of a list, which go by the list's name.
    pub(super) fn list(&self) -> Result<Vec<Self>, HostsError> {
        let list = self.node.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        if list.len() > MAX_ENTRIES {
            return Err(self.error(format!("has more than {MAX_ENTRIES} elements")));
        }
        let element = |value: &'a Spanned<DeValue<'a>>| Node {
            document: self.node.document,
            value: value.get_ref(),
            at: value.span().start,
        };
        Ok(list.iter().map(|value| Self { node: element(value), ..self.clone() }).collect())
    }

    /// Returns the strings of a list; one string is a list of one.
    pub(super) fn texts(&self) -> Result<Vec<&'a str>, HostsError> {
        if self.is_text() {
            return Ok(vec![self.text()?]);
        }
        self.list()?.iter().map(Self::text).collect()
    }

    /// Returns what is in a table, in the order of the file.
    pub(super) fn entries(&self) -> Result<Vec<Self>, HostsError> {
        let entries = self.node.value.as_table().ok_or_else(|| self.wrong("a table"))?;
        if entries.len() > MAX_ENTRIES {
            return Err(self.error(format!("has more than {MAX_ENTRIES} entries")));
        }
        let mut found: Vec<_> = entries
            .iter()
            .map(|(key, value)| {
                let node = Node { document: self.node.document, value: value.get_ref(), at: key.span().start };
                Self { node, table: self.name(), key: key.get_ref().to_string() }
            })
            .collect();
        found.sort_by_key(|entry| entry.node.at);
        Ok(found)
    }

    /// Returns the error for a key that nobody knows.
    pub(super) fn unknown(&self, known: &[&str]) -> HostsError {
        self.error(format!("is not known here{}", nearest(&self.key, known)))
    }
}

/// Returns which of some words was probably meant, and where none is near, all of them.
fn nearest(word: &str, known: &[&str]) -> String {
    // How near a long word is takes long to find out, and it is near to none.
    let near = known.iter().filter(|_| word.len() <= LONG_KEY);
    let near = near.map(|known| (strsim::damerau_levenshtein(word, known), known)).min();
    match near {
        Some((distance, known)) if distance <= 1 + known.len() / 3 => format!("; is {known} meant?"),
        _ => format!("; what is known: {}", known.join(", ")),
    }
}

/// Returns a key as TOML has it; of a long one the beginning.
fn quoted(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let long = key.chars().nth(LONG_KEY).map(|_| key.chars().take(LONG_KEY).chain(['…']).collect::<String>());
    let key = long.as_deref().unwrap_or(key);
    if key.bytes().all(bare) { key.to_owned() } else { format!("{key:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key() {
        let keys = ["mirrors", "http", "ca", "connect_timeout", "concurrency"];
        for (word, wanted) in [
            ("miror", "; is mirrors meant?"),
            ("mirror", "; is mirrors meant?"),
            ("htp", "; is http meant?"),
            ("connect-timeout", "; is connect_timeout meant?"),
            ("concurency", "; is concurrency meant?"),
            ("tlsconfigdir", "; what is known: mirrors, http, ca, connect_timeout, concurrency"),
            (&"m".repeat(1 << 20), "; what is known: mirrors, http, ca, connect_timeout, concurrency"),
        ] {
            assert_eq!(nearest(word, &keys), wanted);
        }
    }
}
