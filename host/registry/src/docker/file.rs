//! Reads `config.json`.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Deref;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use refkit_content::ErrorKind;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::keys;
use crate::credentials::Credentials;

/// The most bytes that the file may have.
const LIMIT: u64 = 1 << 20;

/// With padding or without: people write these by hand.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The parts of `config.json` that concern credentials. As in Docker's own command, `null` means that a value is
/// absent.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct File {
    #[serde(deserialize_with = "present")]
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    #[serde(deserialize_with = "present")]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: Option<Zeroizing<String>>,
    username: Option<String>,
    password: Option<Zeroizing<String>>,
    identitytoken: Option<Zeroizing<String>>,
    registrytoken: Option<Zeroizing<String>>,
}

/// Reads a table, and drops the entries that are `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(table: D) -> Result<BTreeMap<String, T>, D::Error> {
    let entries = Option::<BTreeMap<String, Option<T>>>::deserialize(table)?.unwrap_or_default();
    Ok(entries.into_iter().filter_map(|(key, entry)| Some((key, entry?))).collect())
}

/// Returns a text that is present and not empty.
fn filled<T: Deref<Target = String>>(text: &Option<T>) -> Option<&T> {
    text.as_ref().filter(|text| !text.is_empty())
}

impl File {
    /// Reads the file; an absent file is empty. Blocks.
    pub(super) fn read(path: &Path) -> Result<Self, ErrorKind> {
        let fail = |what: String| ErrorKind::Malformed(format!("{}: {what}", path.display()));
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(fail(error.to_string())),
        };
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
        if bytes.len() as u64 > LIMIT {
            return Err(fail(format!("it is larger than the limit of {LIMIT} bytes")));
        }
        // The parser's message could contain a secret; a position cannot.
        let read: Option<Self> = serde_json::from_slice(&bytes).map_err(|error| {
            fail(format!("it is no configuration of Docker, see line {} column {}", error.line(), error.column()))
        })?;
        Ok(read.unwrap_or_default())
    }

    /// Returns the helper that has a registry's credentials. An empty name for a registry means that its credentials
    /// are in this file, whichever helper the other registries have.
    pub(super) fn helper(&self, registry: &str) -> Option<&str> {
        let named = best(&self.cred_helpers, registry).or(self.creds_store.as_ref());
        named.map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Returns the credentials in the file.
    pub(super) fn credentials(&self, registry: &str) -> Result<Credentials, String> {
        let Some(entry) = best(&self.auths, registry) else { return Ok(Credentials::Anonymous) };
        if let Some(token) = filled(&entry.registrytoken) {
            return Ok(Credentials::RegistryToken(token.clone()));
        }
        if let Some(token) = filled(&entry.identitytoken) {
            return Ok(Credentials::IdentityToken(token.clone()));
        }
        let Some(auth) = filled(&entry.auth) else {
            let Some(username) = entry.username.clone().filter(|name| !name.is_empty()) else {
                return Ok(Credentials::Anonymous);
            };
            return Ok(Credentials::Basic { username, password: entry.password.clone().unwrap_or_default() });
        };
        let malformed = || format!("the `auth` of {registry} is not NAME:PASSWORD in base64");
        let pair = Zeroizing::new(BASE64.decode(auth.trim()).map_err(|_| malformed())?);
        let pair = std::str::from_utf8(&pair).map_err(|_| malformed())?;
        let (username, password) = pair.split_once(':').ok_or_else(malformed)?;
        let password = Zeroizing::new(password.trim_end_matches('\0').to_owned());
        Ok(Credentials::Basic { username: username.to_owned(), password })
    }
}

fn best<'a, T>(entries: &'a BTreeMap<String, T>, registry: &str) -> Option<&'a T> {
    let fitting = entries.iter().filter_map(|(key, entry)| Some((keys::fits(key, registry)?, entry)));
    fitting.min_by_key(|(rank, _)| *rank).map(|(_, entry)| entry)
}
