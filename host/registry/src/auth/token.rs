//! Tokens, as the distribution project's token specification (GET) and its OAuth 2 variant (POST) say.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use refkit_content::ErrorKind;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::time::Instant;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::challenge::Bearer;
use super::refused::advice;
use super::scheme;
use super::scope::{Actions, Scopes};
use super::{Ask, Auth};
use crate::credentials::Credentials;
use crate::endpoint::{Endpoint, host_of};
use crate::hosts::Host;
use crate::http::{Context, Purpose, Request, RequestBody, Transport, tls_at};
use crate::redirect::policy;

/// The most bytes of a token server's response.
const LIMIT: u64 = 64 << 10;

/// How long a token lives if its server does not say: 60 s, as the specification has it.
const LIFETIME: u64 = 60;

/// The longest that a token is kept: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// The name of this client for token servers.
const CLIENT: &str = "refkit";

/// A token and the time when it expires.
pub(super) struct Token {
    /// The value of `Authorization`.
    pub(super) header: HeaderValue,
    ends: Instant,
}

impl Token {
    /// Returns whether the token has not expired.
    pub(super) fn lives(&self) -> bool {
        Instant::now() < self.ends
    }
}

#[derive(Deserialize)]
struct TokenResponse {
    token: Option<Zeroizing<String>>,
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "lifetime")]
    expires_in: Option<u64>,
}

/// Reads how long a token lives, in seconds. Servers write a number, or a text that contains one. Some write -1 or 0
/// for an unknown lifetime, so a value below 1 counts as absent, as in Docker.
fn lifetime<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    let seconds = match Value::deserialize(value)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // Fractions of a second are dropped; the caller limits the value to `LONGEST`.
    Ok(seconds.filter(|seconds| *seconds >= 1.0).map(|seconds| seconds as u64))
}

