//! What is known of how hosts are asked: nothing at first, and what they have asked for from then on.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Cell, OwnedMutexGuard};
use zeroize::Zeroizing;

use crate::challenge::Bearer;
use crate::endpoint::Endpoint;
use crate::scope::Scopes;
use crate::token::Token;

/// What a request does to a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Actions {
    /// Reads.
    Pull,
    /// Writes.
    Push,
    /// Writes, and reads another repository of the same host, by its path there.
    Mount(String),
}

impl Actions {
    /// Returns what a token has to allow for them.
    pub(crate) fn scopes(&self, path: &str) -> Scopes {
        let scopes = Scopes::default();
        match self {
            Self::Pull => scopes.repository(path, "pull"),
            Self::Push => scopes.repository(path, "pull,push"),
            Self::Mount(from) => scopes.repository(path, "pull,push").repository(from, "pull"),
        }
    }
}

/// How a host wants to be asked.
#[derive(Clone)]
pub(crate) enum Way {
    /// As it is, so far.
    Open,
    /// With user name and password.
    Basic,
    /// With the token that the credentials are.
    Registry,
    /// With a token for each repository.
    Token(Bearer),
}

/// A token, and the scopes that the host has asked for beside those that are known to be needed.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) token: Option<Token>,
    pub(crate) asked: Scopes,
    /// The fingerprint of the credentials that the token was given for.
    pub(crate) whose: Zeroizing<[u8; 32]>,
}

/// A host, and the name that its credentials go by.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    api: String,
    credentials: String,
}

impl Place {
    fn of(endpoint: &Endpoint) -> Self {
        Self { api: endpoint.host.api.as_str().to_owned(), credentials: endpoint.host.credentials.clone() }
    }
}

type TokenKey = (Place, String, Actions);

/// Tokens that are kept before those that have ended are thrown away.
const KEPT: usize = 1024;

/// The ways of all hosts, and the tokens for them.
#[derive(Default)]
pub(crate) struct Authority {
    ways: Mutex<HashMap<Place, Way>>,
    contacts: Mutex<HashMap<Place, Arc<Cell<()>>>>,
    tokens: Mutex<HashMap<TokenKey, Arc<Cell<Held>>>>,
    /// The hosts that credentials were looked up for: these were sent to them, or a token for them.
    told: Mutex<HashSet<Place>>,
    /// The repositories that a host answers about without credentials, or not even with them.
    shown: Mutex<HashSet<(Place, String)>>,
}

impl Authority {
    pub(crate) fn way(&self, endpoint: &Endpoint) -> Option<Way> {
        lock(&self.ways).get(&Place::of(endpoint)).cloned()
    }

    pub(crate) fn set_way(&self, endpoint: &Endpoint, way: Way) {
        lock(&self.ways).insert(Place::of(endpoint), way);
    }

    /// Returns whether a host always gets user name and password.
    pub(crate) fn is_basic(&self, endpoint: &Endpoint) -> bool {
        matches!(self.way(endpoint), Some(Way::Basic))
    }

    /// Notes that a host is sent credentials.
    pub(crate) fn send_credentials(&self, endpoint: &Endpoint) {
        lock(&self.told).insert(Place::of(endpoint));
    }

    /// Returns whether a host has been sent credentials.
    pub(crate) fn has_sent_credentials(&self, endpoint: &Endpoint) -> bool {
        lock(&self.told).contains(&Place::of(endpoint))
    }

    /// Notes that a host hides nothing of a repository from requests without credentials.
    pub(crate) fn show(&self, endpoint: &Endpoint) {
        let mut shown = lock(&self.shown);
        // To forget them costs a request that is not needed.
        if shown.len() >= KEPT {
            shown.clear();
        }
        shown.insert((Place::of(endpoint), endpoint.path.clone()));
    }

    /// Returns whether a host is known to hide nothing of a repository from requests without credentials.
    pub(crate) fn is_shown(&self, endpoint: &Endpoint) -> bool {
        lock(&self.shown).contains(&(Place::of(endpoint), endpoint.path.clone()))
    }

    /// Lets the first request to a host go ahead, and the others wait for its answer: what that asks for, they then
    /// know. Where it fails, they all go.
    pub(crate) async fn first_contact(&self, endpoint: &Endpoint) -> Option<OwnedMutexGuard<()>> {
        if self.way(endpoint).is_some() {
            return None;
        }
        let contact = Arc::clone(lock(&self.contacts).entry(Place::of(endpoint)).or_default());
        match Arc::clone(&contact).try_lock_owned() {
            Ok(first) => Some(first),
            Err(_) => {
                drop(contact.lock().await);
                None
            }
        }
    }

    /// Returns where the token for this is kept. Who asks for one keeps the lock.
    pub(crate) fn cell(&self, endpoint: &Endpoint, actions: &Actions) -> Arc<Cell<Held>> {
        let mut tokens = lock(&self.tokens);
        if tokens.len() >= KEPT {
            // What is locked is just being asked for.
            let lives = |held: &Held| held.token.as_ref().is_some_and(Token::lives);
            tokens.retain(|_, cell| cell.try_lock().map_or(true, |held| lives(&held)));
        }
        Arc::clone(tokens.entry((Place::of(endpoint), endpoint.path.clone(), actions.clone())).or_default())
    }
}

/// Nothing panics while one of these locks is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
