//! An endpoint: one of a registry's hosts, for one repository.

use std::sync::Arc;

use refkit_content::ErrorKind;
use url::Url;

use crate::hosts::Host;

/// One host that the client asks for one repository.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The registry's name, as references have it.
    pub(crate) registry: String,
    /// The host, with its settings.
    pub(crate) host: Arc<Host>,
    /// The path of the repository at the host.
    pub(crate) path: String,
    /// Whether the client asks no other host after this one.
    pub(crate) last: bool,
    /// The API of the host that has named this one, such as the registry of a token server; none for a host from the
    /// settings.
    pub(crate) base: Option<Url>,
}

impl Endpoint {
    /// Returns the only endpoint of a repository.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn new(registry: &str, host: Host, path: &str) -> Self {
        Self { registry: registry.to_owned(), host: Arc::new(host), path: path.to_owned(), last: true, base: None }
    }

    /// Returns a URL below the repository, such as that of `manifests/latest`.
    pub(crate) fn url(&self, rest: &str) -> Result<Url, ErrorKind> {
        let path = format!("{}/{rest}", self.path);
        let url = self.host.api.join(&path).map_err(|error| ErrorKind::Malformed(format!("{path:?}: {error}")))?;
        Ok(self.naming_registry(url))
    }

    /// Returns a URL of the host with the registry's name in it, if the host wants that.
    pub(crate) fn naming_registry(&self, mut url: Url) -> Url {
        if self.host.names_registry && !url.query_pairs().any(|(name, _)| name == "ns") {
            url.query_pairs_mut().append_pair("ns", &self.registry);
        }
        url
    }

    /// Returns `host[:port]`, for messages.
    pub(crate) fn name(&self) -> String {
        host_of(&self.host.api)
    }

    /// Returns whether a URL has the host's origin, so that it may receive the host's headers and credentials.
    pub(crate) fn is_at(&self, url: &Url) -> bool {
        same_origin(url, &self.host.api)
    }
}

/// Returns whether two URLs have the same scheme, host and port.
pub(crate) fn same_origin(one: &Url, two: &Url) -> bool {
    one.origin() == two.origin()
}

/// Returns `host[:port]` of a URL.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns a URL without its user information and query, which may be secret.
pub(crate) fn shown(url: &Url) -> String {
    let text = format!("{}://{}{}", url.scheme(), host_of(url), url.path());
    if text.len() > 200 { text.chars().take(200).chain(['…']).collect() } else { text }
}
