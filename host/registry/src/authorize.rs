//! Requests with what a host wants to know of who asks.

mod hidden;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode};
use refkit_content::ErrorKind;
use zeroize::Zeroizing;

use crate::authority::Way;
pub(crate) use crate::authority::{Actions, Authority};
use crate::challenge::{self, Bearer, Challenge};
use crate::client::Inner;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::failure::printable;
use crate::reply::{Reply, Whole};
use crate::scope::Scopes;
use crate::token;
use crate::transport::Call;

impl Inner {
    /// Sends a request with what is known to be wanted; where that is refused, once more with what the answer asks
    /// for, and where there are newer credentials by now, with those.
    pub(crate) async fn ask(&self, endpoint: &Endpoint, actions: Actions, call: Call) -> Result<Reply, ErrorKind> {
        let first = self.authority.first_contact(endpoint).await;
        let again = call.again();
        let known = match self.known(endpoint, &actions).await {
            // What it was is not good any more: the host is asked what it wants now.
            Err(ErrorKind::Unauthorized(_) | ErrorKind::Malformed(_)) if again.is_some() => None,
            known => known?,
        };
        let reply = self.send(endpoint, call, known.as_ref(), false).await?;
        if self.authority.way(endpoint).is_none() && reply.status != StatusCode::UNAUTHORIZED {
            self.authority.set_way(endpoint, Way::Open);
        }
        // A challenge of a host that the registry sent us to is none of the registry.
        if reply.elsewhere {
            return Ok(reply);
        }
        let pulls_openly = known.is_none() && actions == Actions::Pull;
        let (challenges, credentials, newer) = match reply.status {
            StatusCode::UNAUTHORIZED => (challenge::challenges(&reply.headers), self.look_up(endpoint).await?, false),
            // What a mirror does not show is next asked for elsewhere.
            StatusCode::NOT_FOUND if pulls_openly && endpoint.last && !self.authority.is_shown(endpoint) => {
                return match again {
                    Some(again) => self.ask_again_known(endpoint, again, reply).await,
                    None => Ok(reply),
                };
            }
            // ECR says this of a password that has ended, and does not ask for another one.
            StatusCode::FORBIDDEN if known.is_some() && self.authority.is_basic(endpoint) => {
                let now = self.look_up(endpoint).await?;
                let is_newer = fixed(&Way::Basic, &now)?.is_some_and(|header| Some(header) != known);
                match if is_newer { Some(now) } else { self.newer(endpoint, &now).await? } {
                    Some(newer) => (vec![Challenge::Basic], newer, true),
                    None => return Ok(reply),
                }
            }
            status => {
                if pulls_openly && status.is_success() {
                    self.authority.show(endpoint);
                }
                return Ok(reply);
            }
        };
        // What is read now gives up its turn for the next request.
        let refusal = reply.refusal().await;
        let Some(again) = again else { return Err(refused(endpoint, &credentials, &refusal)) };
        let answered =
            self.insist(endpoint, (actions, again), (refusal, known), challenges, (credentials, newer)).await;
        drop(first);
        answered
    }

    /// Looks up credentials for a host, which is asked with them from now on.
    async fn look_up(&self, endpoint: &Endpoint) -> Result<Credentials, ErrorKind> {
        let credentials = self.settings.credentials.credentials(&endpoint.host.credentials).await?;
        if !matches!(credentials, Credentials::Anonymous) {
            self.authority.send_credentials(endpoint);
        }
        Ok(credentials)
    }

    /// Reads a document of at most so many bytes; one that breaks on its way is asked for again.
    pub(crate) async fn read(&self, endpoint: &Endpoint, call: Call, limit: u64) -> Result<Whole, ErrorKind> {
        self.read_unless(endpoint, call, limit, |_| false).await?.ok_or(ErrorKind::NotFound)
    }

    /// Reads the same; none where the status says that there is no such thing.
    pub(crate) async fn read_unless(
        &self,
        endpoint: &Endpoint,
        mut call: Call,
        limit: u64,
        lacks: impl Fn(StatusCode) -> bool,
    ) -> Result<Option<Whole>, ErrorKind> {
        let mut waits = self.waits(endpoint);
        loop {
            let again = call.again();
            let reply = match self.ask(endpoint, Actions::Pull, call).await {
                Ok(reply) => reply,
                Err(ErrorKind::NotFound) if lacks(StatusCode::NOT_FOUND) => return Ok(None),
                Err(problem) => return Err(problem),
            };
            if lacks(reply.status) {
                return Ok(None);
            }
            let reply = reply.success().await?;
            let (headers, url) = (reply.headers.clone(), reply.url.clone());
            let problem = match reply.bytes(limit).await {
                Ok(bytes) => return Ok(Some(Whole { headers, url, bytes })),
                Err(problem) => problem,
            };
            let (Some(again), Some(wait)) = (again, waits.after(&problem)) else { return Err(problem) };
            tokio::time::sleep(wait).await;
            call = again;
        }
    }

    /// Answers a refusal.
    async fn insist(
        &self,
        endpoint: &Endpoint,
        (actions, call): (Actions, Call),
        (mut refusal, mut tried): (ErrorKind, Option<HeaderValue>),
        challenges: Vec<Challenge>,
        (mut credentials, newer): (Credentials, bool),
    ) -> Result<Reply, ErrorKind> {
        let mut said = None;
        for renew in [false, true] {
            if renew {
                if newer {
                    break;
                }
                let Some(newer) = self.newer(endpoint, &credentials).await? else { break };
                credentials = newer;
            }
            let header = match self.answer(endpoint, &actions, &challenges, &credentials, tried.as_ref()).await {
                Ok(Some(header)) => header,
                Ok(None) => continue,
                Err(problem @ ErrorKind::Unauthorized(_)) => {
                    said = Some(problem);
                    continue;
                }
                Err(problem) => return Err(problem),
            };
            let Some(call) = call.again() else { break };
            let reply = self.send(endpoint, call, Some(&header), false).await?;
            if reply.status != StatusCode::UNAUTHORIZED || reply.elsewhere {
                return Ok(reply);
            }
            refusal = reply.refusal().await;
            (tried, said) = (Some(header), None);
        }
        Err(said.unwrap_or_else(|| refused(endpoint, &credentials, &refusal)))
    }

