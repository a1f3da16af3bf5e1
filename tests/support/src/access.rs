//! Who may ask a fault-injecting registry.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};

use crate::distribution::{Route, error};
use crate::scope::Scope;
use crate::token::TokenServer;

type Check = Arc<dyn Fn(&Wanted<'_>) -> bool + Send + Sync>;
type Challenges = Arc<dyn Fn(&Wanted<'_>) -> Vec<String> + Send + Sync>;

/// What a request wants, and what it brings along.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The value of `Authorization`, if it was sent.
    pub authorization: Option<&'a str>,
    /// The repository; `None` for `/v2/` and what is no part of the API.
    pub repository: Option<&'a str>,
    /// `pull` for what reads, `pull,push` for what writes, `delete` for what deletes.
    pub actions: &'static str,
}

impl Wanted<'_> {
    /// Returns the scope, as `repository:NAME:ACTIONS`; empty where there is no repository.
    pub fn scope(&self) -> String {
        self.repository.map(|name| format!("repository:{name}:{}", self.actions)).unwrap_or_default()
    }

    fn bearer(&self) -> Option<&str> {
        self.authorization?.strip_prefix("Bearer ")
    }
}

/// Who may ask, and how the others are challenged.
#[derive(Clone)]
pub struct Access {
    check: Check,
    challenges: Challenges,
}

impl Access {
    /// Returns access for everybody.
    pub fn open() -> Self {
        Self::custom([], |_| true)
    }

    /// Returns access with one user name and password, and a Basic challenge.
    pub fn basic(user: &str, password: &str) -> Self {
        let expected = basic(user, password);
        Self::custom(["Basic realm=\"refkit tests\""], move |wanted| wanted.authorization == Some(expected.as_str()))
    }

    /// Returns access with a token of the given server for the repository and the actions, and a challenge that names
    /// that server and that scope.
    pub fn bearer(server: &TokenServer) -> Self {
        let (tokens, realm, service) = (server.tokens(), server.realm(), server.service().to_owned());
        Self {
            check: Arc::new(move |wanted| {
                wanted.bearer().is_some_and(|token| {
                    wanted.repository.is_none_or(|name| {
                        let scope = Scope::repository(name, wanted.actions.split(','));
                        tokens.accepts(token, &scope)
                    })
                })
            }),
            challenges: Arc::new(move |wanted| {
                let mut challenge = format!("Bearer realm=\"{realm}\",service=\"{service}\"");
                if wanted.repository.is_some() {
                    challenge.push_str(&format!(",scope=\"{}\"", wanted.scope()));
                }
                vec![challenge]
            }),
        }
    }

    /// Returns access with exactly this token, and the given challenge.
    pub fn token(token: &str, challenge: &str) -> Self {
        let token = token.to_owned();
        Self::custom([challenge], move |wanted| wanted.bearer() == Some(token.as_str()))
    }

    /// Returns access for what a function accepts, with any challenges (each a header of its own).
    pub fn custom<'a>(
        challenges: impl IntoIterator<Item = &'a str>,
        accept: impl Fn(&Wanted<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        let open = Self { check: Arc::new(accept), challenges: Arc::new(|_| Vec::new()) };
        open.challenged(challenges)
    }

    /// Replaces the challenges, each a `WWW-Authenticate` header of its own; who is let in stays as it was.
    #[must_use]
    pub fn challenged<'a>(mut self, challenges: impl IntoIterator<Item = &'a str>) -> Self {
        let challenges: Vec<String> = challenges.into_iter().map(str::to_owned).collect();
        self.challenges = Arc::new(move |_| challenges.clone());
        self
    }

    /// Returns the 401 that a request is due where it may not ask.
    pub(crate) fn refuse(&self, request: &Parts) -> Option<Response<Bytes>> {
        let route = Route::of(request.uri.path());
        let wanted = Wanted {
            authorization: request.headers.get("authorization").and_then(|value| value.to_str().ok()),
            repository: route.repository(),
            actions: match request.method {
                Method::GET | Method::HEAD => "pull",
                Method::DELETE => "delete",
                _ => "pull,push",
            },
        };
        if (self.check)(&wanted) {
            return None;
        }
        let mut answer = error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "authentication required");
        for challenge in (self.challenges)(&wanted) {
            let value = challenge.parse().expect("a challenge is visible ASCII");
            answer.headers_mut().append("www-authenticate", value);
        }
        Some(answer)
    }
}

/// Returns the value of `Authorization` for Basic access.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
