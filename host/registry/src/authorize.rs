//! Requests with what a registry wants to know of who asks: nothing at first, and what its 401 asks for from then on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode};
use refkit_content::Problem;
use refkit_oci::Repository;
use tokio::sync::Mutex as Cell;
use zeroize::Zeroizing;

use crate::challenge::{self, Bearer, Challenge};
use crate::client::Inner;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::failure;
use crate::token::{self, Token};
use crate::transport::{Call, Reply};

/// What a request does to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Actions {
    Pull,
    Push,
}

/// Tokens that are kept before those that have ended are thrown away.
const KEPT: usize = 1024;

type Key = (String, String, Actions);

/// What is known of how registries are asked, and the tokens for that.
#[derive(Default)]
pub(crate) struct Authority {
    ways: Mutex<HashMap<String, Way>>,
    tokens: Mutex<HashMap<Key, Arc<Cell<Option<Token>>>>>,
}

/// How a registry wants to be asked.
#[derive(Clone)]
enum Way {
    /// Always with this header.
    Fixed(HeaderValue),
    /// With a token for each repository.
    Token(Bearer),
}

impl Inner {
    /// Sends a request with what is known to be wanted; where the answer is a 401, once more with what that asks for.
    pub(crate) async fn ask(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        actions: Actions,
        call: Call,
    ) -> Result<Reply, Problem> {
        let known = self.known(endpoint, repository, actions).await?;
        let again = call.again();
        let reply = self.send(endpoint, call, known.as_ref()).await?;
        // A challenge of a host that the registry sent us to is none of the registry.
        if reply.status != StatusCode::UNAUTHORIZED || reply.elsewhere {
            return Ok(reply);
        }
        let credentials = self.settings.credentials.credentials(&endpoint.registry).await?;
        let Some(again) = again else { return Err(refused(endpoint, &credentials, reply).await) };
        let challenges = challenge::challenges(&reply.headers);
        match self.answer(endpoint, repository, actions, challenges, &credentials, known.as_ref()).await? {
            Some(header) => {
                let reply = self.send(endpoint, again, Some(&header)).await?;
                if reply.status == StatusCode::UNAUTHORIZED && !reply.elsewhere {
                    return Err(refused(endpoint, &credentials, reply).await);
                }
                Ok(reply)
            }
            None => Err(refused(endpoint, &credentials, reply).await),
        }
    }

    async fn known(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        actions: Actions,
    ) -> Result<Option<HeaderValue>, Problem> {
        match self.authority.way(&endpoint.registry) {
            None => Ok(None),
            Some(Way::Fixed(header)) => Ok(Some(header)),
            Some(Way::Token(bearer)) => {
                let credentials = self.settings.credentials.credentials(&endpoint.registry).await?;
                // The scope of the challenge was for the repository of that request.
                let bearer = Bearer { scope: None, ..bearer };
                self.token(endpoint, repository, actions, &bearer, &credentials, None).await.map(Some)
            }
        }
    }

    /// Answers the first challenge that can be answered, and not with what was refused.
    async fn answer(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        actions: Actions,
        challenges: Vec<Challenge>,
        credentials: &Credentials,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, Problem> {
        for challenge in challenges {
            let (way, header) = match (challenge, credentials) {
                (Challenge::Basic, Credentials::Basic { username, password }) => {
                    let header = basic(username, password)?;
                    (Way::Fixed(header.clone()), header)
                }
                (Challenge::Basic, _) => continue,
                (Challenge::Bearer(_), Credentials::RegistryToken(token)) => {
                    let header = token::header(token)?;
                    (Way::Fixed(header.clone()), header)
                }
                (Challenge::Bearer(bearer), _) => {
                    let header = self.token(endpoint, repository, actions, &bearer, credentials, refused).await?;
                    (Way::Token(bearer), header)
                }
            };
            if Some(&header) == refused {
                continue;
            }
            self.authority.set_way(&endpoint.registry, way);
            return Ok(Some(header));
        }
        Ok(None)
    }

    /// Returns a token, of which equal requests that run at the same time ask for one.
    async fn token(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        actions: Actions,
        bearer: &Bearer,
        credentials: &Credentials,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, Problem> {
        let cell = self.authority.cell((endpoint.registry.clone(), repository.path().to_owned(), actions));
        let mut cell = cell.lock().await;
        if let Some(token) = cell.as_ref().filter(|token| token.lives() && Some(&token.header) != refused) {
            return Ok(token.header.clone());
        }
        let token = self.request_token(endpoint, repository, actions, bearer, credentials).await?;
        let header = token.header.clone();
        *cell = Some(token);
        Ok(header)
    }
}

impl Authority {
    fn way(&self, registry: &str) -> Option<Way> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).get(registry).cloned()
    }

    fn set_way(&self, registry: &str, way: Way) {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).insert(registry.to_owned(), way);
    }

    fn cell(&self, key: Key) -> Arc<Cell<Option<Token>>> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= KEPT {
            // What is locked is just being asked for.
            tokens.retain(|_, cell| cell.try_lock().map_or(true, |token| token.as_ref().is_some_and(Token::lives)));
        }
        Arc::clone(tokens.entry(key).or_default())
    }
}

/// Returns the header for a user name and a password, as RFC 7617.
pub(crate) fn basic(username: &str, password: &str) -> Result<HeaderValue, Problem> {
    let pair = Zeroizing::new(format!("{username}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&text).map_err(|error| Problem::Other(error.to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Returns the problem of a last 401: what was tried, what the registry says, and what to do.
async fn refused(endpoint: &Endpoint, credentials: &Credentials, reply: Reply) -> Problem {
    let (status, headers) = (reply.status, reply.headers.clone());
    let body = reply.bytes(failure::BODY_LIMIT).await.unwrap_or_default();
    let said = failure::of_status(status, &headers, &body);
    let said = said.to_string();
    let said = said.strip_prefix("unauthorized: ").unwrap_or(&said);
    Problem::Unauthorized(format!("{said}; {}", advice(&endpoint.registry, credentials)))
}

/// Returns what was tried for a registry, and what to do.
pub(crate) fn advice(registry: &str, credentials: &Credentials) -> String {
    match credentials {
        Credentials::Anonymous => {
            format!("there are no credentials for {registry}: if the repository exists, run `docker login {registry}`")
        }
        Credentials::Basic { username, .. } => {
            format!("{} may not, or the password is wrong: run `docker login {registry}`", failure::printable(username))
        }
        Credentials::IdentityToken(_) | Credentials::RegistryToken(_) => {
            format!("the token for {registry} is not enough, or has ended: run `docker login {registry}`")
        }
    }
}