    async fn known(&self, endpoint: &Endpoint, actions: &Actions) -> Result<Option<HeaderValue>, ErrorKind> {
        match self.authority.way(endpoint) {
            None | Some(Way::Open) => Ok(None),
            Some(way @ (Way::Basic | Way::Registry)) => fixed(&way, &self.look_up(endpoint).await?),
            Some(Way::Token(bearer)) => {
                let credentials = self.look_up(endpoint).await?;
                // The scope of the challenge was for the repository of that request.
                let bearer = Bearer { scope: None, ..bearer };
                self.token(endpoint, actions, &bearer, &credentials, None).await.map(Some)
            }
        }
    }

    /// Returns the credentials that the source has by now, where they are others.
    async fn newer(&self, endpoint: &Endpoint, old: &Credentials) -> Result<Option<Credentials>, ErrorKind> {
        let source = &self.settings.credentials;
        source.forget(&endpoint.host.credentials).await;
        let new = self.look_up(endpoint).await?;
        Ok((new.fingerprint() != old.fingerprint()).then_some(new))
    }

    /// Answers the first challenge that can be answered, and not with what was refused.
    async fn answer(
        &self,
        endpoint: &Endpoint,
        actions: &Actions,
        challenges: &[Challenge],
        credentials: &Credentials,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, ErrorKind> {
        let mut said = None;
        for challenge in challenges.iter().take(CHALLENGES) {
            let way = match (challenge, credentials) {
                (Challenge::Basic, _) => Way::Basic,
                (Challenge::Bearer(_), Credentials::RegistryToken(_)) => Way::Registry,
                (Challenge::Bearer(bearer), _) => Way::Token(bearer.clone()),
            };
            let header = match &way {
                Way::Token(bearer) => match self.token(endpoint, actions, bearer, credentials, refused).await {
                    Ok(header) => Some(header),
                    // Another one may be met.
                    Err(problem) => {
                        said = said.or(Some(problem));
                        None
                    }
                },
                way => fixed(way, credentials)?,
            };
            if let Some(header) = header.filter(|header| Some(header) != refused) {
                self.authority.set_way(endpoint, way);
                return Ok(Some(header));
            }
        }
        said.map_or(Ok(None), Err)
    }

    /// Returns a token, of which equal requests that run at the same time ask for one.
    async fn token(
        &self,
        endpoint: &Endpoint,
        actions: &Actions,
        bearer: &Bearer,
        credentials: &Credentials,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, ErrorKind> {
        let cell = self.authority.cell(endpoint, actions);
        let mut held = cell.lock().await;
        let whose = credentials.fingerprint();
        if held.whose != whose {
            held.token = None;
        }
        if let Some(token) = held.token.as_ref().filter(|token| token.lives() && Some(&token.header) != refused) {
            return Ok(token.header.clone());
        }
        if let Some(scope) = &bearer.scope {
            held.asked = Scopes::parse(scope);
        }
        let needed = actions.scopes(&endpoint.path);
        // The host knows best what reading takes; what writing takes it is first asked for when something is written.
        let scopes = match actions {
            Actions::Pull if held.asked != Scopes::default() => held.asked.clone(),
            _ => needed.and(&held.asked),
        };
        let token = self.request_token(endpoint, &scopes, bearer, credentials).await?;
        let header = token.header.clone();
        (held.token, held.whose) = (Some(token), whose);
        Ok(header)
    }
}

/// The most challenges of one answer that are met.
const CHALLENGES: usize = 4;

/// Returns the header that credentials are by themselves, where they are such.
fn fixed(way: &Way, credentials: &Credentials) -> Result<Option<HeaderValue>, ErrorKind> {
    match (way, credentials) {
        (Way::Basic, Credentials::Basic { username, password }) => basic(username, password).map(Some),
        (Way::Registry, Credentials::RegistryToken(token)) => token::header(token).map(Some),
        _ => Ok(None),
    }
}

/// Returns the header for a user name and a password, as RFC 7617.
pub(crate) fn basic(username: &str, password: &str) -> Result<HeaderValue, ErrorKind> {
    let pair = Zeroizing::new(format!("{username}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&text).map_err(|error| ErrorKind::Other(error.to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Returns the problem of a last refusal: what was tried, what the registry says, and what to do.
fn refused(endpoint: &Endpoint, credentials: &Credentials, refusal: &ErrorKind) -> ErrorKind {
    let said = refusal.to_string();
    let said = said.strip_prefix("unauthorized: ").unwrap_or(&said);
    ErrorKind::Unauthorized(format!("{said}; {}", advice(&endpoint.host.credentials, credentials)))
}

/// Returns what was tried for a registry, and what to do.
pub(crate) fn advice(registry: &str, credentials: &Credentials) -> String {
    match credentials {
        Credentials::Anonymous => {
            format!("there are no credentials for {registry}: if the repository exists, run `docker login {registry}`")
        }
        Credentials::Basic { username, .. } => {
            format!("{} may not, or the password is wrong: run `docker login {registry}`", printable(username))
        }
        Credentials::IdentityToken(_) | Credentials::RegistryToken(_) => {
            format!("the token for {registry} is not enough, or has ended: run `docker login {registry}`")
        }
    }
}
