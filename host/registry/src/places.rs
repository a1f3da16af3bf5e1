//! Which other places a host may send a client to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use refkit_content::Problem;
use url::{Host, Url};

use crate::endpoint::{host_of, shown};

/// Checks a place that a host of this base, or one that it sent a client to, names: a realm or a redirect's target.
/// What is asked with TLS does not lead to what is asked without; and nobody out there decides that this machine
/// asks itself or its neighbours (CVE-2026-48978), unless the registry is such a place.
///
/// # Errors
/// [`Problem::Malformed`] with what is wrong with the place.
pub(crate) fn may_lead_to(base: &Url, url: &Url) -> Result<(), Problem> {
    let refuse =
        |reason: &str| Err(Problem::Malformed(format!("{} sends us to {}, {reason}", host_of(base), shown(url))));
    if !matches!(url.scheme(), "https" | "http") {
        return refuse("which is neither https nor http");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("which has a user name or a password in it");
    }
    if url.scheme() == "http" && base.scheme() == "https" {
        return refuse("which is without TLS");
    }
    if is_inner(url) && url.host() != base.host() && !(is_loopback(url) && is_loopback(base)) {
        return refuse("which is an address inside this network");
    }
    Ok(())
}

pub(crate) fn is_loopback(url: &Url) -> bool {
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
        IpAddr::V4(v4) => inner_v4(v4),
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
                || inside(v6).is_some_and(inner_v4)
        }
    };
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => inner(address.into()),
        Some(Host::Ipv6(address)) => inner(address.to_canonical()),
        None => true,
    }
}

fn inner_v4(v4: Ipv4Addr) -> bool {
    v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_multicast()
        // "This" network, of which 0.0.0.0 leads to this machine.
        || v4.octets()[0] == 0
        // Addresses behind a provider's translation, RFC 6598.
        || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
}

/// Returns the IPv4 address that an IPv6 address leads to: by NAT64 (RFC 6052), 6to4 (RFC 3056), or the old form
/// without a prefix.
fn inside(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = v6.octets();
    let four = |at: usize| Some(Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]));
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0, ..] => four(12),
        [0x2002, ..] => four(2),
        _ => None,
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
            ("ghcr.io", false, "https://[64:ff9b::7f00:1]/token", false),
            ("ghcr.io", false, "https://[64:ff9b::808:808]/token", true),
            ("ghcr.io", false, "https://[2002:a00:1::1]/token", false),
            ("ghcr.io", false, "https://[::10.0.0.1]/token", false),
            ("ghcr.io", false, "https://0.1.2.3/token", false),
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
            let base = format!("{}://{registry}/v2/", if plain { "http" } else { "https" });
            let found = may_lead_to(&Url::parse(&base).expect(registry), &Url::parse(place).expect(place));
            assert_eq!(found.is_ok(), wanted, "{registry} to {place}: {found:?}");
        }
    }
}
