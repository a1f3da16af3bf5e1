//! What a registry asks for in a 401, as RFC 9110, section 11.6.1, and the distribution project's token specification.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// The most bytes of a challenge that are looked at.
const LIMIT: usize = 8 << 10;

/// A challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A user name and a password.
    Basic,
    /// A token of a server.
    Bearer(Bearer),
}

/// Where a token is to be had, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// The token server, a URL or a path at the registry.
    pub(crate) realm: String,
    /// The service that the token is for.
    pub(crate) service: Option<String>,
    /// What the token is to allow.
    pub(crate) scope: Option<String>,
}

/// Returns the challenges of an answer that can be met, those of `Bearer` first: a registry that offers both knows
/// users by more than a password. What cannot be parsed, or has no realm, is passed over.
pub(crate) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let mut found = Vec::new();
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let Some(text) = value.to_str().ok().filter(|text| text.len() <= LIMIT) else { continue };
        let Ok(parsed) = http_auth::parse_challenges(text) else { continue };
        for challenge in parsed {
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                found.push(Challenge::Basic);
            } else if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let param = |name: &str| {
                    let mut values = challenge.params.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
                    values.next().map(|(_, value)| value.to_unescaped()).filter(|value| !value.is_empty())
                };
                if let Some(realm) = param("realm") {
                    found.push(Challenge::Bearer(Bearer { realm, service: param("service"), scope: param("scope") }));
                }
            }
        }
    }
    found.sort_by_key(|challenge| matches!(challenge, Challenge::Basic));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer(Bearer { realm: realm.to_owned(), service: own(service), scope: own(scope) })
    }

    #[test]
    fn headers() {
        let rows: [(&[&str], Vec<Challenge>); 10] = [
            (&[], vec![]),
            (&["Basic realm=\"x\""], vec![Challenge::Basic]),
            (&["bearer realm=\"https://a/t\",service=\"s\""], vec![bearer("https://a/t", Some("s"), None)]),
            (
                &["Bearer realm=\"https://a/t\",scope=\"repository:a:pull,push\""],
                vec![bearer("https://a/t", None, Some("repository:a:pull,push"))],
            ),
            (&["Basic realm=\"x\", Bearer realm=\"t\""], vec![bearer("t", None, None), Challenge::Basic]),
            (&["Basic realm=\"x\"", "Bearer realm=\"t\""], vec![bearer("t", None, None), Challenge::Basic]),
            (&["Negotiate", "Basic realm=\"x\""], vec![Challenge::Basic]),
            (&["Bearer service=\"s\""], vec![]),
            (&["Bearer realm=\"\""], vec![]),
            (&["Bearer realm=\"https://a/t"], vec![]),
        ];
        for (values, wanted) in rows {
            let headers =
                values.iter().map(|value| (WWW_AUTHENTICATE, value.parse().expect("a value"))).collect::<HeaderMap>();
            assert_eq!(challenges(&headers), wanted, "{values:?}");
        }
    }
}
