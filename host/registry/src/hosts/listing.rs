//! The hosts of a repository, as text for people.

use std::fmt;
use std::sync::Arc;

use refkit_oci::Repository;

use super::{Capabilities, Host};

/// The hosts of a repository, in order, each with its settings and the files that they come from:
///
/// ```text
/// 1. https://mirror.example/v2/hub/library/alpine?ns=docker.io
///    resolve and pull; credentials of mirror.example
///    mirrors = mirror.example/hub    /etc/refkit/refkit.toml, registry."docker.io"
/// 2. https://registry-1.docker.io/v2/library/alpine
///    resolve, pull and push; credentials of docker.io
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// The repository's hosts, from [`Hosts::of`](super::Hosts::of).
    pub hosts: &'a [Arc<Host>],
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, host) in self.hosts.iter().enumerate() {
            let query = if host.names_registry { format!("?ns={}", self.repository.registry()) } else { String::new() };
            match host.repository(self.repository.path()) {
                Ok(path) => writeln!(f, "{}. {}{path}{query}", number + 1, host.api)?,
                Err(problem) => writeln!(f, "{}. {}: {problem}", number + 1, host.api)?,
            }
            write!(f, "   {}; credentials of {}", host.capabilities, host.credentials)?;
            f.write_str(if host.tls.insecure { "; any certificate\n" } else { "\n" })?;
            let said: Vec<_> = host.settings.iter().map(|set| format!("{} = {}", set.name, set.value)).collect();
            let width = said.iter().map(|said| said.chars().count()).max().unwrap_or_default();
            for (said, setting) in said.iter().zip(&host.settings) {
                write!(f, "   {said:width$}  {}", setting.file.display())?;
                if !setting.table.is_empty() {
                    write!(f, ", {}", setting.table)?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// Writes `resolve, pull and push`.
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [(self.resolve, "resolve"), (self.pull, "pull"), (self.push, "push")];
        let words: Vec<_> = words.iter().filter(|(has, _)| *has).map(|(_, word)| *word).collect();
        match words.as_slice() {
            [] => f.write_str("nothing"),
            [word] => f.write_str(word),
            [first @ .., last] => write!(f, "{} and {last}", first.join(", ")),
        }
    }
}
