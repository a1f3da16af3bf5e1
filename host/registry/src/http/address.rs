//! Classifies addresses: of the internet, of a private network, or of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// From where clients can reach an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From the public internet.
    Outer,
    /// From inside a private network, or from behind a provider's address translation.
    Private,
    /// From this machine alone.
    Machine,
    /// Not the address of one other host: link-local, multicast, broadcast, unspecified.
    Special,
}

/// Returns the reach of an address.
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
    // "This" network; 0.0.0.0 leads to this machine.
    if v4.is_link_local() || v4.is_broadcast() || v4.is_multicast() || octets[0] == 0 {
        return Reach::Special;
    }
    // Addresses behind a provider's address translation, RFC 6598.
    if v4.is_private() || (octets[0] == 100 && octets[1] & 0xc0 == 64) { Reach::Private } else { Reach::Outer }
}

/// Returns the address in a URL, without a lookup; for the names of this machine, its own address.
pub(crate) fn written(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(name) => is_localhost(name).then_some(Ipv4Addr::LOCALHOST.into()),
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.to_canonical()),
    }
}

/// Returns whether the text of a URL names this machine.
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

/// Returns the IPv4 address that an IPv6 address leads to: by NAT64 (RFC 6052), by 6to4 (RFC 3056), or as an
/// IPv4-compatible address.
fn inside(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = v6.octets();
    let four = |at: usize| Some(Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]));
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0, ..] => four(12),
        [0x2002, ..] => four(2),
        _ => None,
    }
}
