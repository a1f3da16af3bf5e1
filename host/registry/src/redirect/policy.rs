//! The redirect policy: to which other URLs a host may send the client, by a redirect or as the realm of a token.

use refkit_content::ErrorKind;
use url::Url;

use crate::endpoint::{Endpoint, host_of, shown};
use crate::hosts::Network;
use crate::http::address::{Reach, is_loopback, reach, written};

/// Checks a URL that an endpoint, or a host that it redirected to, names; see [`may_lead`].
///
/// # Errors
/// [`ErrorKind::InsideNetwork`], or [`ErrorKind::Malformed`] with another reason of the refusal.
pub(crate) fn check(endpoint: &Endpoint, url: &Url) -> Result<(), ErrorKind> {
    may_lead(&endpoint.host.api, url, &endpoint.host.allow_private)
}

/// Checks a URL that the host of a base URL names. A host with TLS must not lead to one without. A host in the
/// internet must not make this machine send requests to itself or to its network (CVE-2026-48978), unless its settings
/// allow that address. A host on loopback may lead to any port and address of loopback: a token server beside a local
/// registry is usual, and a registry on this machine reaches the machine's other services without the client.
/// This function judges the text of the URL; [`names`](crate::http::names) judges the addresses of
/// a name at its lookup.
///
/// # Errors
/// [`ErrorKind::InsideNetwork`], or [`ErrorKind::Malformed`] with another reason of the refusal.
pub(crate) fn may_lead(base: &Url, url: &Url, allowed: &[Network]) -> Result<(), ErrorKind> {
    let refuse =
        |reason: &str| Err(ErrorKind::Malformed(format!("{} leads to {}, {reason}", host_of(base), shown(url))));
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
            let said = format!("{} leads to {}, which is an address inside this network", host_of(base), shown(url));
            Err(ErrorKind::InsideNetwork { address, said })
        }
        _ if url.host().is_none() => refuse("which names no host"),
        _ => Ok(()),
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
            let found = may_lead(&Url::parse(&base).expect(registry), &Url::parse(place).expect(place), &[]);
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
            // The scheme rule applies to allowed addresses as well.
            ("http://10.0.0.8/bucket", false),
            ("https://user@10.0.0.8/bucket", false),
        ] {
            let base = Url::parse("https://10.0.0.7/v2/").expect("a URL");
            let found = may_lead(&base, &Url::parse(place).expect(place), &allowed);
            assert_eq!(found.is_ok(), wanted, "{place}: {found:?}");
        }
    }
}
