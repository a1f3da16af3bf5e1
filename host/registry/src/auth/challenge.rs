//! The challenges of a 401: RFC 9110, section 11.6.1, and the distribution project's token specification.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use http_auth::ChallengeRef;

use crate::text::printable;

/// The most bytes of a challenge that are read.
const LIMIT: usize = 8 << 10;

/// The scheme of RFC 7617.
const BASIC: &str = "basic";

/// The scheme of RFC 6750.
const BEARER: &str = "bearer";

/// How many schemes an error names, and how many characters of each.
const SCHEMES_SHOWN: usize = 8;
const SCHEME_SHOWN: usize = 32;

/// A challenge that this client can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A user name and a password.
    Basic,
    /// A token of a server.
    Bearer(Bearer),
}

/// Which server gives the token, and for which service and scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// The token server, a URL or a path at the registry.
    pub(crate) realm: String,
    /// The service that the token is for.
    pub(crate) service: Option<String>,
    /// The scope that the token is to have.
    pub(crate) scope: Option<String>,
}

/// Returns the challenges of a response that this client can answer, `Bearer` first: a registry that offers both knows
/// users by more than a password. This function skips a header that it cannot parse as a whole, because half a header
/// must not decide where a password goes. It also skips a `Bearer` without a realm or with a repeated parameter.
pub(crate) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let mut found = Vec::new();
    for value in headers.get_all(WWW_AUTHENTICATE) {
        // The grammar excludes spaces around a value (RFC 9110, section 5.5), and the parser relies on that.
        let Some(text) = value.to_str().ok().map(str::trim).filter(|text| text.len() <= LIMIT) else { continue };
        match http_auth::parse_challenges(text) {
            Ok(parsed) => found.extend(parsed.iter().filter_map(challenge)),
            // This client ignores the parameters of `Basic`: the password goes to the host that sent the challenge.
            Err(_) if first_word(text).eq_ignore_ascii_case(BASIC) => found.push(Challenge::Basic),
            Err(_) => {}
        }
    }
    found.sort_by_key(|challenge| matches!(challenge, Challenge::Basic));
    found
}

/// Returns why the client can answer no challenge of a response, for a person; none if it can answer one.
pub(crate) fn unanswerable(headers: &HeaderMap) -> Option<String> {
    if !challenges(headers).is_empty() {
        return None;
    }
    let mut schemes: Vec<String> = Vec::new();
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = text.trim();
        let found: Vec<&str> = match http_auth::parse_challenges(text) {
            Ok(parsed) => parsed.iter().map(|one| one.scheme).collect(),
            Err(_) => vec![first_word(text)],
        };
        for scheme in found.into_iter().filter(|scheme| !scheme.is_empty()) {
            let scheme: String = printable(scheme).chars().take(SCHEME_SHOWN).collect();
            if !schemes.iter().any(|known| known.eq_ignore_ascii_case(&scheme)) && schemes.len() < SCHEMES_SHOWN {
                schemes.push(scheme);
            }
        }
    }
    Some(match schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(BEARER)) {
        _ if schemes.is_empty() => "it does not say which credentials it wants".to_owned(),
        true => format!("its challenge cannot be read ({})", schemes.join(", ")),
        false => format!("it asks for {}, and RefKit supports Basic and Bearer", schemes.join(", ")),
    })
}

fn challenge(parsed: &ChallengeRef<'_>) -> Option<Challenge> {
    if parsed.scheme.eq_ignore_ascii_case(BASIC) {
        return Some(Challenge::Basic);
    }
    if !parsed.scheme.eq_ignore_ascii_case(BEARER) {
        return None;
    }
    let realm = parameter(parsed, "realm").ok()??;
    let service = parameter(parsed, "service").ok()?;
    Some(Challenge::Bearer(Bearer { realm, service, scope: parameter(parsed, "scope").ok()? }))
}

/// A parameter that occurs twice. The client must not choose one of the two.
struct Twice;

/// Returns the value of a parameter, if it is present and not empty.
fn parameter(parsed: &ChallengeRef<'_>, name: &str) -> Result<Option<String>, Twice> {
    let mut values = parsed.params.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let value = values.next().map(|(_, value)| value.to_unescaped()).filter(|value| !value.is_empty());
    if values.next().is_some() { Err(Twice) } else { Ok(value) }
}

fn first_word(text: &str) -> &str {
    text.split([' ', '\t', ',']).next().unwrap_or_default()
}

#[cfg(test)]
mod vectors;
