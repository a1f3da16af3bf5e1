//! containerd's `hosts.toml`, as its `core/remotes/docker/config` reads it. Three rules differ. A broken file is an
//! error, where containerd ignores it. Hosts count in every form in which TOML can write their tables. An empty key
//! beside a client certificate means, as the documentation says, that the key is in the same file.

use std::path::Path;

use refkit_config::{ConfigError, Document, Entry, Setting, Sourced};

use super::address::{self, Address};
use super::host::{Capabilities, Identity};
use super::settings::{Settings, capabilities, headers};
use super::specification::{HostSpecification, Scheme};

/// Returns the hosts of a file in order, the server last.
///
/// # Errors
/// The error if the text is not TOML, or a value is invalid.
pub(super) fn parse(file: &Path, text: &str) -> Result<Vec<HostSpecification>, ConfigError> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    let (mut hosts, mut server) = (Vec::new(), None);
    for entry in root.entries()? {
        match entry.key().to_ascii_lowercase().as_str() {
            "host" => {
                for host in entry.entries()? {
                    let setting = |address: &Address| Setting { value: address.shown(), ..entry.setting("") };
                    hosts.push(specification(&host, host.key(), &host, setting)?);
                }
            }
            "server" if !entry.text()?.is_empty() => {
                let setting = |address: &Address| entry.setting(address.shown());
                server = Some(specification(&root, entry.text()?, &entry, setting)?);
            }
            _ => {}
        }
    }
    let itself = || {
        let (mut settings, _) = settings(&root)?;
        // containerd gives the registry itself all capabilities, whatever the file says.
        settings.capabilities = None;
        Ok(HostSpecification::registry(settings, Scheme::ByPort))
    };
    hosts.push(server.map_or_else(itself, Ok)?);
    Ok(hosts)
}

/// Returns the host at an address, with the settings of a table.
fn specification(
    table: &Entry<'_>,
    address: &str,
    at: &Entry<'_>,
    setting: impl FnOnce(&Address) -> Setting,
) -> Result<HostSpecification, ConfigError> {
    let address = Address::parse(address).map_err(|reason| at.error(format!("names a host that {reason}")))?;
    let (settings, override_path) = settings(table)?;
    let named = address.path == "v2" || address.path.ends_with("/v2");
    let api = if override_path || named { address.path.clone() } else { format!("{}/v2", address.path) };
    let scheme = match address.http {
        // With settings of TLS, the client tries TLS first, unless the port is that of plain HTTP.
        Some(true) if explicit(&settings) && address::split(&address.authority).1 != Some("80") => Scheme::Either,
        Some(true) => Scheme::Http,
        _ => Scheme::Https,
    };
    Ok(HostSpecification {
        api: api.trim_start_matches('/').to_owned(),
        origin: Some(setting(&address)),
        capabilities: Capabilities::ALL,
        address: Some(address),
        ..HostSpecification::registry(settings, scheme)
    })
}

/// Returns whether settings are about TLS.
fn explicit(settings: &Settings) -> bool {
    settings.insecure.is_some() || settings.roots.is_some() || settings.identities.is_some()
}

/// Returns the settings of a table, and whether the path of its address is the API's own.
fn settings(table: &Entry<'_>) -> Result<(Settings, bool), ConfigError> {
    let (mut found, mut override_path) = (Settings::default(), false);
    for entry in table.entries()? {
        match entry.key().to_ascii_lowercase().as_str() {
            // An empty list counts as absent.
            "capabilities" if entry.list()?.is_empty() => {}
            "capabilities" => found.capabilities = Some(capabilities(&entry)?),
            "ca" => found.roots = Some(Sourced::paths(&entry)?),
            "client" => found.identities = Some(identities(&entry)?),
            "skip_verify" => found.insecure = Some(Sourced::boolean(&entry)?),
            "header" => found.headers = Some(headers(&entry)?),
            "dial_timeout" if entry.text()?.is_empty() => {}
            "dial_timeout" => found.connect = Sourced::duration(&entry)?,
            "override_path" => override_path = entry.boolean()?,
            _ => {}
        }
    }
    Ok((found, override_path))
}

/// Reads a file, several, or pairs of a certificate and a key.
fn identities(entry: &Entry<'_>) -> Result<Sourced<Vec<Identity>>, ConfigError> {
    let (mut value, mut shown) = (Vec::new(), Vec::new());
    let elements = if entry.is_text() { vec![entry.clone()] } else { entry.list()? };
    for element in elements {
        let path = |path: &str| entry.path(path);
        let (certificate, key) = match (element.is_text(), element.texts()?.as_slice()) {
            (true, [certificate]) | (false, [certificate, ""]) => (*certificate, *certificate),
            (false, [certificate, key]) => (*certificate, *key),
            _ => return Err(element.error("has to be a file, or a pair of the certificate's and the key's")),
        };
        value.push(Identity { certificate: path(certificate), key: path(key) });
        shown.push(certificate);
    }
    Ok(Sourced::new(value, entry.setting(shown.join(", "))))
}
