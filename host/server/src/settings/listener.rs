//! A listener: where it listens, and who may connect.

use std::path::PathBuf;

use refkit_config::{ConfigError, Entry, Position};

use super::problems::Problems;
use super::{Address, Value};

/// The keys of a listener that is a table.
const KEYS: [&str; 5] = ["address", "tls", "insecure", "mode", "group"];

/// The words that open a listener to everyone.
pub(super) const INSECURE: &str = "anyone may connect";

/// The mode of a unix socket: for its owner alone.
const MODE: u32 = 0o600;

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listener {
    /// Where it listens.
    pub address: Value<Address>,
    /// The certificates, if it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// The key that lets everyone connect, without TLS and without credentials.
    pub insecure: Option<Position>,
    /// The mode of the unix socket.
    pub mode: Value<u32>,
    /// The group that owns the unix socket: a number, or a name in `/etc/group`.
    pub group: Option<Value<String>>,
}

/// The files of a listener's TLS (PEM).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The server's certificate, and those that lead to its root.
    pub cert: Value<PathBuf>,
    /// The key of the certificate.
    pub key: Value<PathBuf>,
    /// The roots of the clients' certificates.
    pub clients: Option<Value<PathBuf>>,
}

/// Reads a listener: an address, or a table with its keys.
pub(super) fn read(entry: &Entry<'_>, problems: &mut Problems) -> Option<Listener> {
    let mut found = (None, None, None, None, None);
    if entry.is_text() {
        found.0 = problems.take(address(entry));
    } else if entry.is_table() {
        problems.keys(entry, &KEYS, |problems, key| {
            match key.key() {
                "address" => found.0 = Some(address(key)?),
                "tls" => found.1 = tls(key, problems),
                "insecure" => found.2 = Some(insecure(key)?),
                "mode" => found.3 = Some(mode(key)?),
                _ => found.4 = Some(Value::at(key, key.text()?.to_owned())),
            }
            Ok(())
        });
        if found.0.is_none() {
            problems.add(entry.error("needs address: unix:///PATH, or HOST:PORT"));
        }
    } else {
        problems.add(entry.error("has to be an address, or a table with address"));
    }
    let address = found.0?;
    let of_sockets = [
        ("mode", found.3.as_ref().map(|mode| &mode.position)),
        ("group", found.4.as_ref().map(|group| &group.position)),
    ];
    for (key, position) in of_sockets {
        if let (Address::Tcp(_), Some(Some(position))) = (&address.value, position) {
            problems.add(position.error(format!("is for unix sockets; leave {key} out")));
        }
    }
    if let (Address::Unix(_), Some(tls)) = (&address.value, &found.1) {
        problems.add(
            tls.cert.position.as_ref().unwrap_or(&entry.position()).error("is for TCP; a unix socket needs no TLS"),
        );
    }
    let mode = found.3.unwrap_or_else(|| Value::default(MODE));
    Some(Listener { address, tls: found.1, insecure: found.2, mode, group: found.4 })
}

fn address(entry: &Entry<'_>) -> Result<Value<Address>, ConfigError> {
    Address::parse(entry.text()?).map(|address| Value::at(entry, address)).map_err(|reason| entry.error(reason))
}

fn tls(entry: &Entry<'_>, problems: &mut Problems) -> Option<TlsFiles> {
    let (mut cert, mut private, mut clients) = (None, None, None);
    problems.keys(entry, &["cert", "key", "clients"], |_, key| {
        let path = Value::at(key, key.path(key.text()?));
        match key.key() {
            "cert" => cert = Some(path),
            "key" => private = Some(path),
            _ => clients = Some(path),
        }
        Ok(())
    });
    if cert.is_none() || private.is_none() {
        problems.add(entry.error("needs cert and key, the files of the certificate and its key"));
    }
    Some(TlsFiles { cert: cert?, key: private?, clients })
}

fn insecure(entry: &Entry<'_>) -> Result<Position, ConfigError> {
    match entry.text() {
        Ok(INSECURE) => Ok(entry.position()),
        _ => Err(entry.error(format!("has to be the words \"{INSECURE}\", or to be left out"))),
    }
}

fn mode(entry: &Entry<'_>) -> Result<Value<u32>, ConfigError> {
    let mode = u32::from_str_radix(entry.text()?, 8).ok().filter(|mode| mode & !0o777 == 0 && mode & 0o600 == 0o600);
    mode.map(|mode| Value::at(entry, mode)).ok_or_else(|| entry.error("is no mode of a socket; write it as \"0660\""))
}

impl Listener {
    /// Checks that a listener which other machines reach knows its clients. `credentials` says whether the server knows
    /// tokens or passwords.
    pub(super) fn check(&self, credentials: bool, problems: &mut Problems) {
        if self.address.is_local() || self.insecure.is_some() {
            return;
        }
        let Some(position) = &self.address.position else { return };
        let certificates = self.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
        let open = format!("or insecure = \"{INSECURE}\"");
        if !certificates && !credentials {
            problems.add(position.error(format!(
                "is reached from other machines, and no client has to say who it is: write tls.clients, server.tokens or \
                 server.htpasswd, {open}"
            )));
        } else if self.tls.is_none() {
            problems.add(position.error(format!(
                "is reached from other machines without TLS, so that the network sees tokens and passwords: write tls, {open}"
            )));
        }
    }

    /// Returns whether clients that do not say who they are may use it.
    pub fn admits_anonymous(&self) -> bool {
        self.address.is_local() || self.insecure.is_some()
    }
}
