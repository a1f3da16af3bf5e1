//! How the command ends where it does not resolve: what, where, and what to do next, in at most three lines.

use std::fmt;

use refkit::{Denial, ErrorCode};
use refkit_content::{Distrust, ErrorKind};

use refkit_report::Escaped;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for is there.
    Resolved = 0,
    /// Something could not be had.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A policy refused.
    Denied = 3,
}

/// Why the command ends without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    code: ErrorCode,
    what: String,
    hint: Option<String>,
}

impl Failure {
    /// Returns a failure of what was asked.
    pub fn failed(code: ErrorCode, what: impl fmt::Display) -> Self {
        Self { exit: Exit::Failed, code, what: what.to_string(), hint: None }
    }

    /// Returns a command line that makes no sense.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, code: ErrorCode::Invalid, what: what.to_string(), hint: None }
    }

    /// Adds what to do next, or what there is to choose from.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Returns how the process ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the kind of failure.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns what went wrong, without what to do next.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", Escaped(&self.what))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {}", Escaped(hint)),
            None => Ok(()),
        }
    }
}

/// What went wrong with a session of a reference, and what to do next.
pub fn session(error: &refkit::Error, target: &crate::target::Target) -> Failure {
    let failure = Failure::failed(error.code(), error);
    match hint(error, target) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn hint(error: &refkit::Error, target: &crate::target::Target) -> Option<String> {
    let registry = target.registry();
    let cause = match error {
        refkit::Error::Failed { cause: Some(cause), .. } => Some(&cause.kind),
        _ => None,
    };
    match (error.code(), registry) {
        _ if matches!(cause, Some(ErrorKind::NotCached(_))) => Some("leave out --offline and --pull never".to_owned()),
        (ErrorCode::Unauthorized, Some(registry)) => Some(format!("try: docker login {registry}")),
        (ErrorCode::NotFound, Some(_)) => target.path_of_that_name().map(|path| format!("for the file, write {path}")),
        (ErrorCode::NotFound, None) => target.names(),
        (ErrorCode::Unavailable, Some(registry)) => unreachable(error, registry),
        _ => None,
    }
}

/// Returns what to do about a registry that could not be asked.
pub fn unreachable(error: &refkit::Error, registry: &str) -> Option<String> {
    let cause = match error {
        refkit::Error::Failed { cause, .. } => cause.as_ref()?,
        refkit::Error::Content(cause) => cause,
        _ => return None,
    };
    // It may be a mirror's; that of Docker Hub goes by the name of the registry.
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
        // It was asked without TLS, unless a file says otherwise.
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

/// Returns the line for a refusal.
pub fn denied(subject: &str, denial: &Denial) -> String {
    let (rule, message) = (Escaped(&denial.rule), Escaped(&denial.message));
    format!("denied: {} by policy {} (rule {rule}): {message}", Escaped(subject), Escaped(denial.policy()))
}
