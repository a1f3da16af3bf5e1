//! Hints: what the user of the command can do about an error. The libraries do not know the flags of the command, so
//! the command adds the hints here.

use refkit::ErrorCode;
use refkit_content::{Distrust, ErrorKind};
use refkit_oci::Reference;

use crate::error::CommandError;
use crate::image_source::ImageSource;

/// Returns the hint for an error of a run.
pub fn of_run(error: &refkit::Error, source: &ImageSource) -> Option<String> {
    let cause = match error {
        refkit::Error::Failed { cause: Some(cause), .. } | refkit::Error::Content(cause) => Some(cause),
        _ => None,
    };
    match (error.code(), source.registry()) {
        _ if cause.is_some_and(|cause| matches!(cause.kind, ErrorKind::NotCached(_))) => {
            Some("leave out --offline and --pull never".to_owned())
        }
        (ErrorCode::NotGranted, _) => Some(grant(&cause?.subject)),
        (ErrorCode::Unauthorized, Some(registry)) => Some(log_in(registry)),
        (ErrorCode::NotFound, Some(_)) => source.path_of_that_name().map(|path| format!("for the file, write {path}")),
        (ErrorCode::NotFound, None) => source.names(),
        (ErrorCode::Unavailable, Some(registry)) => unreachable(error, registry),
        _ => None,
    }
}

/// Returns the hint for a repository that the run may not read; `subject` is a reference or a repository.
fn grant(subject: &str) -> String {
    match subject.parse::<Reference>() {
        Ok(reference) => format!("grant it with --grant {}", reference.repository()),
        Err(_) => "grant it with --grant PATTERN".to_owned(),
    }
}

/// Returns an error of a source as one of the command, with its hint.
pub fn failed(error: &refkit::Error, source: &ImageSource) -> CommandError {
    let failed = CommandError::failed(error.code(), error);
    match of_run(error, source) {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

/// Returns the hint for a registry that refuses the credentials.
pub fn log_in(registry: &str) -> String {
    format!("try: docker login {registry}")
}

/// Returns the hint for a registry that the client could not reach.
pub fn unreachable(error: &refkit::Error, registry: &str) -> Option<String> {
    let cause = match error {
        refkit::Error::Failed { cause, .. } => cause.as_ref()?,
        refkit::Error::Content(cause) => cause,
        _ => return None,
    };
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
