//! The normal spelling of a registry. One server has many working names, and a rule about one of them has to apply to
//! all: `GHCR.io:443` is `ghcr.io`.

use super::grammar::is_registry;
use super::ipv6;

/// The registry of a reference without one.
pub(crate) const DEFAULT_REGISTRY: &str = "docker.io";

/// Other names of Docker Hub's servers: that of its index, that of the server to which clients send requests for
/// `docker.io`, and one from Docker's site. distribution/reference knows the first.
const HUB: [&str; 3] = ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/// The port of HTTPS.
const HTTPS: &str = "443";

/// The error for a malformed address in brackets.
const NO_IPV6: &str = "what stands in brackets is no IPv6 address";

/// Returns a registry in its normal spelling: as [`normal_host`], and every name of Docker Hub is `docker.io`.
///
/// # Errors
/// As [`normal_host`].
pub fn normal_registry(text: &str) -> Result<String, &'static str> {
    let host = normal_host(text)?;
    Ok(if HUB.contains(&host.as_str()) { DEFAULT_REGISTRY.to_owned() } else { host })
}

const TOO_LONG: &str = "the registry has more than 259 bytes";

/// The most bytes of a registry: a DNS name has at most 253 (RFC 1035, section 2.3.4), and a port five and a colon.
const MAX_REGISTRY: usize = 259;

/// Returns `host[:port]` in its normal spelling.
///
/// - Letters are in lower case, ports without leading zeros, IPv6 addresses as RFC 5952 has them.
/// - The port 443 is left out, because registries speak HTTPS: a registry that speaks HTTP there has no name. At names
///   of this machine, where clients may speak HTTP, every port stays. The port 80 stays everywhere: without it a client
///   would ask port 443.
/// - A name of one word has a port, because it would be read as a path without it: `Foo` is `foo:443`.
/// - Addresses in spellings that only some resolvers know (`127.1`, `0x7f.0.0.1`, an IPv4 address in brackets) are
///   refused, and so are dots at the end of a name.
///
/// # Errors
/// The reason why the text is malformed.
pub fn normal_host(text: &str) -> Result<String, &'static str> {
    if text.len() > MAX_REGISTRY {
        return Err(TOO_LONG);
    }
    if !is_registry(text) {
        return Err("the registry is not host[:port]");
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let host = match host.strip_prefix('[') {
        Some(address) => address_in_brackets(address.trim_end_matches(']'))?,
        None => host.to_ascii_lowercase(),
    };
    if ends_in_number(&host) && !is_ipv4(&host) {
        return Err("the registry's name ends in a number, as only IPv4 addresses do: four numbers from 0 to 255, \
            without leading zeros");
    }
    let port = port.map(|port| Some(port.trim_start_matches('0')).filter(|port| !port.is_empty()).unwrap_or("0"));
    // A name such as `oci-layout`, which no text leads to, is in lower case and stays.
    let one_word = !host.contains(['.', ':']) && host != "localhost";
    let normal = match port {
        Some(HTTPS) if !one_word && !is_this_machine(&host) => host,
        None if one_word && host != text => [&host, ":", HTTPS].concat(),
        Some(port) => [&host, ":", port].concat(),
        None => host,
    };
    // A name of one word has got a port.
    if normal.len() > MAX_REGISTRY { Err(TOO_LONG) } else { Ok(normal) }
}

fn address_in_brackets(text: &str) -> Result<String, &'static str> {
    let address = ipv6::normal(text).ok_or(NO_IPV6)?;
    if ipv6::is_ipv4(&address) {
        return Err("what stands in brackets is an IPv4 address; write it without, such as 127.0.0.1");
    }
    Ok(["[", &address, "]"].concat())
}

/// Returns whether resolvers may read a name as an IPv4 address, as the URL standard does: its last part is a number,
/// decimal or hexadecimal.
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_ipv4(host: &str) -> bool {
    let number = |part: &str| (part == "0" || !part.starts_with('0')) && part.parse::<u8>().is_ok();
    host.split('.').count() == 4 && host.split('.').all(number)
}

/// Returns whether a host is a name of this machine, for which many clients use HTTP by default.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || (host.starts_with("127.") && is_ipv4(host))
}
