//! Values together with the settings that they come from.

use std::path::PathBuf;
use std::time::Duration;

use crate::{ConfigError, Entry};

/// A setting in a file, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key in the file, such as `mirrors`.
    pub name: String,
    /// The value's text for people. Secret values are left out.
    pub value: String,
    /// The file.
    pub file: PathBuf,
    /// The table in the file, such as `registry."docker.io"`.
    pub table: String,
}

/// A value with its source: the settings that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The settings; several where each adds to a list.
    pub settings: Vec<Setting>,
}

impl<T> Sourced<T> {
    /// Returns a value from one setting.
    pub fn new(value: T, setting: Setting) -> Self {
        Self { value, settings: vec![setting] }
    }
}

impl<T> Sourced<Vec<T>> {
    /// Adds elements to a list, and creates the list if it is absent.
    pub fn add(list: &mut Option<Self>, more: impl IntoIterator<Item = T>, setting: Setting) {
        let list = list.get_or_insert_with(|| Self { value: Vec::new(), settings: Vec::new() });
        list.value.extend(more);
        list.settings.push(setting);
    }
}

impl Sourced<bool> {
    /// Reads a boolean.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for another value.
    pub fn boolean(entry: &Entry<'_>) -> Result<Self, ConfigError> {
        let value = entry.boolean()?;
        Ok(Self::new(value, entry.setting(value.to_string())))
    }
}

impl Sourced<Vec<PathBuf>> {
    /// Reads one path or a list of paths. Relative ones start at the file's directory.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for another value.
    pub fn paths(entry: &Entry<'_>) -> Result<Self, ConfigError> {
        let texts = entry.texts()?;
        let value = texts.iter().map(|path| entry.path(path)).collect();
        Ok(Self::new(value, entry.setting(texts.join(", "))))
    }
}

impl Sourced<Duration> {
    /// Reads a duration such as `3s` or `1m30s`. Zero means none.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for another value.
    pub fn duration(entry: &Entry<'_>) -> Result<Option<Self>, ConfigError> {
        let (text, value) = (entry.text()?, entry.duration()?);
        Ok((!value.is_zero()).then(|| Self::new(value, entry.setting(text))))
    }
}
