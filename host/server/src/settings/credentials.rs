//! How clients say who they are: tokens and passwords.

use std::path::PathBuf;

use refkit_config::{ConfigError, Entry};

use super::Value;
use super::problems::Problems;
use crate::identity::is_name;

/// The hash of a token: SHA-256. A token has to be random, because this hash is computed fast.
pub type TokenHash = [u8; 32];

/// The tokens and passwords that the server knows, by hash alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// Tokens in the file itself, each with its client's name.
    pub tokens: Vec<Value<(String, TokenHash)>>,
    /// Files of tokens.
    pub token_files: Vec<Value<PathBuf>>,
    /// A file of names and passwords, hashed with bcrypt, as `htpasswd -B` writes it.
    pub htpasswd: Option<Value<PathBuf>>,
}

impl Credentials {
    /// Returns whether a client can say who it is by a token or a password.
    pub fn are_there(&self) -> bool {
        !self.tokens.is_empty() || !self.token_files.is_empty() || self.htpasswd.is_some()
    }
}

/// Reads `tokens`: a file, a table with `name` and `sha256`, or a list of these.
pub(super) fn tokens(entry: &Entry<'_>, into: &mut Credentials, problems: &mut Problems) -> Result<(), ConfigError> {
    let list = if entry.is_list() { entry.list()? } else { vec![entry.clone()] };
    for one in &list {
        if one.is_table() {
            into.tokens.extend(token(one, problems));
        } else {
            into.token_files.extend(problems.take(one.text().map(|path| Value::at(one, one.path(path)))));
        }
    }
    Ok(())
}

fn token(entry: &Entry<'_>, problems: &mut Problems) -> Option<Value<(String, TokenHash)>> {
    let (mut name, mut hash) = (None, None);
    problems.keys(entry, &["name", "sha256"], |_, key| {
        let text = key.text()?;
        match key.key() {
            "name" if !is_name(text) => return Err(key.error("is no name of a client: letters, digits and ._-@/")),
            "name" => name = Some(text.to_owned()),
            _ => {
                hash =
                    Some(token_hash(text).ok_or_else(|| key.error("is no SHA-256 of a token: 64 hexadecimal digits"))?)
            }
        }
        Ok(())
    });
    if name.is_none() || hash.is_none() {
        problems.add(entry.error("has a token that needs name and sha256"));
    }
    Some(Value::at(entry, (name?, hash?)))
}

/// Reads a SHA-256 in hexadecimal digits.
pub(crate) fn token_hash(text: &str) -> Option<TokenHash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(hash)
}
