//! What the responses of hosts have shown: which scheme each wants, and the tokens for it. It starts empty.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Mutex as Cell, OwnedMutexGuard};
use zeroize::Zeroizing;

use super::scheme::Scheme;
use super::scope::{Actions, Scopes};
use super::token::Token;
use crate::endpoint::Endpoint;

/// A token, and the scopes that the host has asked for beyond those that its requests need.
#[derive(Default)]
pub(super) struct Held {
    pub(super) token: Option<Token>,
    pub(super) asked: Scopes,
    /// The fingerprint of the credentials that got the token.
    pub(super) whose: Zeroizing<[u8; 32]>,
}

/// A host, and the name that its credentials go by.
#[derive(Clone, PartialEq, Eq, Hash)]
struct HostKey {
    api: String,
    credentials: String,
}

impl HostKey {
    fn of(endpoint: &Endpoint) -> Self {
        Self { api: endpoint.host.api.as_str().to_owned(), credentials: endpoint.host.credentials.clone() }
    }
}

type TokenKey = (HostKey, String, Actions);

/// How many tokens are kept before the expired ones are dropped.
const KEPT: usize = 1024;

/// What the client has learned of all hosts.
#[derive(Default)]
pub(super) struct Learned {
    schemes: Mutex<HashMap<HostKey, Scheme>>,
    contacts: Mutex<HashMap<HostKey, Arc<Cell<()>>>>,
    tokens: Mutex<HashMap<TokenKey, Arc<Cell<Held>>>>,
    /// The hosts that were sent credentials, or a token for credentials.
    sent: Mutex<HashSet<HostKey>>,
    /// The repositories that a host shows without credentials, or does not show even with them.
    shown: Mutex<HashSet<(HostKey, String)>>,
}

impl Learned {
    /// Returns the scheme that a host wants; none before its first response.
    pub(super) fn scheme(&self, endpoint: &Endpoint) -> Option<Scheme> {
        lock(&self.schemes).get(&HostKey::of(endpoint)).cloned()
    }

    /// Notes the scheme that a host wants.
    pub(super) fn set_scheme(&self, endpoint: &Endpoint, scheme: Scheme) {
        lock(&self.schemes).insert(HostKey::of(endpoint), scheme);
    }

    /// Returns whether a host wants a user name and a password.
    pub(super) fn is_basic(&self, endpoint: &Endpoint) -> bool {
        matches!(self.scheme(endpoint), Some(Scheme::Basic))
    }

    /// Notes that a host is sent credentials.
    pub(super) fn send_credentials(&self, endpoint: &Endpoint) {
        lock(&self.sent).insert(HostKey::of(endpoint));
    }

    /// Returns whether a host has been sent credentials.
    pub(super) fn has_sent_credentials(&self, endpoint: &Endpoint) -> bool {
        lock(&self.sent).contains(&HostKey::of(endpoint))
    }

    /// Notes that a host hides nothing of a repository from requests without credentials.
    pub(super) fn show(&self, endpoint: &Endpoint) {
        let mut shown = lock(&self.shown);
        // A forgotten entry costs one extra request.
        if shown.len() >= KEPT {
            shown.clear();
        }
        shown.insert((HostKey::of(endpoint), endpoint.path.clone()));
    }

    /// Returns whether a host is known to hide nothing of a repository from requests without credentials.
    pub(super) fn is_shown(&self, endpoint: &Endpoint) -> bool {
        lock(&self.shown).contains(&(HostKey::of(endpoint), endpoint.path.clone()))
    }

    /// Returns at once for the first request to a host, with a guard. Other requests wait until the guard is dropped,
    /// and then know which scheme the host wants. If the first request fails, all others proceed.
    pub(super) async fn first_contact(&self, endpoint: &Endpoint) -> Option<OwnedMutexGuard<()>> {
        if self.scheme(endpoint).is_some() {
            return None;
        }
        let contact = Arc::clone(lock(&self.contacts).entry(HostKey::of(endpoint)).or_default());
        match Arc::clone(&contact).try_lock_owned() {
            Ok(first) => Some(first),
            Err(_) => {
                drop(contact.lock().await);
                None
            }
        }
    }

    /// Returns the cell of the token for these actions. A task locks the cell while it gets the token, so that equal
    /// requests get one.
    pub(super) fn cell(&self, endpoint: &Endpoint, actions: &Actions) -> Arc<Cell<Held>> {
        let mut tokens = lock(&self.tokens);
        if tokens.len() >= KEPT {
            // A task that locks a cell is requesting its token.
            let lives = |held: &Held| held.token.as_ref().is_some_and(Token::lives);
            tokens.retain(|_, cell| cell.try_lock().map_or(true, |held| lives(&held)));
        }
        Arc::clone(tokens.entry((HostKey::of(endpoint), endpoint.path.clone(), actions.clone())).or_default())
    }
}

/// Nothing panics while one of these locks is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
