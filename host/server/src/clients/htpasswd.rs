//! Names and passwords, hashed with bcrypt.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use refkit_config::{ConfigError, read_text};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::tokens::{is_entry, wrong};
use crate::Client;
use crate::error::unreadable;
use crate::identity::is_name;
use crate::settings::Value;

/// How many passwords are checked at once. Each takes a processor for a twentieth of a second or more, by design, and a
/// stranger can ask for any number.
const CHECKS: usize = 2;

/// The most correct passwords that are remembered, by hash, so that only the first request of a client takes that time.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");

/// The users of a file that `htpasswd -B` has written.
#[derive(Debug)]
pub(super) struct Htpasswd {
    users: HashMap<Arc<str>, Arc<str>>,
    correct: Mutex<LruCache<[u8; 32], ()>>,
    checks: Semaphore,
}

impl Htpasswd {
    pub(super) fn read(file: Option<&Value<PathBuf>>, errors: &mut Vec<ConfigError>) -> Self {
        let mut users = HashMap::new();
        if let Some(file) = file {
            let text = read_text(file).unwrap_or_else(|error| {
                errors.push(unreadable(file.position.as_ref(), &file.value, &error.to_string()));
                String::new()
            });
            for (number, line) in text.lines().enumerate().filter(|(_, line)| is_entry(line)) {
                match line.trim().split_once(':') {
                    Some((name, hash)) if is_name(name) && is_bcrypt(hash) => {
                        users.insert(Arc::from(name), Arc::from(hash));
                    }
                    Some((name, _)) if is_name(name) => {
                        errors.push(wrong(file, number, "has no hash of bcrypt; write it with htpasswd -B"));
                    }
                    _ => errors.push(wrong(file, number, "is not NAME:HASH, as htpasswd -B writes it")),
                }
            }
        }
        Self { users, correct: Mutex::new(LruCache::new(REMEMBERED)), checks: Semaphore::new(CHECKS) }
    }

    /// Returns the client with this name and password.
    pub(super) async fn client(&self, name: &str, password: &str) -> Option<Client> {
        let (name, hash) = self.users.get_key_value(name)?;
        let key = Sha256::new().chain_update(name.as_bytes()).chain_update(b":").chain_update(password.as_bytes());
        let key: [u8; 32] = key.finalize().into();
        if self.correct.lock().get(&key).is_some() {
            return Some(Client::User(Arc::clone(name)));
        }
        let _turn = self.checks.acquire().await.ok()?;
        let (hash, password) = (Arc::clone(hash), password.to_owned());
        let check = tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false));
        if !check.await.ok()? {
            return None;
        }
        self.correct.lock().put(key, ());
        Some(Client::User(Arc::clone(name)))
    }
}

/// Returns whether a text is a hash of bcrypt, in one of the forms that programs write.
fn is_bcrypt(hash: &str) -> bool {
    ["$2y$", "$2b$", "$2a$"].iter().any(|prefix| hash.starts_with(prefix)) && hash.len() == 60
}
