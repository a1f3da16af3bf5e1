//! Who asks: a client that has shown who it is, and patterns of clients.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A client of the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Client {
    /// A client that has not said who it is.
    Anonymous,
    /// The owner of a certificate that a trusted root has signed. The names are its subject alternative names (DNS
    /// and URI), its common name, and `sha256:` with the hash of the certificate.
    Certificate(Arc<[String]>),
    /// The owner of a token, by the token's name.
    Token(Arc<str>),
    /// A user with a password.
    User(Arc<str>),
    /// A process of this machine, by its user: the other end of a unix socket.
    Uid(u32),
}

/// Writes `token:ci`, `certificate:builder.example.com`, `user:anna`, `uid:0` or `anonymous`.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Certificate(names) => write!(f, "certificate:{}", names.first().map_or("", String::as_str)),
            Self::Token(name) => write!(f, "token:{name}"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Uid(uid) => write!(f, "uid:{uid}"),
        }
    }
}

/// A pattern of clients: `token:ci-*`, `certificate:*.builders.example.com`, `user:anna`, `uid:0`, `anonymous`. `*` stands
/// for any characters. The kind is always there, so that no client becomes another one by choosing its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPattern {
    kind: Kind,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Anonymous,
    Certificate,
    Token,
    User,
    Uid,
}

impl FromStr for ClientPattern {
    type Err = &'static str;

    /// Returns what is wrong with the text, to follow the name of its key.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "anonymous" {
            return Ok(Self { kind: Kind::Anonymous, name: String::new() });
        }
        let malformed =
            "has no pattern of clients; write token:NAME, certificate:NAME, user:NAME, uid:NUMBER or anonymous";
        let (kind, name) = text.split_once(':').ok_or(malformed)?;
        let kind = match kind {
            "certificate" => Kind::Certificate,
            "token" => Kind::Token,
            "user" => Kind::User,
            "uid" if name == "*" || name.parse::<u32>().is_ok() => Kind::Uid,
            _ => return Err(malformed),
        };
        if name.is_empty() { Err(malformed) } else { Ok(Self { kind, name: name.to_owned() }) }
    }
}

impl fmt::Display for ClientPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Anonymous => return f.write_str("anonymous"),
            Kind::Certificate => "certificate",
            Kind::Token => "token",
            Kind::User => "user",
            Kind::Uid => "uid",
        };
        write!(f, "{kind}:{}", self.name)
    }
}

impl ClientPattern {
    /// Returns whether the pattern matches a client.
    pub fn matches(&self, client: &Client) -> bool {
        match (self.kind, client) {
            (Kind::Anonymous, Client::Anonymous) => true,
            (Kind::Certificate, Client::Certificate(names)) => names.iter().any(|name| glob(&self.name, name)),
            (Kind::Token, Client::Token(name)) | (Kind::User, Client::User(name)) => glob(&self.name, name),
            (Kind::Uid, Client::Uid(uid)) => glob(&self.name, &uid.to_string()),
            _ => false,
        }
    }
}

/// Returns whether a text is a name that an operator may give a client: it is safe in logs and patterns.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'/');
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

/// Returns whether a pattern with `*` fits a text as a whole.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_their_own_kind_alone() {
        let certificate = Client::Certificate(["a.builders.example".to_owned(), "sha256:00".to_owned()].into());
        let (token, user) = (Client::Token("ci-1".into()), Client::User("ci-1".into()));
        let rows = [
            ("token:ci-1", &token, true),
            ("token:ci-*", &token, true),
            ("token:*", &token, true),
            ("token:ci", &token, false),
            ("user:ci-1", &token, false),
            ("user:*-1", &user, true),
            ("user:c*i*1", &user, true),
            ("user:c*i*2", &user, false),
            ("user:ci-1*1", &user, false),
            ("certificate:*.builders.example", &certificate, true),
            ("certificate:sha256:00", &certificate, true),
            ("certificate:b.builders.example", &certificate, false),
            ("uid:0", &Client::Uid(0), true),
            ("uid:0", &Client::Uid(10), false),
            ("uid:*", &Client::Uid(10), true),
            ("anonymous", &Client::Anonymous, true),
            ("anonymous", &token, false),
            ("token:*", &Client::Anonymous, false),
            ("uid:*", &Client::Anonymous, false),
        ];
        for (pattern, client, wanted) in rows {
            let pattern: ClientPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(client), wanted, "{pattern} {client}");
        }
    }

    #[test]
    fn a_pattern_has_a_kind_and_a_name() {
        for text in ["", "*", "ci", "token:", "tokens:ci", "uid:root", "uid:", "uid:-1", "anonymous:"] {
            assert!(text.parse::<ClientPattern>().is_err(), "{text}");
        }
        for text in ["token:ci", "uid:0", "anonymous", "certificate:sha256:00"] {
            assert_eq!(text.parse::<ClientPattern>().unwrap().to_string(), text);
        }
    }
}
