//! Issuing tokens: for what, to whom, and in what form.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use parking_lot::{Mutex, MutexGuard};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use crate::access::basic;
use crate::distribution::{error, json_answer};
use crate::scope::Scope;
use crate::server::Handler;
use crate::sign::Signer;

/// The service that the token servers issue tokens for.
pub(crate) const SERVICE: &str = "registry.refkit.test";

/// Seconds that a signed token is valid for where the answer names no lifetime: 300, longer than any test.
const SIGNED_LIFETIME: u64 = 300;

/// The fields that an answer carries the token in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenField {
    /// `token` and `access_token`.
    #[default]
    Both,
    /// `token` alone, as older servers do.
    Token,
    /// `access_token` alone, as OAuth 2 does.
    AccessToken,
}

type Grant = Box<dyn Fn(Scope) -> Option<Scope> + Send>;

pub(crate) struct Settings {
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) lifetime: Option<u64>,
    pub(crate) field: TokenField,
    pub(crate) grant: Grant,
    pub(crate) issued: HashMap<String, Vec<Scope>>,
}

/// What has been issued, and to whom something is. Shared by the server and the registries that trust it.
pub(crate) struct Tokens {
    settings: Mutex<Settings>,
    pub(crate) signer: Option<Signer>,
}

impl Tokens {
    /// Returns a state in which everybody gets what is asked for; the tokens are opaque without a signer.
    pub(crate) fn new(signer: Option<Signer>) -> Self {
        let settings = Settings {
            credentials: None,
            refresh_token: None,
            lifetime: Some(SIGNED_LIFETIME),
            field: TokenField::default(),
            grant: Box::new(Some),
            issued: HashMap::new(),
        };
        Self { settings: Mutex::new(settings), signer }
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock()
    }

    /// Tells whether the token was issued here, for this scope or more, and was not revoked.
    pub(crate) fn accepts(&self, token: &str, wanted: &Scope) -> bool {
        self.settings().issued.get(token).is_some_and(|scopes| scopes.iter().any(|scope| scope.covers(wanted)))
    }

    pub(crate) fn issue(&self, scopes: Vec<Scope>) -> anyhow::Result<String> {
        let mut settings = self.settings();
        let mut random = [0; 16];
        SystemRandom::new().fill(&mut random).map_err(|_| anyhow::anyhow!("no random numbers"))?;
        let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let token = match &self.signer {
            None => format!("opaque-{id}"),
            Some(signer) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
                let access: Vec<Value> = scopes
                    .iter()
                    .map(|scope| json!({ "type": scope.kind, "name": scope.name, "actions": scope.actions }))
                    .collect();
                signer.sign(&json!({
                    "iss": signer.issuer(),
                    "sub": settings.credentials.as_ref().map_or("", |(user, _)| user),
                    "aud": SERVICE,
                    "exp": now + settings.lifetime.unwrap_or(SIGNED_LIFETIME),
                    "nbf": now,
                    "iat": now,
                    "jti": id,
                    "access": access,
                }))?
            }
        };
        settings.issued.insert(token.clone(), scopes);
        Ok(token)
    }

    fn may(&self, request: &Parts, form: &[(String, String)]) -> bool {
        let settings = self.settings();
        let Some((user, password)) = &settings.credentials else { return true };
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if request.method == Method::GET {
            let sent = request.headers.get("authorization").and_then(|value| value.to_str().ok());
            return sent == Some(basic(user, password).as_str());
        }
        match field("grant_type") {
            Some("password") => field("username") == Some(user) && field("password") == Some(password),
            Some("refresh_token") => {
                settings.refresh_token.is_some() && field("refresh_token") == settings.refresh_token.as_deref()
            }
            _ => false,
        }
    }
}

impl Handler for Tokens {
    fn refuse(&self, _: &Parts) -> Option<Response<Bytes>> {
        None
    }

    fn answer(&self, request: &Parts, body: Bytes) -> Response<Bytes> {
        if request.uri.path() != "/token" {
            return error(StatusCode::NOT_FOUND, "NOT_FOUND", request.uri.path());
        }
        let encoded = match request.method {
            Method::GET => request.uri.query().unwrap_or_default().as_bytes(),
            Method::POST => &body,
            _ => return error(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "only GET and POST are allowed here"),
        };
        let form: Vec<(String, String)> = url::form_urlencoded::parse(encoded).into_owned().collect();
        let values =
            |name: &'static str| form.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str());
        if let Some(service) = values("service").find(|service| *service != SERVICE) {
            let message = format!("the service is {SERVICE}, not {service}");
            return error(StatusCode::BAD_REQUEST, "UNKNOWN", &message);
        }
        if !self.may(request, &form) {
            let mut answer = error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "incorrect username or password");
            let challenge = http::HeaderValue::from_static("Basic realm=\"refkit tests\"");
            answer.headers_mut().insert("www-authenticate", challenge);
            return answer;
        }
        // One parameter may hold several scopes (OAuth 2), and there may be several parameters (Docker).
        let asked = values("scope").flat_map(str::split_whitespace).filter_map(Scope::parse);
        let scopes: Vec<Scope> = {
            let settings = self.settings();
            asked.filter_map(|scope| (settings.grant)(scope)).collect()
        };
        let token = match self.issue(scopes) {
            Ok(token) => token,
            Err(problem) => return error(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", &problem.to_string()),
        };
        let settings = self.settings();
        let mut answer = json!({});
        if settings.field != TokenField::AccessToken {
            answer["token"] = token.clone().into();
        }
        if settings.field != TokenField::Token {
            answer["access_token"] = token.into();
        }
        if let Some(lifetime) = settings.lifetime {
            answer["expires_in"] = lifetime.into();
        }
        let offline = values("offline_token").any(|value| value == "true")
            || values("access_type").any(|value| value == "offline")
            || values("grant_type").any(|value| value == "refresh_token");
        if let (true, Some(refresh_token)) = (offline, &settings.refresh_token) {
            answer["refresh_token"] = refresh_token.clone().into();
        }
        json_answer(StatusCode::OK, "application/json", &answer)
    }
}
