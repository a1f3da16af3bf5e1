//! Proxies. This library uses the proxies of its caller, and never looks for others.

mod direct;

use std::fmt;

use refkit_content::ErrorKind;
use url::Url;

use crate::endpoint::host_of;
use direct::Direct;

/// The proxies for requests. Requests to this machine go directly, as in Go programs.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxies {
    /// The URL of the proxy for requests without TLS, `http://` or `https://`.
    pub http: Option<String>,
    /// The URL of the proxy for requests with TLS.
    pub https: Option<String>,
    /// Names, domains, addresses and networks to which requests go directly, with commas between them; `*` for all. A
    /// domain includes itself and all names below it; `.corp.test` and `*.corp.test` include only the names below it;
    /// a name or an address with a port (`10.0.0.7:5000`) applies to that port alone.
    pub none: String,
}

impl Proxies {
    /// Sets the proxy for requests without TLS.
    #[must_use]
    pub fn http(mut self, http: impl Into<Option<String>>) -> Self {
        self.http = http.into();
        self
    }

    /// Sets the proxy for requests with TLS.
    #[must_use]
    pub fn https(mut self, https: impl Into<Option<String>>) -> Self {
        self.https = https.into();
        self
    }

    /// Sets the hosts to which requests go directly.
    #[must_use]
    pub fn none(mut self, none: impl Into<String>) -> Self {
        self.none = none.into();
        self
    }
}

/// A proxy's URL may hold a password.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = (self.http.is_some(), self.https.is_some());
        f.debug_struct("Proxies").field("http", &set.0).field("https", &set.1).field("none", &self.none).finish()
    }
}

impl Proxies {
    /// Returns whether the client speaks TLS with one of the proxies.
    pub(crate) fn are_secure(&self) -> bool {
        [&self.http, &self.https].into_iter().flatten().any(|url| url.starts_with("https://"))
    }

    /// Returns the names of the proxies.
    pub(crate) fn names(&self) -> Vec<String> {
        let host = |text: &String| Some(Url::parse(&with_scheme(text)).ok()?.host_str()?.to_owned());
        [&self.http, &self.https].into_iter().flatten().filter_map(host).collect()
    }

    /// Returns `host[:port]` of the proxy for a URL; none if the request goes directly.
    pub(crate) fn of(&self, asked: &Url) -> Option<String> {
        let proxy = if asked.scheme() == "http" { &self.http } else { &self.https };
        let proxy = Url::parse(&with_scheme(proxy.as_deref().filter(|url| !url.is_empty())?)).ok()?;
        (proxy.has_host() && !Direct::parse(&self.none).is_direct(asked)).then(|| host_of(&proxy))
    }

    /// Returns the proxies in the form of the HTTP client.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] for a text that is no URL of a proxy. The error contains no part of the text, which
    /// may hold a password.
    pub(crate) fn of_requests(&self) -> Result<Vec<reqwest::Proxy>, ErrorKind> {
        let mut proxies = Vec::new();
        for (url, scheme, what) in [(&self.http, "http", "HTTP"), (&self.https, "https", "HTTPS")] {
            let Some(url) = url.as_deref().filter(|url| !url.is_empty()) else { continue };
            let url = with_scheme(url);
            let fail = || {
                let text = format!("the proxy for {what} is not http://HOST[:PORT] or https://HOST[:PORT]");
                ErrorKind::Malformed(text)
            };
            if !(url.starts_with("http://") || url.starts_with("https://")) {
                return Err(fail());
            }
            let proxy = Url::parse(&url).ok().filter(Url::has_host).ok_or_else(fail)?;
            let direct = Direct::parse(&self.none);
            let choose =
                move |asked: &Url| (asked.scheme() == scheme && !direct.is_direct(asked)).then(|| proxy.clone());
            proxies.push(reqwest::Proxy::custom(choose));
        }
        Ok(proxies)
    }
}

/// Returns the URL of a proxy. As curl and Go programs read it, one without a scheme has `http`.
fn with_scheme(url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { format!("http://{url}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_of_a_url() {
        let proxies = Proxies::default().http("user:secret@one.test:3128".to_owned()).none("direct.test");
        let proxies = proxies.https("https://two.test".to_owned());
        // a URL, the proxy
        let rows = [
            ("http://a.test/", Some("one.test:3128")),
            ("https://a.test/", Some("two.test")),
            ("https://direct.test/", None),
            ("http://127.0.0.1:5000/", None),
        ];
        for (url, wanted) in rows {
            let url = Url::parse(url).expect("a URL");
            assert_eq!(proxies.of(&url).as_deref(), wanted, "{url}");
            assert_eq!(Proxies::default().https(String::new()).of(&url), None, "{url}");
        }
    }

    #[test]
    fn urls() {
        for (url, wanted) in [
            ("http://proxy.example:3128", true),
            ("https://user:secret@proxy.example", true),
            ("proxy.example:3128", true),
            ("", true),
            ("socks5://user:secret@proxy.example", false),
            ("http://", false),
            ("http://user:secret@[::", false),
        ] {
            let proxies = Proxies { http: Some(url.to_owned()), https: Some(url.to_owned()), none: String::new() };
            let made = proxies.of_requests();
            assert_eq!(made.is_ok(), wanted, "{url}");
            let shown = made.err().map(|problem| problem.to_string()).unwrap_or_default();
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
