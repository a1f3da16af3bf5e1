//! The parsers of servers' texts, for `make fuzz`. This module exists under `--cfg fuzzing` alone.

use std::path::Path;

use http::header::{LINK, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};

use crate::auth::challenge::{self, Challenge};
use crate::auth::scope::Scopes;
use crate::client;
use crate::endpoint::Endpoint;
use crate::hosts::{self, Host, Hosts};
use crate::http::Whole;
use crate::redirect::policy;

/// Reads challenges, one a line, and their scopes.
pub fn challenge(text: &str) {
    let mut headers = HeaderMap::new();
    for line in text.lines().take(16) {
        if let Ok(value) = HeaderValue::from_str(line) {
            headers.append(WWW_AUTHENTICATE, value);
        }
    }
    let base = "https://registry.example/v2/".parse().expect("a URL");
    for challenge in challenge::challenges(&headers) {
        let Challenge::Bearer(bearer) = challenge else { continue };
        assert!(!bearer.realm.is_empty());
        if let Ok(realm) = url::Url::join(&base, &bearer.realm)
            && policy::may_lead(&base, &realm, &[]).is_ok()
        {
            assert_eq!((realm.scheme(), realm.username(), realm.password()), ("https", "", None));
        }
        let scopes = Scopes::parse(bearer.scope.as_deref().unwrap_or_default());
        assert_eq!(Scopes::parse(&scopes.to_string()), scopes);
        assert_eq!(scopes.clone().and(&scopes), scopes);
    }
}

/// Reads the next page's `Link`s, one a line.
pub fn link(text: &str) {
    let mut headers = HeaderMap::new();
    for line in text.lines().take(16) {
        if let Ok(value) = HeaderValue::from_str(line) {
            headers.append(LINK, value);
        }
    }
    let host = Host::new("https://registry.example/v2/".parse().expect("a URL"));
    let endpoint = Endpoint::new("registry.example", host, "app");
    let url = endpoint.url("tags/list").expect("a URL");
    let page = Whole { headers, url, bytes: bytes::Bytes::new() };
    if let Ok(Some(next)) = client::next(&endpoint, &page) {
        assert_eq!(next.origin(), endpoint.host.api.origin());
        assert_eq!((next.username(), next.password()), ("", None));
    }
}

/// Reads one of the kinds of files about hosts, and asks it for some registries.
pub fn hosts(kind: u32, text: &str) {
    let file = Path::new("/nowhere/file.toml");
    let Some(read) = hosts::fuzz(kind, file, text) else { return };
    for registry in ["docker.io", "a.example", "b.a.example:5000", "localhost:5000"] {
        let repository = refkit_oci::Repository::new(registry, "library/app").expect("a repository");
        for host in Hosts::of(&read, &repository).into_iter().flatten() {
            assert!(host.api.path().ends_with('/') && matches!(host.api.scheme(), "http" | "https"));
            if let Ok(path) = host.repository(repository.path()) {
                assert!(refkit_oci::Repository::new("registry.example", &path).is_ok());
            }
        }
    }
}
