//! The `registry` tables of `buildkitd.toml`, as BuildKit's `util/resolver` reads them. This module ignores the rest
//! of the file. One rule differs: relative paths start at the file's directory, and not where BuildKit was started.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use refkit_config::{ConfigError, Document, Entry, Setting, Sourced};

use super::address::Address;
use super::host::{Capabilities, Identity};
use super::pattern::Pattern;
use super::settings::Settings;
use super::specification::{HostSpecification, HostSpecifications, Scheme};
use super::{HostsError, certificates, files};

/// The settings of one table.
pub(super) struct Registry {
    mirrors: Vec<(Address, Setting)>,
    settings: Settings,
    /// Directories of certificates, which `specifications` reads later.
    directories: Vec<(PathBuf, Setting)>,
}

/// The tables of a file by the registry's name, in the order of the file.
pub(super) type Registries = Vec<(String, Result<Registry, HostsError>)>;

/// Parses a file; a broken table is an error for its registry alone.
///
/// # Errors
/// The error if the text is not TOML, or `registry` is not a table.
pub(super) fn parse(file: &Path, text: &str) -> Result<Registries, ConfigError> {
    let document = Document::parse(file, text)?;
    let mut found = Vec::new();
    for entry in document.root().entries()? {
        if is(&entry, "registry") {
            found.extend(
                entry
                    .entries()?
                    .into_iter()
                    .map(|entry| (entry.key().to_owned(), registry(&entry).map_err(HostsError::from))),
            );
        }
    }
    Ok(found)
}

/// Compares a key without regard to case, as Go's decoder does.
fn is(entry: &Entry<'_>, key: &str) -> bool {
    entry.key().eq_ignore_ascii_case(key)
}

fn registry(table: &Entry<'_>) -> Result<Registry, ConfigError> {
    let mut found = Registry { mirrors: Vec::new(), settings: Settings::default(), directories: Vec::new() };
    for entry in table.entries()? {
        match entry.key().to_ascii_lowercase().as_str() {
            "mirrors" => {
                for mirror in entry.list()? {
                    let address = Address { http: None, ..address(&mirror)? };
                    let setting = mirror.setting(address.shown());
                    found.mirrors.push((address, setting));
                }
            }
            "http" => found.settings.http = Some(Sourced::boolean(&entry)?),
            "insecure" => found.settings.insecure = Some(Sourced::boolean(&entry)?),
            "ca" => {
                entry.list()?;
                found.settings.roots = Some(Sourced::paths(&entry)?);
            }
            "keypair" => {
                for pair in entry.list()? {
                    let identity = identity(&pair)?;
                    let shown = identity.certificate.display().to_string();
                    Sourced::add(&mut found.settings.identities, [identity], pair.setting(shown));
                }
            }
            "tlsconfigdir" => {
                for directory in entry.list()? {
                    let path = directory.text()?;
                    found.directories.push((directory.path(path), directory.setting(path)));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Reads the address of a mirror. Its scheme is ignored: the mirror's own table decides whether the client uses TLS.
fn address(mirror: &Entry<'_>) -> Result<Address, ConfigError> {
    Address::parse(mirror.text()?).map_err(|reason| mirror.error(format!("has a mirror that {reason}")))
}

fn identity(pair: &Entry<'_>) -> Result<Identity, ConfigError> {
    let (mut certificate, mut key) = (None, None);
    for entry in pair.entries()? {
        if is(&entry, "cert") {
            certificate = Some(entry.path(entry.text()?));
        } else if is(&entry, "key") {
            key = Some(entry.path(entry.text()?));
        }
    }
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Identity { certificate, key }),
        _ => Err(pair.error("needs both cert and key")),
    }
}

/// Reads the directories of certificates that tables name, and returns the hosts of each registry.
pub(super) fn specifications(mut registries: Registries) -> HostSpecifications {
    for (_, registry) in &mut registries {
        if let Ok(found) = registry
            && let Err(error) = directories(found)
        {
            *registry = Err(error);
        }
    }
    let by_name: HashMap<_, _> = registries.iter().map(|(name, registry)| (name.as_str(), registry)).collect();
    let hosts = |registry: &Result<Registry, HostsError>| {
        let registry = registry.as_ref().map_err(HostsError::clone)?;
        let mut hosts = Vec::new();
        for (address, setting) in &registry.mirrors {
            let settings = match by_name.get(address.authority.as_str()) {
                Some(own) => own.as_ref().map_err(HostsError::clone)?.settings.clone(),
                None => Settings::default(),
            };
            hosts.push(HostSpecification {
                api: format!("v2/{}", address.path).trim_end_matches('/').to_owned(),
                scheme: scheme(&settings),
                address: Some(address.clone()),
                capabilities: Capabilities::READ,
                origin: Some(setting.clone()),
                ..HostSpecification::registry(settings, Scheme::Unsaid)
            });
        }
        hosts.push(HostSpecification::registry(registry.settings.clone(), scheme(&registry.settings)));
        Ok(hosts)
    };
    registries.iter().map(|(name, registry)| (Pattern::Exact(name.clone()), hosts(registry))).collect()
}

/// Returns the scheme for a host. With both `http` and `insecure` the client tries TLS first, as BuildKit does.
pub(super) fn scheme(settings: &Settings) -> Scheme {
    match settings.http.as_ref().map(|http| http.value) {
        None => Scheme::Unsaid,
        Some(false) => Scheme::Https,
        Some(true) if Settings::is(&settings.insecure) => Scheme::Either,
        Some(true) => Scheme::Http,
    }
}

/// Reads directories of certificates. A directory that is absent or not readable is skipped, as in BuildKit.
fn directories(registry: &mut Registry) -> Result<(), HostsError> {
    for (directory, setting) in &registry.directories {
        match certificates::read(directory, &mut registry.settings, setting) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {}
            read => read.map_err(|error| files::unreadable(directory, &error))?,
        }
    }
    Ok(())
}
