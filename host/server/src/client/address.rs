//! The address of a server.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// `unix:///run/refkit.sock`: a socket of this machine.
    Unix(PathBuf),
    /// `tcp://HOST:PORT`, without TLS.
    Plain(String),
    /// `https://HOST[:PORT]`, with TLS.
    Tls(String),
}

/// The error for a text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of a server: it is written unix:///PATH, tcp://HOST:PORT or https://HOST[:PORT]")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let error = || AddressError(text.chars().take(160).collect());
        let (scheme, rest) = text.split_once("://").ok_or_else(error)?;
        if scheme == "unix" {
            return Some(PathBuf::from(rest)).filter(|path| path.is_absolute()).map(Self::Unix).ok_or_else(error);
        }
        let authority: http::uri::Authority = rest.strip_suffix('/').unwrap_or(rest).parse().map_err(|_| error())?;
        let named = !authority.host().is_empty() && !rest.contains('@');
        match scheme {
            "tcp" | "http" if named && authority.port_u16().is_some() => Ok(Self::Plain(authority.to_string())),
            "https" if named => Ok(Self::Tls(match authority.port() {
                Some(_) => authority.to_string(),
                None => format!("{authority}:443"),
            })),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Plain(authority) => write!(f, "tcp://{authority}"),
            Self::Tls(authority) => write!(f, "https://{authority}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        // a text, and how the address is written
        let rows = [
            ("unix:///run/refkit.sock", Some("unix:///run/refkit.sock")),
            ("tcp://127.0.0.1:5002", Some("tcp://127.0.0.1:5002")),
            ("http://[::1]:5002/", Some("tcp://[::1]:5002")),
            ("https://refkit.example", Some("https://refkit.example:443")),
            ("https://refkit.example:8443", Some("https://refkit.example:8443")),
            ("unix://run/refkit.sock", None),
            ("unix:/run/refkit.sock", None),
            ("tcp://refkit.example", None),
            ("tcp://user@refkit.example:1", None),
            ("https://", None),
            ("https://a/b", None),
            ("ftp://a:1", None),
            ("/run/refkit.sock", None),
            ("", None),
        ];
        for (text, wanted) in rows {
            let found = text.parse::<Address>().map(|address| address.to_string());
            assert_eq!(found.as_deref().ok(), wanted, "{text:?}");
        }
    }
}
