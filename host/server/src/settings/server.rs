//! The table `[server]`.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use refkit_config::{ConfigError, Entry};

use super::problems::Problems;
use super::{Address, Credentials, Listener, Value, credentials, listener};

const KEYS: [&str; 10] = [
    "mirror",
    "grpc",
    "metrics",
    "default",
    "tokens",
    "htpasswd",
    "connections",
    "header_timeout",
    "idle_timeout",
    "drain_timeout",
];

/// What becomes of a reference that no rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultRule {
    /// The default policy resolves it.
    Allow,
    /// It is denied.
    Deny,
}

impl fmt::Display for DefaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}

/// Where the server listens, and who may connect.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Server {
    /// The listener of the registry mirror.
    pub mirror: Option<Listener>,
    /// The listeners of gRPC.
    pub grpc: Vec<Listener>,
    /// The listener of metrics and health.
    pub metrics: Option<Listener>,
    /// What becomes of a reference that no rule matches.
    pub default: Value<DefaultRule>,
    /// How clients say who they are.
    pub credentials: Credentials,
    /// The most connections of one listener.
    pub connections: Value<u32>,
    /// How long a client may take for the handshake of TLS, and for the head of a request.
    pub header_timeout: Value<Duration>,
    /// How long a connection may be open without a request.
    pub idle_timeout: Value<Duration>,
    /// How long requests may go on after the server was told to end.
    pub drain_timeout: Value<Duration>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            mirror: None,
            grpc: Vec::new(),
            metrics: None,
            default: Value::default(DefaultRule::Allow),
            credentials: Credentials::default(),
            // 10,000 idle builders, with room.
            connections: Value::default(16_384),
            header_timeout: Value::default(Duration::from_secs(10)),
            idle_timeout: Value::default(Duration::from_secs(300)),
            // Kubernetes kills after 30 s.
            drain_timeout: Value::default(Duration::from_secs(25)),
        }
    }
}

pub(super) fn read(table: Option<Entry<'_>>, problems: &mut Problems) -> Server {
    let mut server = Server::default();
    let Some(table) = table else { return server };
    problems.keys(&table, &KEYS, |problems, key| {
        match key.key() {
            "mirror" => server.mirror = listener::read(key, problems),
            "metrics" => server.metrics = listener::read(key, problems),
            "grpc" => {
                let list = if key.is_list() { key.list()? } else { vec![key.clone()] };
                server.grpc = list.iter().filter_map(|one| listener::read(one, problems)).collect();
            }
            "default" => server.default = Value::at(key, default(key)?),
            "tokens" => credentials::tokens(key, &mut server.credentials, problems)?,
            "htpasswd" => server.credentials.htpasswd = Some(Value::at(key, key.path(key.text()?))),
            "connections" => server.connections = Value::at(key, key.count()?),
            "header_timeout" => server.header_timeout = Value::at(key, timeout(key)?),
            "idle_timeout" => server.idle_timeout = Value::at(key, timeout(key)?),
            _ => server.drain_timeout = Value::at(key, key.duration()?),
        }
        Ok(())
    });
    if server.mirror.is_none() && server.grpc.is_empty() && problems.are_none() {
        problems.add(table.error("has neither grpc nor mirror, so nobody can ask it anything"));
    }
    check(&server, problems);
    server
}

fn default(key: &Entry<'_>) -> Result<DefaultRule, ConfigError> {
    match key.text()? {
        "allow" => Ok(DefaultRule::Allow),
        "deny" => Ok(DefaultRule::Deny),
        _ => Err(key.error("has to be allow or deny")),
    }
}

/// Zero would end every connection at once.
fn timeout(key: &Entry<'_>) -> Result<Duration, ConfigError> {
    let timeout = key.duration()?;
    if timeout.is_zero() { Err(key.error("has to be longer than nothing")) } else { Ok(timeout) }
}

fn check(server: &Server, problems: &mut Problems) {
    let mut seen: HashMap<&Address, usize> = HashMap::new();
    for listener in server.listeners() {
        listener.check(server.credentials.are_there(), problems);
        let Some(position) = &listener.address.position else { continue };
        let port_of_choice = matches!(&listener.address.value, Address::Tcp(address) if address.port() == 0);
        if let Some(line) = seen.insert(&listener.address.value, position.line()).filter(|_| !port_of_choice) {
            problems.add(position.error(format!("is an address that line {line} has already")));
        }
    }
}

impl Server {
    /// Returns all listeners.
    pub fn listeners(&self) -> impl Iterator<Item = &Listener> {
        self.mirror.iter().chain(&self.grpc).chain(&self.metrics)
    }
}
