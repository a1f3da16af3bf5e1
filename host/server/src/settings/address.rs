//! Where a listener listens.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The address of a listener.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(SocketAddr),
}

impl Address {
    /// Reads `unix:///PATH`, `tcp://HOST:PORT` or `HOST:PORT`. HOST is an address or `localhost`: a name could have
    /// another address tomorrow.
    ///
    /// # Errors
    /// What is wrong with the text, to follow the name of its key.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.strip_prefix('/') {
                Some("") | None => Err("has to name the socket by its whole path; write unix:///run/refkit.sock"),
                Some(_) => Ok(Self::Unix(path.into())),
            };
        }
        let text = text.strip_prefix("tcp://").unwrap_or(text);
        let malformed = "is no address; write unix:///PATH, tcp://HOST:PORT or HOST:PORT";
        let (host, port) = text.rsplit_once(':').ok_or(malformed)?;
        let port = port.parse().map_err(|_| malformed)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let host: IpAddr = match host {
            "" => return Err("has no host; write 127.0.0.1:PORT, or 0.0.0.0:PORT for every address of this machine"),
            "localhost" => Ipv4Addr::LOCALHOST.into(),
            host => host.parse().map_err(|_| "has a host that is no address; write an address, or localhost")?,
        };
        Ok(Self::Tcp(SocketAddr::new(host, port)))
    }

    /// Returns whether only this machine reaches the address.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let rows = [
            ("unix:///run/refkit.sock", Some(("unix:///run/refkit.sock", true))),
            ("unix:/run/refkit.sock", Some(("unix:///run/refkit.sock", true))),
            ("tcp://127.0.0.1:5001", Some(("tcp://127.0.0.1:5001", true))),
            ("127.9.9.9:5001", Some(("tcp://127.9.9.9:5001", true))),
            ("localhost:5001", Some(("tcp://127.0.0.1:5001", true))),
            ("[::1]:5001", Some(("tcp://[::1]:5001", true))),
            ("[::ffff:127.0.0.1]:1", Some(("tcp://[::ffff:127.0.0.1]:1", true))),
            ("0.0.0.0:5001", Some(("tcp://0.0.0.0:5001", false))),
            ("[::]:5001", Some(("tcp://[::]:5001", false))),
            ("tcp://10.0.0.1:0", Some(("tcp://10.0.0.1:0", false))),
            ("unix://", None),
            ("unix:///", None),
            ("unix://run/refkit.sock", None),
            (":5001", None),
            ("5001", None),
            ("example.com:5001", None),
            ("127.0.0.1:65536", None),
            ("http://127.0.0.1:5001", None),
        ];
        for (text, wanted) in rows {
            let read = Address::parse(text).ok().map(|address| (address.to_string(), address.is_local()));
            assert_eq!(read, wanted.map(|(text, local)| (text.to_owned(), local)), "{text}");
        }
    }
}
