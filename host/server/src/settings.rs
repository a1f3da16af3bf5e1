//! The settings of the server: the tables `server`, `rule`, `policy` and `cache` of `refkit.toml`.
//!
//! The four tables come from one file: the first that has one of them. Every key that is wrong is an error of its own,
//! with its position, so that one reading shows them all.
//!
//! ```
//! use std::path::Path;
//!
//! use refkit_server::Settings;
//!
//! let text = "[server]\ngrpc = \"unix:///run/refkit.sock\"\n[[rule]]\nmatch = \"docker.io/**\"\npolicies = \"approved\"\n";
//! let errors = Settings::parse(Path::new("/etc/refkit/refkit.toml"), text).unwrap_err();
//! let wanted = "/etc/refkit/refkit.toml:5:1: rule.policies names a policy that is not here: there is no [policy.NAME]";
//! assert_eq!(errors.to_string(), wanted);
//! ```

mod address;
mod cache;
mod credentials;
mod listener;
mod listing;
mod policy;
mod problems;
mod rule;
mod server;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use refkit_config::{ConfigError, ConfigFile, Document, Entry, Table, read_text};

pub use address::Address;
pub use cache::Cache;
pub(crate) use credentials::token_hash;
pub use credentials::{Credentials, TokenHash};
pub use listener::{Listener, TlsFiles};
pub use listing::Line;
pub use policy::{Policy, Source};
pub use problems::SettingsError;
pub use rule::Rule;
pub use server::{DefaultRule, Server};
pub use value::Value;

use problems::Problems;

/// The tables that the server owns.
const TABLES: [Table; 4] = [Table::Server, Table::Rule, Table::Policy, Table::Cache];

/// The settings of the server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The file that they come from.
    pub file: PathBuf,
    /// `[server]`.
    pub server: Server,
    /// The tables `[[rule]]`, in order.
    pub rules: Vec<Rule>,
    /// The tables `[policy.NAME]`, by name.
    pub policies: BTreeMap<String, Policy>,
    /// `[cache]`.
    pub cache: Cache,
    /// What is no error and probably not meant.
    pub notes: Vec<String>,
}

impl Settings {
    /// Reads the first of the files that has one of the server's tables. It blocks.
    ///
    /// # Errors
    /// Every error of that file, or one if there is no such file.
    pub fn read(files: &[ConfigFile]) -> Result<Self, SettingsError> {
        let (mut unread, mut found) = (Vec::new(), None::<Self>);
        for file in files {
            let Some(text) = file.read(&mut unread, read_text)? else { continue };
            if !has_tables(file.path(), &text)? {
                continue;
            }
            match &mut found {
                None => found = Some(Self::parse(file.path(), &text)?),
                Some(found) => found.notes.push(format!(
                    "{} has tables of the server as well; those of {} count",
                    file.path().display(),
                    found.file.display()
                )),
            }
        }
        found.ok_or_else(|| {
            let paths = files.iter().map(|file| file.path().display().to_string()).collect::<Vec<_>>();
            let unread = unread.iter().map(|path| format!("; {} is not for this user to read", path.display()));
            SettingsError::None { paths: paths.join(", "), unread: unread.collect() }
        })
    }

    /// Reads the text of a `refkit.toml`; relative paths in it start at the directory of `file`.
    ///
    /// # Errors
    /// Every error of the text.
    pub fn parse(file: &Path, text: &str) -> Result<Self, SettingsError> {
        let document = Document::parse(file, text)?;
        let mut problems = Problems::default();
        let table = |table: Table, problems: &mut Problems| problems.take(table.find(&document)).flatten();
        let server = server::read(table(Table::Server, &mut problems), &mut problems);
        let table_of_policies = table(Table::Policy, &mut problems);
        let policies =
            table_of_policies.as_ref().map_or_else(BTreeMap::new, |table| policy::read_all(table, &mut problems));
        // A rule may name a policy that is wrong itself: that is one error, and not two.
        let declared = table_of_policies.as_ref().and_then(|table| table.entries().ok()).unwrap_or_default();
        let declared: Vec<&str> = declared.iter().map(Entry::key).collect();
        let rules = table(Table::Rule, &mut problems);
        let rules = rules.map_or_else(Vec::new, |list| rule::read_all(&list, &declared, &mut problems));
        let cache = cache::read(table(Table::Cache, &mut problems), &mut problems);
        let used = |name: &String| rules.iter().any(|rule| rule.policies.value.contains(name));
        let unused = policies.iter().filter(|(name, _)| !used(name));
        let notes = unused.map(|(_, policy)| format!("{}: {} is in no rule", policy.position, policy.position.name()));
        let notes = notes.collect();
        problems.finish()?;
        Ok(Self { file: file.to_owned(), server, rules, policies, cache, notes })
    }

    /// Returns the effective settings, a line each, with where each comes from.
    pub fn lines(&self) -> Vec<Line> {
        listing::lines(self)
    }
}

fn has_tables(file: &Path, text: &str) -> Result<bool, ConfigError> {
    let document = Document::parse(file, text)?;
    let tables = document.root().entries()?;
    Ok(tables.iter().any(|entry| TABLES.iter().any(|table| table.name() == entry.key())))
}

#[cfg(test)]
mod tests;
