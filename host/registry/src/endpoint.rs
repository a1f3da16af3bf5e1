//! Where a registry is asked, and which other places it may send a client to.

use std::net::IpAddr;

use refkit_content::Problem;
use url::{Host, Url};

/// A registry's name and the start of its URLs.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The name that references carry, such as `docker.io`.
    pub(crate) registry: String,
    /// `https://host[:port]/`.
    pub(crate) base: Url,
}

/// The host that serves what references call `docker.io`.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

impl Endpoint {
    /// Returns the endpoint of a registry; `plain` asks it without TLS.
    ///
    /// # Errors
    /// [`Problem::Malformed`] where the name is none of a host.
    pub(crate) fn new(registry: &str, plain: bool) -> Result<Self, Problem> {
        let host = if registry == DOCKER_HUB.0 { DOCKER_HUB.1 } else { registry };
        let scheme = if plain { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{host}/"))
            .map_err(|error| Problem::Malformed(format!("{registry:?} is no name of a host: {error}")))?;
        Ok(Self { registry: registry.to_owned(), base })
    }

    /// Returns a URL below the endpoint: segments of the distribution API after `/v2/`.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Problem> {
        self.base.join(&format!("/v2/{path}")).map_err(|error| Problem::Malformed(format!("{path:?}: {error}")))
    }

    /// Returns `host[:port]` as people know it.
    pub(crate) fn host(&self) -> String {
        host_of(&self.base)
    }

    /// Checks a place that this registry, or a host that it sent a client to, names: a realm or a redirect's target.
    /// What is asked with TLS does not lead to what is asked without; and nobody out there decides that this machine
    /// asks itself or its neighbours (CVE-2026-48978), unless the registry is such a place.
    ///
    /// # Errors
    /// [`Problem::Malformed`] with what is wrong with the place.
    pub(crate) fn may_lead_to(&self, url: &Url) -> Result<(), Problem> {
        let refuse =
            |reason: &str| Err(Problem::Malformed(format!("{} sends us to {}, {reason}", self.host(), shown(url))));
        if !matches!(url.scheme(), "https" | "http") {
            return refuse("which is neither https nor http");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("which has a user name or a password in it");
        }
        if url.scheme() == "http" && self.base.scheme() == "https" {
            return refuse("which is without TLS");
        }
        if is_inner(url) && url.host() != self.base.host() && !(is_loopback(url) && is_loopback(&self.base)) {
            return refuse("which is an address inside this network");
        }
        Ok(())
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

/// Returns whether a registry's name is one of this machine, which is asked without TLS unless a client is told
/// otherwise: `localhost`, `127.0.0.0/8` and `[::1]`.
pub fn is_local(registry: &str) -> bool {
    Url::parse(&format!("http://{registry}/")).is_ok_and(|url| is_loopback(&url))
}

/// Returns a URL without what may be secret: user information and query.
pub(crate) fn shown(url: &Url) -> String {
    let text = format!("{}://{}{}", url.scheme(), host_of(url), url.path());
    if text.len() > 200 { text.chars().take(200).chain(['…']).collect() } else { text }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

fn is_inner(url: &Url) -> bool {
    let inner = |address: IpAddr| match address {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                // Addresses behind a provider's translation, RFC 6598.
                || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
        }
    };
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => inner(address.into()),
        Some(Host::Ipv6(address)) => inner(address.to_canonical()),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_registry_may_lead() {
        let rows = [
            ("ghcr.io", false, "https://auth.example.com/token", true),
            ("ghcr.io", false, "http://ghcr.io/token", false),
            ("ghcr.io", false, "http://127.0.0.1/token", false),
            ("ghcr.io", false, "https://127.0.0.1/token", false),
            ("ghcr.io", false, "https://localhost/token", false),
            ("ghcr.io", false, "https://a.localhost./token", false),
            ("ghcr.io", false, "https://169.254.169.254/latest", false),
            ("ghcr.io", false, "https://10.0.0.1/token", false),
            ("ghcr.io", false, "https://192.168.1.1/token", false),
            ("ghcr.io", false, "https://0.0.0.0/token", false),
            ("ghcr.io", false, "https://[::1]/token", false),
            ("ghcr.io", false, "https://[::ffff:127.0.0.1]/token", false),
            ("ghcr.io", false, "https://[fe80::1]/token", false),
            ("ghcr.io", false, "https://2130706433/token", false),
            ("ghcr.io", false, "https://0x7f.1/token", false),
            ("ghcr.io", false, "https://user@auth.example.com/token", false),
            ("ghcr.io", false, "file:///etc/passwd", false),
            ("registry.example", true, "http://127.0.0.1/token", false),
            ("registry.example", true, "http://auth.example/token", true),
            ("127.0.0.1:5000", true, "http://127.0.0.1:5001/token", true),
            ("127.0.0.1:5000", true, "http://169.254.169.254/token", false),
            ("localhost:5000", true, "http://127.0.0.1:5001/token", true),
            ("10.0.0.7:5000", true, "http://10.0.0.7:5001/token", true),
            ("10.0.0.7:5000", true, "http://10.0.0.8:5001/token", false),
        ];
        for (registry, plain, place, wanted) in rows {
            let endpoint = Endpoint::new(registry, plain).expect(registry);
            let found = endpoint.may_lead_to(&Url::parse(place).expect(place));
            assert_eq!(found.is_ok(), wanted, "{registry} to {place}: {found:?}");
        }
    }

    #[test]
    fn names_of_this_machine() {
        for (registry, wanted) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.1.2.3", true),
            ("[::1]:5000", true),
            ("docker.io", false),
            ("localhost.example.com", false),
            ("10.0.0.1:5000", false),
        ] {
            assert_eq!(is_local(registry), wanted, "{registry}");
        }
    }
}
