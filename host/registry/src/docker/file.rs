//! The file itself.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use refkit_content::Problem;
use serde::Deserialize;
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

/// What of `config.json` is about credentials.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: Zeroizing<String>,
    username: String,
    password: Zeroizing<String>,
    identitytoken: Zeroizing<String>,
    registrytoken: Zeroizing<String>,
}

impl File {
    /// Reads the file; one that is not there is empty. Blocks.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let fail = |what: String| Problem::Malformed(format!("{}: {what}", path.display()));
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
        // The parser's own words could hold a secret; where it stopped cannot.
        serde_json::from_slice(&bytes).map_err(|error| {
            fail(format!("it is no configuration of Docker, see line {} column {}", error.line(), error.column()))
        })
    }

    /// Returns the helper that has a registry's credentials.
    pub(super) fn helper(&self, registry: &str) -> Option<&str> {
        let store = self.creds_store.as_deref().filter(|store| !store.is_empty());
        best(&self.cred_helpers, registry).map(String::as_str).filter(|name| !name.is_empty()).or(store)
    }

    /// Returns the credentials that stand in the file.
    pub(super) fn credentials(&self, registry: &str) -> Result<Credentials, String> {
        let Some(entry) = best(&self.auths, registry) else { return Ok(Credentials::Anonymous) };
        if !entry.registrytoken.is_empty() {
            return Ok(Credentials::RegistryToken(entry.registrytoken.clone()));
        }
        if !entry.identitytoken.is_empty() {
            return Ok(Credentials::IdentityToken(entry.identitytoken.clone()));
        }
        if entry.auth.is_empty() {
            if entry.username.is_empty() {
                return Ok(Credentials::Anonymous);
            }
            return Ok(Credentials::Basic { username: entry.username.clone(), password: entry.password.clone() });
        }
        let malformed = || format!("the `auth` of {registry} is not NAME:PASSWORD in base64");
        let pair = Zeroizing::new(BASE64.decode(entry.auth.trim()).map_err(|_| malformed())?);
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
