//! The keys of `refkit.toml` that are about one host.

use std::num::{NonZeroU32, NonZeroUsize};

use refkit_config::{ConfigError, Entry, Sourced};

use super::super::host::Identity;
use super::super::settings::{Settings, capabilities, headers, networks};

/// The keys of a host.
pub(super) const HOST_KEYS: [&str; 10] = [
    "http",
    "insecure",
    "ca",
    "client",
    "headers",
    "connect_timeout",
    "capabilities",
    "concurrency",
    "rate",
    "allow_private",
];

/// The keys that apply wherever a host is named, in other files too.
pub(super) const EVERYWHERE: [&str; 3] = ["concurrency", "rate", "allow_private"];

/// Takes a key of a host into its settings; returns false if it is no such key.
pub(super) fn host_key(entry: &Entry<'_>, settings: &mut Settings) -> Result<bool, ConfigError> {
    match entry.key() {
        "http" => settings.http = Some(Sourced::boolean(entry)?),
        "insecure" => settings.insecure = Some(Sourced::boolean(entry)?),
        "ca" => settings.roots = Some(Sourced::paths(entry)?),
        "client" => settings.identities = Some(identities(entry)?),
        "headers" => settings.headers = Some(headers(entry)?),
        "connect_timeout" => settings.connect = Sourced::duration(entry)?,
        "capabilities" if entry.list()?.is_empty() => {
            return Err(entry.error("is empty; a host that may be asked nothing is not to be named"));
        }
        "capabilities" => settings.capabilities = Some(capabilities(entry)?),
        "concurrency" => {
            let count = NonZeroUsize::new(entry.count()? as usize);
            settings.concurrency = count.map(|count| Sourced::new(count, entry.setting(count.to_string())));
        }
        "rate" => {
            let count = NonZeroU32::new(entry.count()?);
            settings.rate = count.map(|count| Sourced::new(count, entry.setting(count.to_string())));
        }
        "allow_private" => settings.allow_private = Some(networks(entry)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Reads one pair of `cert` and `key`, or a list of them. Without `key`, the key is in the file of the certificate.
fn identities(entry: &Entry<'_>) -> Result<Sourced<Vec<Identity>>, ConfigError> {
    let pairs = if entry.is_list() { entry.list()? } else { vec![entry.clone()] };
    let (mut value, mut shown) = (Vec::new(), Vec::new());
    for pair in pairs {
        let (mut certificate, mut private) = (None, None);
        for key in pair.entries()? {
            match key.key() {
                "cert" => certificate = Some(key.text()?),
                "key" => private = Some(key.text()?),
                _ => return Err(key.unknown(&["cert", "key"])),
            }
        }
        let certificate = certificate.ok_or_else(|| pair.error("needs cert, the file of the certificate"))?;
        let path = |path: &str| entry.path(path);
        value.push(Identity { certificate: path(certificate), key: path(private.unwrap_or(certificate)) });
        shown.push(certificate);
    }
    Ok(Sourced::new(value, entry.setting(shown.join(", "))))
}
