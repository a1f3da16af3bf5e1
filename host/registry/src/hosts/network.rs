//! Addresses inside a network, as a setting names them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// An address, or a network of them: `10.0.0.8`, `10.0.1.0/24`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Returns whether the network contains an address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => text.parse().map_err(|_| "is neither an address nor a network; write 10.0.0.8 or 10.0.1.0/24")?,
        };
        Ok(Self(network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_it() {
        for (text, address, wanted) in [
            ("10.0.0.8", "10.0.0.8", true),
            ("10.0.0.8", "::ffff:10.0.0.8", true),
            ("::ffff:10.0.0.8", "10.0.0.8", true),
            ("10.0.0.8", "10.0.0.9", false),
            ("10.0.1.7/24", "10.0.1.200", true),
            ("10.0.1.0/24", "10.0.2.1", false),
            ("fd00::/8", "fd12::1", true),
            ("0.0.0.0/0", "::1", false),
        ] {
            let network: Network = text.parse().expect(text);
            assert_eq!(network.contains(address.parse().expect(address)), wanted, "{text} and {address}");
        }
        for text in ["", "minio", "10.0.0.8:9000", "10.0.0.0/33", "10.0.0/24", "*"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert_eq!("10.0.0.8/32".parse::<Network>().expect("a network").to_string(), "10.0.0.8");
        assert_eq!("10.0.1.0/24".parse::<Network>().expect("a network").to_string(), "10.0.1.0/24");
    }
}
