//! Collects the errors of a file, so that one reading shows them all.

use refkit_config::{ConfigError, Entry};

/// What is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// No file has settings of the server.
    #[error("no file has settings of the server ([server] in refkit.toml): {paths}{}", unread.concat())]
    None {
        /// The files that were looked for.
        paths: String,
        /// Those that this user may not read, each with what to say about it.
        unread: Vec<String>,
    },
    /// The errors of a file, in its order.
    #[error("{}", lines(.0))]
    Wrong(Vec<ConfigError>),
}

fn lines(errors: &[ConfigError]) -> String {
    errors.iter().map(ConfigError::to_string).collect::<Vec<_>>().join("\n")
}

impl From<ConfigError> for SettingsError {
    fn from(error: ConfigError) -> Self {
        Self::Wrong(vec![error])
    }
}

/// The errors so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<ConfigError>,
}

impl Problems {
    /// Keeps an error, and returns the value if there is none.
    pub(super) fn take<T>(&mut self, read: Result<T, ConfigError>) -> Option<T> {
        read.map_err(|error| self.add(error)).ok()
    }

    /// Keeps an error. A table that is wrong as a whole is read several times, and shown once.
    pub(super) fn add(&mut self, error: ConfigError) {
        if !self.list.contains(&error) {
            self.list.push(error);
        }
    }

    /// Calls `read` with each key of a table. An unknown key is an error, and so is each that `read` returns.
    pub(super) fn keys<'d>(
        &mut self,
        table: &Entry<'d>,
        known: &[&str],
        mut read: impl FnMut(&mut Self, &Entry<'d>) -> Result<(), ConfigError>,
    ) {
        for entry in self.take(table.entries()).unwrap_or_default() {
            let read = match known.contains(&entry.key()) {
                true => read(self, &entry),
                false => Err(entry.unknown(known)),
            };
            self.take(read);
        }
    }

    /// Returns whether there is no error so far.
    pub(super) fn are_none(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the errors, in the order of the file.
    pub(super) fn finish(mut self) -> Result<(), SettingsError> {
        let place = |error: &ConfigError| match error {
            ConfigError::Malformed { line, column, .. } => (*line, *column),
            _ => (0, 0),
        };
        self.list.sort_by_key(place);
        if self.list.is_empty() { Ok(()) } else { Err(SettingsError::Wrong(self.list)) }
    }
}
