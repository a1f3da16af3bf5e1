//! Hints: what the user of the command can do about an error. The libraries do not know the flags of the command, so
//! the command adds the hints here.

use refkit::{ErrorCode, RunError};
use refkit_content::{Distrust, ErrorKind, Operation};
use refkit_oci::Reference;
use refkit_report::{ungranted, ungranted_write};

use crate::error::CommandError;

/// Where the content of a command is. The hints ask about the subject of an error of a source, if there is one.
pub trait Whereabouts {
    /// Returns the registry; a layout has none.
    fn registry(&self, subject: Option<&str>) -> Option<String>;

    /// Returns a line with the names in the layout.
    fn names(&self, subject: Option<&str>) -> Option<String>;

    /// Returns what the user can do about an error in a registry, going by what the user wrote.
    fn advice(&self, subject: Option<&str>, code: ErrorCode) -> Option<String>;
}

/// Returns the hint for an error of a run.
pub fn of_run(error: &refkit::Error, places: &impl Whereabouts) -> Option<String> {
    if let Some(repository) = ungranted(error) {
        return Some(format!("grant it with --grant {repository}"));
    }
    if let Some(pattern) = ungranted_write(error) {
        return Some(format!("grant it with --grant-write {pattern}"));
    }
    if let Some(hint) = content(error).and_then(of_content) {
        return Some(hint);
    }
    if let Some(limit) = limit(error) {
        return Some(format!("if you trust the policies, raise it with --limit {limit}"));
    }
    let subject = content(error).map(|error| error.subject.as_str());
    if let Some(advice) = places.registry(subject).and_then(|_| places.advice(subject, error.code())) {
        return Some(advice);
    }
    match (error.code(), places.registry(subject).as_deref()) {
        (ErrorCode::Unauthorized, Some(registry)) => log_in(error, registry),
        // A tag that is there names what is not.
        (ErrorCode::NotFound, None) if content(error).is_some_and(|error| error.operation == Operation::Fetch) => {
            Some("if the layout has only some of the images, choose them with --platform".to_owned())
        }
        (ErrorCode::NotFound, None) => places.names(subject),
        (ErrorCode::Unavailable, Some(registry)) => unreachable(error, registry),
        _ => None,
    }
}

/// Returns the host that a run could not reach, or that gave no answer: other requests would wait for it in vain.
pub fn lost_host(error: &refkit::Error) -> Option<&str> {
    let cause = content(error)?;
    let is_lost = matches!(
        cause.kind,
        ErrorKind::Unreachable(_)
            | ErrorKind::Timeout(_)
            | ErrorKind::Detour { .. }
            | ErrorKind::Certificate { .. }
            | ErrorKind::Protocol { .. }
    );
    cause.host.as_deref().filter(|_| is_lost)
}

/// Returns the limit that a run has used up, as the option writes it.
fn limit(error: &refkit::Error) -> Option<&'static str> {
    match error {
        refkit::Error::Timeout { .. } => Some("time=TIME"),
        refkit::Error::Held { .. } => Some("held=SIZE"),
        refkit::Error::Policy { error: RunError::Cpu { .. }, .. } => Some("cpu=TIME"),
        refkit::Error::Policy { error: RunError::Memory { .. }, .. } => Some("memory=SIZE"),
        error if error.code() != ErrorCode::BudgetExhausted => None,
        error => Some(match content(error).map(|error| &error.kind) {
            Some(ErrorKind::Held { .. }) => "held=SIZE",
            _ => "NAME=VALUE; --explain shows what was used",
        }),
    }
}

/// Returns the error of a source that made a run fail.
fn content(error: &refkit::Error) -> Option<&refkit_content::Error> {
    match error {
        refkit::Error::Failed { cause, .. } => cause.as_ref(),
        refkit::Error::Content(cause) => Some(cause),
        _ => None,
    }
}

