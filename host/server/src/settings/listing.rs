//! The effective settings, a line each.

use std::fmt;
use std::time::Duration;

use refkit_config::Position;

use super::{Cache, Listener, Policy, Rule, Server, Settings, Value};

/// One effective setting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// The name, such as `server.default` or `rule[1].match`.
    pub name: String,
    /// The value for people. Hashes of tokens are left out.
    pub value: String,
    /// The key that sets it; none if the value is the default.
    pub position: Option<Position>,
}

/// The lines so far.
#[derive(Default)]
struct Lines {
    list: Vec<Line>,
}

impl Lines {
    fn add(&mut self, name: impl Into<String>, value: impl fmt::Display, position: Option<&Position>) {
        self.list.push(Line { name: name.into(), value: value.to_string(), position: position.cloned() });
    }

    fn value<T: fmt::Display>(&mut self, name: impl Into<String>, value: &Value<T>) {
        self.add(name, &value.value, value.position.as_ref());
    }

    fn list<T: fmt::Display>(&mut self, name: impl Into<String>, value: &Value<Vec<T>>) {
        let shown = value.value.iter().map(T::to_string).collect::<Vec<_>>().join(", ");
        let shown = if shown.is_empty() { "none".to_owned() } else { shown };
        self.add(name, shown, value.position.as_ref());
    }

    fn duration(&mut self, name: &str, value: &Value<Duration>) {
        self.add(name, Seconds(value.value), value.position.as_ref());
    }
}

/// Writes `1.5s`.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0.as_secs_f64())
    }
}

/// Writes `20GiB`: in the largest unit of which it is a multiple.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units.iter().find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}B", self.0),
        }
    }
}

pub(super) fn lines(settings: &Settings) -> Vec<Line> {
    let mut lines = Lines::default();
    server(&settings.server, &mut lines);
    for (place, one) in settings.rules.iter().enumerate() {
        rule(place + 1, one, &mut lines);
    }
    for (name, one) in &settings.policies {
        policy(name, one, &mut lines);
    }
    cache(&settings.cache, &mut lines);
    lines.list
}

fn server(server: &Server, lines: &mut Lines) {
    if let Some(mirror) = &server.mirror {
        listener("server.mirror", mirror, lines);
    }
    for (place, one) in server.grpc.iter().enumerate() {
        let name =
            if server.grpc.len() == 1 { "server.grpc".to_owned() } else { format!("server.grpc[{}]", place + 1) };
        listener(&name, one, lines);
    }
    if let Some(metrics) = &server.metrics {
        listener("server.metrics", metrics, lines);
    }
    lines.value("server.default", &server.default);
    for token in &server.credentials.tokens {
        lines.add("server.tokens", format_args!("{} (hash not shown)", token.value.0), token.position.as_ref());
    }
    for file in &server.credentials.token_files {
        lines.add("server.tokens", file.display(), file.position.as_ref());
    }
    if let Some(file) = &server.credentials.htpasswd {
        lines.add("server.htpasswd", file.display(), file.position.as_ref());
    }
    lines.value("server.connections", &server.connections);
    lines.duration("server.header_timeout", &server.header_timeout);
    lines.duration("server.idle_timeout", &server.idle_timeout);
    lines.duration("server.drain_timeout", &server.drain_timeout);
}

fn listener(name: &str, listener: &Listener, lines: &mut Lines) {
    lines.value(name, &listener.address);
    if let Some(tls) = &listener.tls {
        let files = [("cert", Some(&tls.cert)), ("key", Some(&tls.key)), ("clients", tls.clients.as_ref())];
        for (key, file) in files {
            if let Some(file) = file {
                lines.add(format!("{name}.tls.{key}"), file.display(), file.position.as_ref());
            }
        }
    }
    if let Some(position) = &listener.insecure {
        lines.add(format!("{name}.insecure"), super::listener::INSECURE, Some(position));
    }
    if let super::Address::Unix(_) = &listener.address.value {
        lines.add(format!("{name}.mode"), format_args!("{:04o}", listener.mode.value), listener.mode.position.as_ref());
        if let Some(group) = &listener.group {
            lines.value(format!("{name}.group"), group);
        }
    }
}

fn rule(number: usize, rule: &Rule, lines: &mut Lines) {
    let name = |key: &str| format!("rule[{number}].{key}");
    lines.value(name("name"), &rule.name);
    lines.list(name("match"), &rule.matches);
    match &rule.clients {
        Some(clients) => lines.list(name("clients"), clients),
        None => lines.add(name("clients"), "all", None),
    }
    lines.list(name("policies"), &rule.policies);
    lines.value(name("dry_run"), &rule.dry_run);
    lines.list(name("push"), &rule.push);
}

fn policy(policy_name: &str, policy: &Policy, lines: &mut Lines) {
    let name = |key: &str| format!("policy.{policy_name}.{key}");
    let key = match policy.source.value {
        super::Source::File(_) => "file",
        super::Source::Artifact(_) => "artifact",
    };
    lines.value(name(key), &policy.source);
    for (setting, value) in &policy.set {
        lines.value(name(&format!("set.{setting}")), value);
    }
    lines.list(name("grants"), &policy.grants);
}

fn cache(cache: &Cache, lines: &mut Lines) {
    match &cache.path {
        Some(path) => lines.add("cache.path", path.display(), path.position.as_ref()),
        None => lines.add("cache.path", "the user's", None),
    }
    lines.add("cache.limit", Size(cache.limit.value), cache.limit.position.as_ref());
    lines.value("cache.stale_if_error", &cache.stale_if_error);
}
