//! The tables of `refkit.toml`.

use crate::{ConfigError, Document, Entry};

/// A table of `refkit.toml`. A new owner adds a variant here; only the owner knows the keys in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Table {
    /// `[registry."NAME"]`: which hosts serve a registry, and how the client talks to them. The registry client owns it.
    Registry,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 1] = [Self::Registry];

    /// Returns the table's name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
        }
    }

    /// Returns this table of a `refkit.toml`, if the file has it. Each owner checks the names of all tables, so that a
    /// misspelt one is an error in every program.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] if the file has a table that is not in [`Self::ALL`].
    pub fn find<'d>(self, document: &'d Document<'_>) -> Result<Option<Entry<'d>>, ConfigError> {
        let mut found = None;
        document.root().keys(&Self::ALL.map(Self::name), |entry| {
            if entry.key() == self.name() {
                found = Some(entry.clone());
            }
            Ok(())
        })?;
        Ok(found)
    }
}