impl<N: Transport> Auth<N> {
    /// Returns the header with a token. Equal requests that run at the same time get one token.
    ///
    /// This function does not return a token that the registry has refused. It takes the scope for reading from the
    /// challenge, and adds the scope for writing from the first write on.
    pub(super) async fn token(
        &self,
        ask: Ask<'_>,
        bearer: &Bearer,
        credentials: &Credentials,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, ErrorKind> {
        let cell = self.learned.cell(ask.endpoint, ask.actions);
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
        let needed = ask.actions.scopes(&ask.endpoint.path);
        let scopes = match ask.actions {
            Actions::Pull if held.asked != Scopes::default() => held.asked.clone(),
            _ => needed.and(&held.asked),
        };
        let token = self.request_token(ask.endpoint, &scopes, bearer, credentials).await?;
        let header = token.header.clone();
        (held.token, held.whose) = (Some(token), whose);
        Ok(header)
    }

    /// Requests a token from the server of a challenge.
    async fn request_token(
        &self,
        endpoint: &Endpoint,
        scopes: &Scopes,
        bearer: &Bearer,
        credentials: &Credentials,
    ) -> Result<Token, ErrorKind> {
        let realm = endpoint.host.api.join(&bearer.realm);
        let realm =
            realm.map_err(|error| ErrorKind::Malformed(format!("the realm of the token is no URL: {error}")))?;
        policy::check(endpoint, &realm)?;
        let server = host_of(&realm);
        let there = at_realm(endpoint, &realm);
        let at = |error| at_server(&server, endpoint, credentials, error);
        let request = match credentials {
            Credentials::IdentityToken(identity) => by_form(realm, scopes, bearer, identity),
            _ => by_query(realm, scopes, bearer, credentials)?,
        };
        let mut context = Context::new(&there, Purpose::Token);
        let response = Box::pin(self.next.send(request, &mut context)).await.map_err(at)?;
        let response = response.success().await.map_err(at)?;
        let bytes = Zeroizing::new(response.bytes(LIMIT).await.map_err(at)?.to_vec());
        // The message of the JSON parser could contain the token.
        let malformed = |what: &str| at(ErrorKind::Malformed(what.to_owned()));
        let answer: TokenResponse =
            serde_json::from_slice(&bytes).map_err(|_| malformed("its response is not the JSON of a token"))?;
        let token = [answer.token, answer.access_token].into_iter().flatten().find(|token| !token.is_empty());
        let token = token.ok_or_else(|| malformed("its response has no token"))?;
        let lifetime = answer.expires_in.unwrap_or(LIFETIME).clamp(1, LONGEST);
        // A tenth less, so that the token does not expire on its way.
        let ends = Instant::now() + Duration::from_millis(lifetime * 900);
        Ok(Token { header: scheme::bearer(&token).map_err(at)?, ends })
    }
}

/// Returns the token server that an endpoint names as an endpoint of its own, without what is meant for the first one
/// alone.
fn at_realm(endpoint: &Endpoint, realm: &Url) -> Endpoint {
    let mut api = realm.clone();
    api.set_path("/");
    api.set_query(None);
    api.set_fragment(None);
    let tls = tls_at(endpoint, realm, Purpose::Token);
    let (credentials, allow_private) = (endpoint.host.credentials.clone(), endpoint.host.allow_private.clone());
    let host = Host { tls, credentials, allow_private, ..Host::new(api) };
    let base = (!endpoint.is_at(realm)).then(|| endpoint.host.api.clone());
    Endpoint { host: Arc::new(host), base, ..endpoint.clone() }
}

/// Returns the request of the OAuth 2 variant, which exchanges a refresh token.
fn by_form(realm: Url, scopes: &Scopes, bearer: &Bearer, identity: &str) -> Request {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("client_id", CLIENT);
    form.append_pair("service", bearer.service.as_deref().unwrap_or_default())
        .append_pair("scope", &scopes.to_string());
    let form = form.append_pair("refresh_token", identity).finish();
    Request::new(Method::POST, realm)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
        .body(RequestBody::Bytes(form.into()))
}

/// Returns the request of the token specification, with a user name and a password if the credentials have them.
fn by_query(mut realm: Url, scopes: &Scopes, bearer: &Bearer, credentials: &Credentials) -> Result<Request, ErrorKind> {
    let mut authorization = None;
    let mut query = realm.query_pairs_mut();
    if let Some(service) = &bearer.service {
        query.append_pair("service", service);
    }
    for scope in scopes.each() {
        query.append_pair("scope", &scope);
    }
    if let Credentials::Basic { username, password } = credentials {
        query.append_pair("account", username);
        authorization = Some(scheme::basic(username, password)?);
    }
    drop(query);
    Ok(Request::new(Method::GET, realm).authorization(authorization))
}

/// Returns an error of a token server as an error of the registry that the token is for.
fn at_server(server: &str, endpoint: &Endpoint, credentials: &Credentials, error: ErrorKind) -> ErrorKind {
    let with = |what: String| format!("the token server {server}: {what}");
    match error {
        ErrorKind::Unauthorized(said) | ErrorKind::Forbidden(said) => {
            ErrorKind::Unauthorized(format!("{}; {}", with(said), advice(&endpoint.host.credentials, credentials)))
        }
        ErrorKind::Detour { said, proxy } => ErrorKind::Detour { said: with(said), proxy },
        ErrorKind::Unreachable(what) => ErrorKind::Detour { said: with(what), proxy: false },
        ErrorKind::Timeout(_) | ErrorKind::Protocol { .. } => {
            ErrorKind::Detour { said: with(error.to_string()), proxy: false }
        }
        ErrorKind::Overloaded { said, retry_after } => ErrorKind::Overloaded { said: with(said), retry_after },
        ErrorKind::Malformed(what) => ErrorKind::Malformed(with(what)),
        ErrorKind::InsideNetwork { address, said } => ErrorKind::InsideNetwork { address, said: with(said) },
        ErrorKind::NotFound => ErrorKind::Malformed(with("404, there is nothing".to_owned())),
        ErrorKind::TooLarge { limit } => {
            ErrorKind::Malformed(with(format!("its response is larger than the limit of {limit} bytes")))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_token_lives() {
        for (text, wanted) in [
            ("{}", None),
            (r#"{"expires_in":null}"#, None),
            (r#"{"expires_in":300}"#, Some(300)),
            (r#"{"expires_in":299.9}"#, Some(299)),
            (r#"{"expires_in":"300"}"#, Some(300)),
            (r#"{"expires_in":" 300 "}"#, Some(300)),
            (r#"{"expires_in":0}"#, None),
            (r#"{"expires_in":-1}"#, None),
            (r#"{"expires_in":"-1"}"#, None),
            (r#"{"expires_in":""}"#, None),
            (r#"{"expires_in":"soon"}"#, None),
            (r#"{"expires_in":"NaN"}"#, None),
            (r#"{"expires_in":true}"#, None),
            (r#"{"expires_in":[300]}"#, None),
            (r#"{"expires_in":18446744073709551616}"#, Some(u64::MAX)),
            (r#"{"expires_in":1e300}"#, Some(u64::MAX)),
        ] {
            let answer: TokenResponse = serde_json::from_str(text).expect(text);
            assert_eq!(answer.expires_in, wanted, "{text}");
        }
    }
}