/// Returns the hint for an error whose kind says what is wrong.
fn of_content(error: &refkit_content::Error) -> Option<String> {
    match &error.kind {
        ErrorKind::NotCached(_) => Some("leave out --offline and --pull never".to_owned()),
        ErrorKind::NoHost { registry } => {
            let repository = error.subject.parse().map(|name: Reference| name.repository().to_string());
            Some(format!("see: refkit hosts {}", repository.as_ref().unwrap_or(registry)))
        }
        ErrorKind::InsideNetwork { address, .. } => {
            let allow = "for this registry in refkit.toml";
            Some(format!("if that is right, write allow_private = [\"{address}\"] {allow}"))
        }
        ErrorKind::Lacks { withheld: true, .. } => {
            Some("to copy these layers as well: --include-nondistributable".to_owned())
        }
        _ => None,
    }
}

/// Returns an error of a source as one of the command, with its hint.
pub fn failed(error: &refkit::Error, places: &impl Whereabouts) -> CommandError {
    let failed = CommandError::failed(error.code(), error);
    match of_run(error, places) {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

/// Returns the hint for a registry that refuses the credentials, or wants some; none if it would get no others.
pub fn log_in(error: &refkit::Error, registry: &str) -> Option<String> {
    let sends_none = content(error).is_some_and(|error| matches!(error.kind, ErrorKind::Challenge(_)));
    (!sends_none).then(|| format!("try: docker login {registry}"))
}

/// Returns the hint for a registry that the client could not reach.
pub fn unreachable(error: &refkit::Error, registry: &str) -> Option<String> {
    let cause = content(error)?;
    // The host may be a mirror. The host of Docker Hub has the name of the registry.
    let host = cause.host.as_deref().filter(|host| *host != "registry-1.docker.io").unwrap_or(registry);
    let table = format!("[registry.\"{host}\"] in refkit.toml");
    Some(match &cause.kind {
        ErrorKind::Certificate { reason: Distrust::Issuer, .. } => {
            format!("if it is the right one, trust it, or what has signed it: ca = \"FILE\" below {table}")
        }
        ErrorKind::Certificate { reason: Distrust::Time, .. } => {
            "the server needs a new certificate, or the clock of this machine is wrong".to_owned()
        }
        ErrorKind::Certificate { reason: Distrust::Name, .. } => {
            format!("use a name that the certificate is for, or give the server one for {host}")
        }
        ErrorKind::Certificate { .. } => "the server needs another certificate".to_owned(),
        ErrorKind::Detour { proxy: true, .. } => "HTTP_PROXY, HTTPS_PROXY and NO_PROXY name the proxies".to_owned(),
        ErrorKind::Protocol { tls: true } => format!("write http = false below {table}, and leave out --plain-http"),
        ErrorKind::Protocol { tls: false } => format!("add --plain-http, or write http = true below {table}"),
        // The client uses plain HTTP for a name of this machine, unless a file says otherwise.
        ErrorKind::Unreachable(_) if is_this_machine(host) => {
            format!("is {registry} the right registry? one with TLS needs http = false below {table}")
        }
        ErrorKind::Unreachable(_) | ErrorKind::Unavailable(_) | ErrorKind::Timeout(_) => {
            format!("is {registry} the right registry? one without TLS needs --plain-http")
        }
        _ => return None,
    })
}

fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(host, |(name, _)| name);
    let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use refkit_content::Error;

    use super::*;

    #[test]
    fn what_settings_can_repair() {
        let inside = || ErrorKind::InsideNetwork { address: "10.0.0.8".parse().unwrap(), said: String::new() };
        let no_host = || ErrorKind::NoHost { registry: "r.test".to_owned() };
        let rows = [
            (no_host(), "r.test/a:1", Some("see: refkit hosts r.test/a")),
            (no_host(), "what is no name", Some("see: refkit hosts r.test")),
            (
                inside(),
                "r.test/a:1",
                Some("if that is right, write allow_private = [\"10.0.0.8\"] for this registry in refkit.toml"),
            ),
            (ErrorKind::NotCached("offline"), "r.test/a:1", Some("leave out --offline and --pull never")),
            (ErrorKind::Malformed("no".to_owned()), "r.test/a:1", None),
            (ErrorKind::Unsupported("no".to_owned()), "r.test/a:1", None),
        ];
        for (kind, subject, wanted) in rows {
            assert_eq!(of_content(&Error::new(Operation::Push, subject, kind)).as_deref(), wanted, "{subject}");
        }
    }
}
