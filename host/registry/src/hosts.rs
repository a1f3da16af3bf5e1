//! Selects the hosts that serve a registry, their order, and the settings of each.
//!
//! Three kinds of files have these settings: `refkit.toml`, RefKit's own; `certs.d/HOST/hosts.toml`, containerd's; and
//! `buildkitd.toml`, BuildKit's. An entry for a registry's exact name ranks before a wildcard, and that before a
//! default. Among equals the first wins: the embedder's settings, then the files in the order above. One entry decides
//! for a registry. Only limits are merged: `refkit.toml` sets them for every host that any file names.
//!
//! ```
//! use std::path::Path;
//!
//! use refkit_oci::Repository;
//! use refkit_registry::hosts::Hosts;
//!
//! let text = r#"
//!     [registry."docker.io"]
//!     mirrors = ["mirror.example:5000/hub"]
//! "#;
//! let hosts = Hosts::default().refkit(Path::new("/etc/refkit/refkit.toml"), text)?;
//! let hosts = hosts.of(&Repository::parse("alpine")?)?;
//! let apis: Vec<_> = hosts.iter().map(|host| host.api.as_str()).collect();
//! assert_eq!(apis, ["https://mirror.example:5000/v2/hub/", "https://registry-1.docker.io/v2/"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod buildkitd;
mod certificates;
mod certs_d;
mod error;
mod files;
mod host;
mod hosts_toml;
mod listing;
mod network;
mod pattern;
mod refkit;
mod rewrite;
mod selection;
mod settings;
mod specification;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use refkit_config::read_text;
use refkit_oci::Repository;
use refkit_oci::reference::normal_host;

pub use error::HostsError;
pub use files::Files;
pub use host::{Capabilities, Host, Identity, Tls};
pub use listing::Listing;
pub use network::Network;
pub use refkit_config::{ConfigError, ConfigFile, Setting};
pub use rewrite::Rewrite;

use pattern::Pattern;
use specification::HostSpecifications;

/// The most registries whose hosts are remembered.
const MAX_REMEMBERED: usize = 1024;

/// The hosts of all registries. Without any files a registry is its own only host, with TLS unless its name is one of
/// this machine; `docker.io` is `registry-1.docker.io`. Clones share a memory of earlier results.
#[derive(Clone, Default)]
pub struct Hosts {
    given: Vec<(Pattern, Vec<Arc<Host>>)>,
    tables: Vec<(Pattern, Arc<Result<refkit::Table, HostsError>>)>,
    /// From `certs.d`, then from `buildkitd.toml`.
    others: HostSpecifications,
    plain: BTreeSet<String>,
    unread: Vec<PathBuf>,
    remembered: Arc<Mutex<HashMap<String, Vec<Arc<Host>>>>>,
}

impl Hosts {
    /// Reads files. It blocks. Later calls read nothing but the certificates that the files name.
    ///
    /// # Errors
    /// The error of a file that cannot be read or parsed. If only the entry of one registry is wrong, [`Self::of`]
    /// returns the error for that registry.
    pub fn read(files: &Files) -> Result<Self, HostsError> {
        let mut hosts = Self::default();
        for file in &files.refkit {
            if let Some(text) = file.read(&mut hosts.unread, read_text)? {
                hosts = hosts.refkit(file.path(), &text)?;
            }
        }
        for root in &files.certs_d {
            hosts.others.extend(root.read(&mut hosts.unread, certs_d::read)?.into_iter().flatten());
        }
        for file in &files.buildkitd {
            if let Some(text) = file.read(&mut hosts.unread, read_text)? {
                hosts.others.extend(buildkitd::specifications(buildkitd::parse(file.path(), &text)?));
            }
        }
        Ok(hosts)
    }

    /// Adds the text of a `refkit.toml`, which need not exist on disk; relative paths in it start at the directory of
    /// `file`.
    ///
    /// # Errors
    /// The error of a text that cannot be parsed.
    pub fn refkit(mut self, file: &Path, text: &str) -> Result<Self, HostsError> {
        let tables = refkit::parse(file, text)?.into_iter();
        self.tables.extend(tables.map(|(pattern, table)| (pattern, Arc::new(table))));
        Ok(self.changed())
    }

    /// Sets the hosts of a registry, or of all registries that a pattern as in `refkit.toml` fits. The client uses
    /// these hosts unchanged, and ignores what files say of the same name.
    ///
    /// # Errors
    /// [`HostsError::Name`] if the text is neither a registry nor a pattern.
    pub fn with(mut self, registry: &str, hosts: Vec<Host>) -> Result<Self, HostsError> {
        let pattern = Pattern::parse(registry)
            .map_err(|reason| HostsError::Name { name: registry.to_owned(), reason: format!("it {reason}") })?;
        self.given.push((pattern, hosts.into_iter().map(Arc::new).collect()));
        Ok(self.changed())
    }

    /// Uses plain HTTP for a registry, whatever files say, and for those of its mirrors whose scheme no file names.
    #[must_use]
    pub fn plain_http(mut self, registry: impl Into<String>) -> Self {
        let registry = registry.into();
        self.plain.insert(normal_host(&registry).unwrap_or(registry));
        self.changed()
    }

    /// Returns the files in usual locations that exist but that this user may not read.
    pub fn unread(&self) -> &[PathBuf] {
        &self.unread
    }

    /// Returns the hosts of a repository, in order. Equal calls return the same hosts, by pointer: the results for
    /// 1024 registries are remembered, and then all are dropped.
    ///
    /// # Errors
    /// The error of the entry for this registry, or for one of its mirrors.
    pub fn of(&self, repository: &Repository) -> Result<Vec<Arc<Host>>, HostsError> {
        let registry = repository.registry();
        let remembered = || self.remembered.lock();
        if let Some(hosts) = remembered().get(registry) {
            return Ok(hosts.clone());
        }
        let hosts = self.select(registry)?;
        let mut remembered = remembered();
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        Ok(remembered.entry(registry.to_owned()).or_insert(hosts).clone())
    }

    /// Drops the remembered results, which may be wrong now, without changing those of other clones.
    fn changed(mut self) -> Self {
        self.remembered = Arc::default();
        self
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosts").field("plain", &self.plain).field("unread", &self.unread).finish_non_exhaustive()
    }
}

/// Parses the text of one of the kinds of files, for `make fuzz`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(kind: u32, file: &Path, text: &str) -> Option<Hosts> {
    let mut hosts = Hosts::default();
    match kind % 3 {
        0 => hosts = hosts.refkit(file, text).ok()?,
        1 => hosts.others.extend(buildkitd::specifications(buildkitd::parse(file, text).ok()?)),
        _ => hosts.others.push((Pattern::Default, hosts_toml::parse(file, text).map_err(HostsError::from))),
    }
    Some(hosts)
}
