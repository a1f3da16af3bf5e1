//! Tokens, as the distribution project's token specification (GET) and its OAuth 2 variant (POST) say.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use refkit_content::ErrorKind;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::time::Instant;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::authorize::{advice, basic};
use crate::challenge::Bearer;
use crate::client::Inner;
use crate::credentials::Credentials;
use crate::endpoint::{Endpoint, host_of};
use crate::scope::Scopes;
use crate::transport::{Call, Content};

/// The most bytes that a token server may answer.
const LIMIT: u64 = 64 << 10;

/// How long a token lives whose server does not say: 60 s, as the specification has it.
const LIFETIME: u64 = 60;

/// The longest that a token is kept: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// How a client names itself to a token server.
const CLIENT: &str = "refkit";

/// A token and its end.
pub(crate) struct Token {
    /// The value of `Authorization`.
    pub(crate) header: HeaderValue,
    ends: Instant,
}

impl Token {
    /// Returns whether it can still be used.
    pub(crate) fn lives(&self) -> bool {
        Instant::now() < self.ends
    }
}

/// Returns the header for a token.
///
/// # Errors
/// [`ErrorKind::Malformed`] where it cannot stand in a header, such as one with a line end.
pub(crate) fn header(token: &str) -> Result<HeaderValue, ErrorKind> {
    let text = Zeroizing::new(format!("Bearer {token}"));
    let malformed = |_| ErrorKind::Malformed("the token has characters that cannot be sent".to_owned());
    let mut header = HeaderValue::from_str(&text).map_err(malformed)?;
    header.set_sensitive(true);
    Ok(header)
}

#[derive(Deserialize)]
struct Answer {
    token: Option<Zeroizing<String>>,
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "lifetime")]
    expires_in: Option<u64>,
}

/// Reads how long a token lives, in seconds. Servers write a number or a text with one in it, and some write -1 or 0
/// where they mean nothing: what is no number of seconds from 1 is not said, as in Docker.
fn lifetime<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    let seconds = match Value::deserialize(value)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // A fraction of a second does not count, and more than `LONGEST` is cut later.
    Ok(seconds.filter(|seconds| *seconds >= 1.0).map(|seconds| seconds as u64))
}

impl Inner {
    /// Asks the server of a challenge for a token.
    pub(crate) async fn request_token(
        &self,
        endpoint: &Endpoint,
        scopes: &Scopes,
        bearer: &Bearer,
        credentials: &Credentials,
    ) -> Result<Token, ErrorKind> {
        let realm = endpoint.host.api.join(&bearer.realm);
        let realm =
            realm.map_err(|error| ErrorKind::Malformed(format!("the realm of the token is no URL: {error}")))?;
        endpoint.may_lead_to(&realm)?;
        let server = host_of(&realm);
        let there = endpoint.at_realm(&realm);

        let mut authorization = None;
        let call = if let Credentials::IdentityToken(identity) = credentials {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "refresh_token").append_pair("client_id", CLIENT);
            form.append_pair("service", bearer.service.as_deref().unwrap_or_default())
                .append_pair("scope", &scopes.to_string());
            let form = form.append_pair("refresh_token", identity).finish();
            Call::new(Method::POST, realm)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
                .content(Content::Bytes(form.into()))
        } else {
            let mut url = realm;
            let mut query = url.query_pairs_mut();
            if let Some(service) = &bearer.service {
                query.append_pair("service", service);
            }
            for scope in scopes.each() {
                query.append_pair("scope", &scope);
            }
            if let Credentials::Basic { username, password } = credentials {
                query.append_pair("account", username);
                authorization = Some(basic(username, password)?);
            }
            drop(query);
            Call::new(Method::GET, url)
        };
        let at = |problem| at_server(&server, endpoint, credentials, problem);
        let reply = self.send(&there, call, authorization.as_ref(), true).await.map_err(at)?;
        let reply = reply.success().await.map_err(at)?;
        let bytes = Zeroizing::new(reply.bytes(LIMIT).await.map_err(at)?.to_vec());
        // What the parser says of it could hold the token.
        let malformed = |what: &str| at(ErrorKind::Malformed(what.to_owned()));
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|_| malformed("its answer is not the JSON of a token"))?;
        let token = [answer.token, answer.access_token].into_iter().flatten().find(|token| !token.is_empty());
        let token = token.ok_or_else(|| malformed("there is no token in its answer"))?;
        let lifetime = answer.expires_in.unwrap_or(LIFETIME).clamp(1, LONGEST);
        // A tenth earlier, so that it does not end on its way.
        let ends = Instant::now() + Duration::from_millis(lifetime * 900);
        Ok(Token { header: header(&token).map_err(at)?, ends })
    }
}

/// Returns the problem with a token server as one of the registry that it is for.
fn at_server(server: &str, endpoint: &Endpoint, credentials: &Credentials, problem: ErrorKind) -> ErrorKind {
    let with = |what: String| format!("the token server {server}: {what}");
    match problem {
        ErrorKind::Unauthorized(said) | ErrorKind::Forbidden(said) => {
            ErrorKind::Unauthorized(format!("{}; {}", with(said), advice(&endpoint.host.credentials, credentials)))
        }
        ErrorKind::Unreachable(what) => ErrorKind::Unreachable(with(what)),
        ErrorKind::Overloaded { said, retry_after } => ErrorKind::Overloaded { said: with(said), retry_after },
        ErrorKind::Malformed(what) => ErrorKind::Malformed(with(what)),
        ErrorKind::NotFound => ErrorKind::Malformed(with("404, there is nothing".to_owned())),
        ErrorKind::TooLarge { limit } => {
            ErrorKind::Malformed(with(format!("its answer is larger than the limit of {limit} bytes")))
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
            let answer: Answer = serde_json::from_str(text).expect(text);
            assert_eq!(answer.expires_in, wanted, "{text}");
        }
    }
}
