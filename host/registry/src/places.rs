//! Which other places a host may send a client to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use refkit_content::ErrorKind;
use url::{Host, Url};

use crate::endpoint::{host_of, shown};
use crate::hosts::Network;
use crate::names;

/// Checks a place that a host of this base, or one that it sent a client to, names: a realm or a redirect's target.
/// What is asked with TLS does not lead to what is asked without; and nobody out there decides that this machine
/// asks itself or its neighbours (CVE-2026-48978), unless the registry is such a place or its settings allow it. This
/// judges the text; [`names`](crate::names) judges the addresses of a name when it is looked up.
///
/// # Errors
/// [`ErrorKind::Malformed`] with what is wrong with the place.
pub(crate) fn may_lead_to(base: &Url, url: &Url, allowed: &[Network]) -> Result<(), ErrorKind> {
    let refuse =
        |reason: &str| Err(ErrorKind::Malformed(format!("{} sends us to {}, {reason}", host_of(base), shown(url))));
    if !matches!(url.scheme(), "https" | "http") {
        return refuse("which is neither https nor http");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("which has a user name or a password in it");
    }
    if url.scheme() == "http" && base.scheme() == "https" {
        return refuse("which is without TLS");
    }
    let is_near = url.host() == base.host() || (is_loopback(url) && is_loopback(base));
    let inner = written(url).into_iter().find(|address| reach(*address) != Reach::Outer);
    match inner {
        Some(address) if !is_near && !allowed.iter().any(|network| network.contains(address)) => {
            refuse(&format!("which is an address inside this network; {}", names::remedy(address)))
        }
        _ if url.host().is_none() => refuse("which names no host"),
        _ => Ok(()),
    }
}

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// In the public internet.
    Outer,
    /// In a network that is private, or behind a provider's translation.
    Private,
    /// On this machine.
    Machine,
    /// Not the address of one other host: link-local, multicast, broadcast, unspecified.
    Special,
}

/// Returns where an address is.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address.to_canonical() {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) if v6.is_loopback() => Reach::Machine,
        IpAddr::V6(v6) if v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast() => Reach::Special,
        IpAddr::V6(v6) if v6.is_unique_local() => Reach::Private,
        IpAddr::V6(v6) => inside(v6).map_or(Reach::Outer, reach_v4),
    }
}

fn reach_v4(v4: Ipv4Addr) -> Reach {
    let octets = v4.octets();
    if v4.is_loopback() {
        return Reach::Machine;
    }
    // "This" network, of which 0.0.0.0 leads to this machine.
    if v4.is_link_local() || v4.is_broadcast() || v4.is_multicast() || octets[0] == 0 {
        return Reach::Special;
    }
    // Addresses behind a provider's translation, RFC 6598.
    if v4.is_private() || (octets[0] == 100 && octets[1] & 0xc0 == 64) { Reach::Private } else { Reach::Outer }
}

/// Returns the address that a URL has written in it.
fn written(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(name) => is_localhost(name).then_some(Ipv4Addr::LOCALHOST.into()),
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.to_canonical()),
    }
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
            let found = may_lead_to(&Url::parse(&base).expect(registry), &Url::parse(place).expect(place), &[]);
            assert_eq!(found.is_ok(), wanted, "{registry} to {place}: {found:?}");
        }
    }

    #[test]
    fn where_one_may_lead_that_was_allowed_to() {
        let allowed: Vec<Network> =
            ["10.0.0.8", "10.0.1.0/24", "127.0.0.1"].iter().map(|text| text.parse().expect(text)).collect();
        for (place, wanted) in [
            ("https://10.0.0.8:9000/bucket", true),
            ("https://[::ffff:10.0.0.8]/bucket", true),
            ("https://10.0.1.77/token", true),
            ("https://10.0.0.9/token", false),
            ("https://10.0.2.1/token", false),
            ("https://127.0.0.1/token", true),
            ("https://localhost/token", true),
            ("https://127.0.0.2/token", false),
            ("https://169.254.169.254/latest", false),
            // Whatever is allowed is asked as the registry is.
            ("http://10.0.0.8/bucket", false),
            ("https://user@10.0.0.8/bucket", false),
        ] {
            let base = Url::parse("https://10.0.0.7/v2/").expect("a URL");
            let found = may_lead_to(&base, &Url::parse(place).expect(place), &allowed);
            assert_eq!(found.is_ok(), wanted, "{place}: {found:?}");
        }
    }
}
