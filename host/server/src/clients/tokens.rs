//! Bearer tokens, known by their SHA-256 alone.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use refkit_config::{ConfigError, read_text};
use sha2::{Digest as _, Sha256};

use crate::Client;
use crate::error::unreadable;
use crate::identity::is_name;
use crate::settings::{Credentials, TokenHash, token_hash};

/// The clients by the hashes of their tokens. A lookup by hash does not show by its time how much of a token was right.
#[derive(Debug)]
pub(super) struct Tokens {
    by_hash: HashMap<TokenHash, Arc<str>>,
}

impl Tokens {
    pub(super) fn read(credentials: &Credentials, errors: &mut Vec<ConfigError>) -> Self {
        let mut by_hash = HashMap::new();
        for token in &credentials.tokens {
            let (name, hash) = &token.value;
            if by_hash.insert(*hash, Arc::from(name.as_str())).is_some() {
                errors.extend(token.position.as_ref().map(|position| position.error("has a token twice")));
            }
        }
        for file in &credentials.token_files {
            let text = match read_text(file) {
                Ok(text) => text,
                Err(error) => {
                    errors.push(unreadable(file.position.as_ref(), &file.value, &error.to_string()));
                    continue;
                }
            };
            for (number, line) in text.lines().enumerate().filter(|(_, line)| is_entry(line)) {
                match entry(line) {
                    Some((name, hash)) => match by_hash.insert(hash, Arc::from(name)) {
                        None => {}
                        Some(_) => errors.push(wrong(file, number, "has a token that an earlier line has")),
                    },
                    None => errors.push(wrong(file, number, "is not NAME sha256:HEX")),
                }
            }
        }
        Self { by_hash }
    }

    /// Returns the client with this token.
    pub(super) fn client(&self, token: &str) -> Option<Client> {
        let hash: TokenHash = Sha256::digest(token.as_bytes()).into();
        self.by_hash.get(&hash).cloned().map(Client::Token)
    }
}

/// Returns whether a line is neither empty nor a comment.
pub(super) fn is_entry(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

/// Reads `NAME sha256:HEX`.
fn entry(line: &str) -> Option<(&str, TokenHash)> {
    let (name, hash) = line.trim().split_once(char::is_whitespace)?;
    let hash = token_hash(hash.trim().strip_prefix("sha256:")?)?;
    is_name(name).then_some((name, hash))
}

/// Returns the error for a line of a file of credentials, without the line's text.
pub(super) fn wrong(file: &Path, number: usize, reason: &str) -> ConfigError {
    let (file, line) = (file.to_owned(), number + 1);
    ConfigError::Malformed { file, line, column: 1, key: "this line".to_owned(), reason: reason.to_owned() }
}
