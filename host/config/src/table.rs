//! The tables of `refkit.toml`.

use crate::{ConfigError, Document, Entry};

/// A table of `refkit.toml`. A new owner adds a variant here; only the owner knows the keys in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Table {
    /// `[registry."NAME"]`: which hosts serve a registry, and how the client talks to them. The registry client owns it.
    Registry,
    /// `[server]`: where `refkit serve` listens, and who may connect. The server owns this table and the next three.
    Server,
    /// `[[rule]]`: which policies decide about which references; a list, in order.
    Rule,
    /// `[policy.NAME]`: a policy, with its settings and grants.
    Policy,
    /// `[cache]`: what the server keeps of registries' content.
    Cache,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 5] = [Self::Registry, Self::Server, Self::Rule, Self::Policy, Self::Cache];

    /// Returns the table's name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Server => "server",
            Self::Rule => "rule",
            Self::Policy => "policy",
            Self::Cache => "cache",
        }
    }

    /// Returns whether the file has a list of such tables, each as `[[name]]`.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Rule)
    }

    /// Returns this table of a `refkit.toml`, if the file has it: for a table of which there is a list, the list. Each
    /// owner checks the names of all tables, so that a misspelt one is an error in every program.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] if the file has a table that is not in [`Self::ALL`], or this one with single
    /// brackets instead of double ones, or the other way round.
    pub fn find<'d>(self, document: &'d Document<'_>) -> Result<Option<Entry<'d>>, ConfigError> {
        let mut found = None;
        document.root().keys(&Self::ALL.map(Self::name), |entry| {
            if entry.key() == self.name() {
                found = Some(entry.clone());
            }
            Ok(())
        })?;
        match found {
            Some(entry) if self.is_list() && entry.is_table() => {
                Err(entry.error(format!("is one of a list; write [[{}]]", self.name())))
            }
            Some(entry) if !self.is_list() && entry.is_list() => {
                Err(entry.error(format!("is a single table; write [{}]", self.name())))
            }
            found => Ok(found),
        }
    }
}
