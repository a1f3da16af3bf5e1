//! Where a registry is asked about a repository.

use std::sync::Arc;

use refkit_content::ErrorKind;
use url::Url;

use crate::hosts::{Host, Tls};
use crate::names::Leash;
use crate::places;

/// One host that is asked for one repository.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The registry's name, as references have it.
    pub(crate) registry: String,
    /// How the host is asked.
    pub(crate) host: Arc<Host>,
    /// What the repository is called there.
    pub(crate) path: String,
    /// Whether nobody else is asked after it.
    pub(crate) last: bool,
    /// The API of the host that has named this one, where one has.
    pub(crate) base: Option<Url>,
}

impl Endpoint {
    /// Returns the URL of something in the repository, such as `manifests/latest`.
    pub(crate) fn url(&self, rest: &str) -> Result<Url, ErrorKind> {
        let path = format!("{}/{rest}", self.path);
        let url = self.host.api.join(&path).map_err(|error| ErrorKind::Malformed(format!("{path:?}: {error}")))?;
        Ok(self.naming_registry(url))
    }

    /// Returns a URL of the host with the registry's name in it, where the host wants that.
    pub(crate) fn naming_registry(&self, mut url: Url) -> Url {
        if self.host.names_registry && !url.query_pairs().any(|(name, _)| name == "ns") {
            url.query_pairs_mut().append_pair("ns", &self.registry);
        }
        url
    }

    /// Returns `host[:port]` as people know it.
    pub(crate) fn name(&self) -> String {
        host_of(&self.host.api)
    }

    /// Returns whether a URL is one of this host: what goes to it alone may go there.
    pub(crate) fn is_at(&self, url: &Url) -> bool {
        same_origin(url, &self.host.api)
    }

    /// Checks a place that this host, or one that it sent a client to, names; see [`places::may_lead_to`].
    pub(crate) fn may_lead_to(&self, url: &Url) -> Result<(), ErrorKind> {
        places::may_lead_to(&self.host.api, url, &self.host.allow_private)
    }

    /// Returns where a token server is asked that this host names: as a host of its own, which gets nothing of what is
    /// for this one alone.
    pub(crate) fn at_realm(&self, realm: &Url) -> Self {
        let mut api = realm.clone();
        api.set_path("/");
        api.set_query(None);
        api.set_fragment(None);
        let tls = self.tls_at(realm, true);
        let (credentials, allow_private) = (self.host.credentials.clone(), self.host.allow_private.clone());
        let host = Host { tls, credentials, allow_private, ..Host::new(api) };
        let base = (!self.is_at(realm)).then(|| self.host.api.clone());
        Self { host: Arc::new(host), base, ..self.clone() }
    }

    /// Returns by what the addresses of a URL's name are judged; none where settings name it themselves.
    pub(crate) fn leash_at(&self, url: &Url) -> Option<Leash> {
        if self.base.is_none() && self.is_at(url) {
            return None;
        }
        let base = self.base.as_ref().unwrap_or(&self.host.api).clone();
        Some(Leash { base, allowed: self.host.allow_private.clone() })
    }

    /// Returns how TLS is spoken at a place that this host leads to. Its certificate authorities count there as well:
    /// what belongs together has them in common. The client's own certificate is shown to the host alone. Where the
    /// host's certificate is not looked at, neither is that of a place which gets no secret.
    pub(crate) fn tls_at(&self, url: &Url, secret: bool) -> Tls {
        let tls = &self.host.tls;
        if self.is_at(url) {
            return tls.clone();
        }
        let insecure = tls.insecure && (!secret || url.host() == self.host.api.host());
        Tls { insecure, roots: tls.roots.clone(), identities: Vec::new() }
    }
}

/// Returns whether two URLs have scheme, host and port in common.
pub(crate) fn same_origin(one: &Url, two: &Url) -> bool {
    one.origin() == two.origin()
}

/// Returns `host[:port]` of a URL.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns a URL without what may be secret: user information and query.
pub(crate) fn shown(url: &Url) -> String {
    let text = format!("{}://{}{}", url.scheme(), host_of(url), url.path());
    if text.len() > 200 { text.chars().take(200).chain(['…']).collect() } else { text }
}
