//! The address of a mirror, as files write it.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Url;

/// The name of Docker Hub in references.
pub(super) const DOCKER_HUB: &str = "docker.io";

/// The host of Docker Hub.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// A host as a file writes it: `mirror.example:5000/proxy`, `https://mirror.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Whether the client uses plain HTTP, if the address has a scheme.
    pub(super) http: Option<bool>,
    /// `host[:port]`.
    pub(super) authority: String,
    /// The path without slashes around it; no empty segments.
    pub(super) path: String,
}

impl Address {
    /// Parses an address. It drops user information, query and fragment.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (http, rest) = match text.split_once("://") {
            None => (None, text.strip_prefix("//").unwrap_or(text)),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Some(false), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Some(true), rest),
            Some(_) => return Err("is neither https nor http"),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = authority.rsplit('@').next().unwrap_or_default();
        if !is_authority(authority) {
            return Err("is not host[:port], which a path may follow");
        }
        Ok(Self { http, authority: authority.to_owned(), path: clean(path)? })
    }

    /// Returns the address without user information, for messages.
    pub(super) fn shown(&self) -> String {
        let scheme = self.http.map_or("", |http| if http { "http://" } else { "https://" });
        let slash = if self.path.is_empty() { "" } else { "/" };
        format!("{scheme}{}{slash}{}", self.authority, self.path)
    }

    /// Returns the name under which its credentials are stored.
    pub(super) fn credentials(&self) -> &str {
        if is_docker_hub(&self.authority) { DOCKER_HUB } else { &self.authority }
    }

    /// Returns whether this is the registry itself, by containerd's rule for `?ns=`.
    pub(super) fn is(&self, registry: &str) -> bool {
        self.authority == registry || registry == DOCKER_HUB && self.authority == DOCKER_HUB_HOST
    }
}

/// Returns the host that serves a name.
pub(super) fn serving(authority: &str) -> &str {
    if authority == DOCKER_HUB { DOCKER_HUB_HOST } else { authority }
}

/// Returns whether it is one of the names of Docker Hub.
pub(super) fn is_docker_hub(authority: &str) -> bool {
    [DOCKER_HUB, DOCKER_HUB_HOST, "index.docker.io"].contains(&authority)
}

/// Returns whether a text is `host[:port]`. A name may contain `_`, though no reference may.
pub(super) fn is_authority(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let parsed =
        || Url::parse(&format!("https://{text}/")).is_ok_and(|url| url.path() == "/" && !url.cannot_be_a_base());
    text.bytes().all(known) && !text.ends_with(':') && parsed()
}

/// Returns host and port of `host[:port]`.
pub(super) fn split(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// Returns whether a name is one of this machine: `localhost`, `127.0.0.0/8` and `[::1]`, with or without a port.
pub(super) fn is_local(authority: &str) -> bool {
    let (host, _) = split(authority);
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|address| address.to_canonical().is_loopback()),
        None => {
            host.eq_ignore_ascii_case("localhost")
                || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

/// Returns a path without slashes around it or empty segments in it.
fn clean(path: &str) -> Result<String, &'static str> {
    if !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err("has a letter in its path that no URL has; write it with %");
    }
    let segments: Vec<_> = path.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
    if segments.contains(&"..") {
        return Err("has .. in its path");
    }
    Ok(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let rows = [
            ("mirror.example", Ok("mirror.example")),
            ("mirror.example:5000/proxy", Ok("mirror.example:5000/proxy")),
            ("https://mirror.example/", Ok("https://mirror.example")),
            ("HTTP://mirror.example//a/./b/", Ok("http://mirror.example/a/b")),
            ("//mirror.example/a", Ok("mirror.example/a")),
            ("https://user:secret@mirror.example/a?b#c", Ok("https://mirror.example/a")),
            ("[::1]:5000", Ok("[::1]:5000")),
            ("my_mirror:5000", Ok("my_mirror:5000")),
            ("", Err("is not host[:port], which a path may follow")),
            ("https://", Err("is not host[:port], which a path may follow")),
            ("mirror.example:", Err("is not host[:port], which a path may follow")),
            ("mirror.example:port", Err("is not host[:port], which a path may follow")),
            ("mirror.example:99999", Err("is not host[:port], which a path may follow")),
            ("mirror example", Err("is not host[:port], which a path may follow")),
            ("mirror\\example", Err("is not host[:port], which a path may follow")),
            ("::1", Err("is not host[:port], which a path may follow")),
            ("ftp://mirror.example", Err("is neither https nor http")),
            ("mirror.example/a/../b", Err("has .. in its path")),
            ("mirror.example/a b", Err("has a letter in its path that no URL has; write it with %")),
        ];
        for (text, wanted) in rows {
            let found = Address::parse(text).map(|address| address.shown());
            assert_eq!(found.as_deref().map_err(|error| *error), wanted, "{text:?}");
        }
    }

    #[test]
    fn names_of_this_machine() {
        for (name, wanted) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.1.2.3:5000", true),
            ("[::1]", true),
            ("[::1]:5000", true),
            ("[::ffff:127.0.0.1]:5000", true),
            ("[::2]:5000", false),
            ("10.0.0.1:5000", false),
            ("localhost.example", false),
            ("127.example", false),
            ("docker.io", false),
        ] {
            assert_eq!(is_local(name), wanted, "{name}");
        }
    }
}
