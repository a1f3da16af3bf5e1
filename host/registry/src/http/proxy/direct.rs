//! Decides which hosts the client asks without a proxy, by the rules that Go programs have for `NO_PROXY`
//! (golang.org/x/net, `http/httpproxy`), so that a value of the variable means the same to all clients.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use crate::http::address::is_loopback;

/// The hosts that the client asks directly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Direct {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// `*`: every host.
    All,
    /// `10.0.0.0/8`: the addresses of a network, at every port.
    Network(IpNet),
    /// `10.0.0.7`, `10.0.0.7:5000`, `[::1]:5000`.
    Address(IpAddr, Option<u16>),
    /// `corp.test`, `.corp.test`, `*.corp.test`, each with a port or without.
    Domain {
        /// The domain with a dot before it.
        below: String,
        /// Whether the entry includes the domain itself.
        itself: bool,
        port: Option<u16>,
    },
}

impl Direct {
    /// Parses a list with commas between its entries. It skips malformed entries, as Go does.
    pub(super) fn parse(list: &str) -> Self {
        Self { rules: list.split(',').filter_map(|entry| Rule::parse(&entry.trim().to_lowercase())).collect() }
    }

    /// Returns whether the client asks a URL without a proxy, as it always does for hosts on this machine.
    pub(super) fn is_direct(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else { return false };
        let matches = |rule: &Rule| match host {
            Host::Domain(name) => rule.fits_name(name.strip_suffix('.').unwrap_or(name), port),
            Host::Ipv4(address) => rule.fits_address(address.into(), port),
            Host::Ipv6(address) => rule.fits_address(address.to_canonical(), port),
        };
        is_loopback(url) || self.rules.iter().any(matches)
    }
}

impl Rule {
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self::All);
        }
        if let Ok(network) = entry.parse() {
            return Some(Self::Network(network));
        }
        let (host, port) = match entry.rsplit_once(':') {
            // A text with more colons and without brackets is an IPv6 address.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (entry, None),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = match port {
            // `host:` is `host`.
            None | Some("") => None,
            // An invalid port matches no URL.
            Some(port) => Some(port.parse().ok()?),
        };
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical(), port));
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let (domain, itself) = host.strip_prefix('.').map_or((host, true), |domain| (domain, false));
        if domain.is_empty() {
            return None;
        }
        // A URL has its host in ASCII.
        let domain = match Host::parse(domain) {
            Ok(Host::Domain(ascii)) => ascii,
            _ => domain.to_owned(),
        };
        Some(Self::Domain { below: format!(".{domain}"), itself, port })
    }

    fn fits_address(&self, address: IpAddr, asked: u16) -> bool {
        match self {
            Self::All => true,
            Self::Network(network) => network.contains(&address),
            Self::Address(meant, port) => *meant == address && port.is_none_or(|port| port == asked),
            Self::Domain { .. } => false,
        }
    }

    fn fits_name(&self, name: &str, asked: u16) -> bool {
        match self {
            Self::All => true,
            Self::Network(_) | Self::Address(..) => false,
            Self::Domain { below, itself, port } => {
                let fits = name.ends_with(below) || (*itself && below[1..] == *name);
                fits && port.is_none_or(|port| port == asked)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of Go's own test (`UseProxyTests` of `proxy_test.go`), and more about ports. One differs: a name below
    /// `localhost` is this machine, too.
    #[test]
    fn which_are_asked_directly() {
        let go = "foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, \
            2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64";
        let rows = [
            (go, "http://localhost", true),
            (go, "http://127.0.0.1", true),
            (go, "http://127.0.0.2", true),
            (go, "http://[::1]", true),
            (go, "http://[::2]", false),
            (go, "http://192.168.1.1", true),
            (go, "http://192.168.1.2:80", false),
            (go, "http://192.168.1.2:81", true),
            (go, "http://192.168.1.3:80", true),
            (go, "http://192.168.1.3", true),
            (go, "https://192.168.1.3", false),
            (go, "http://192.168.1.4", false),
            (go, "http://10.0.0.0", true),
            (go, "http://10.0.0.2:5000", true),
            (go, "http://10.0.0.4", false),
            (go, "http://[2001:db8::52:0:1]", true),
            (go, "http://[2001:db8::52:0:2]", false),
            (go, "https://[2001:db8::52:0:2]", true),
            (go, "http://[2001:db8::52:0:3]", true),
            (go, "https://[2001:db8::52:0:3]", false),
            (go, "http://[2002:db8:a::123]", true),
            (go, "http://[fe80::424b:c8be:1643:a1b6]", false),
            (go, "http://barbaz.net", false),
            (go, "http://www.barbaz.net", true),
            (go, "http://foobar.com", true),
            (go, "http://www.foobar.com", true),
            (go, "http://foofoobar.com", false),
            (go, "http://baz.com", false),
            (go, "http://localhost.net", false),
            (go, "http://local.localhost", true),
            (go, "http://barbarbaz.net", false),
            (go, "http://wildcard.io", false),
            (go, "http://nested.wildcard.io", true),
            (go, "http://awildcard.io", false),
            ("*", "https://anything.test:5000", true),
            ("a.test, *", "http://10.0.0.1", true),
            ("*.corp.test", "https://reg.corp.test:5000", true),
            ("*.corp.test", "https://corp.test:5000", false),
            ("*.corp.test:5000", "https://reg.corp.test:5000", true),
            ("*.corp.test:5000", "https://reg.corp.test", false),
            (".corp.test:5000", "https://reg.corp.test:5000", true),
            ("reg.corp.test:5000", "https://reg.corp.test:5000", true),
            ("reg.corp.test:5000", "https://a.reg.corp.test:5000", true),
            ("reg.corp.test:5000", "https://reg.corp.test:5001", false),
            ("reg.corp.test:5000", "https://reg.corp.test", false),
            ("reg.corp.test:443", "https://reg.corp.test", true),
            ("REG.Corp.Test", "https://reg.corp.test", true),
            ("reg.corp.test", "https://reg.corp.test./", true),
            ("10.0.0.7:5000", "http://10.0.0.7:5000", true),
            ("10.0.0.7:5000", "http://10.0.0.7:5001", false),
            ("10.0.0.7", "http://[::ffff:10.0.0.7]:5000", true),
            ("::ffff:10.0.0.7", "http://10.0.0.7", true),
            ("[::2]", "http://[::2]", true),
            ("10.0.0.7/33", "http://10.0.0.7", false),
            ("0.0.0.0/0", "http://reg.corp.test", false),
            ("münchen.test", "https://xn--mnchen-3ya.test", true),
            ("corp.test:", "https://reg.corp.test:5000", true),
            ("corp.test:99999", "https://corp.test", false),
            ("corp.test:http", "http://corp.test", false),
            (":80", "http://corp.test", false),
            (",, ,.,*.", "http://corp.test", false),
            ("", "http://corp.test", false),
            ("", "http://localhost:5000", true),
        ];
        for (list, url, wanted) in rows {
            let direct = Direct::parse(list).is_direct(&Url::parse(url).expect(url));
            assert_eq!(direct, wanted, "{list:?} for {url}");
        }
    }
}
