//! The errors between a request and verified bytes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use refkit_oci::{Digest, ErrorCode};

/// The operation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Finding out what a reference names.
    Resolve,
    /// Reading the manifest or index that a reference names.
    Pull,
    /// Reading content by digest.
    Fetch,
    /// Listing tags.
    Tags,
    /// Listing referrers.
    Referrers,
    /// Writing content.
    Push,
    /// Opening a store.
    Open,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve",
            Self::Pull => "pull",
            Self::Fetch => "fetch",
            Self::Tags => "list the tags of",
            Self::Referrers => "list the referrers of",
            Self::Push => "push",
            Self::Open => "open",
        })
    }
}

/// A failure: the operation, its subject, the host that failed, and the kind of failure. Cheap to clone, because an error is
/// an answer that repeats within a run.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {operation} {subject}{}: {kind}", Side(.host))]
pub struct Error {
    /// What was being done.
    pub operation: Operation,
    /// The reference, repository, digest or path that it was about.
    pub subject: String,
    /// The host or store that failed, where one was asked.
    pub host: Option<String>,
    /// What went wrong.
    #[source]
    pub kind: ErrorKind,
}

struct Side<'a>(&'a Option<String>);

impl fmt::Display for Side<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(host) => write!(f, " at {host}"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// Returns the failure of an operation on a subject.
    pub fn new(operation: Operation, subject: impl fmt::Display, kind: ErrorKind) -> Self {
        Self { operation, subject: subject.to_string(), host: None, kind }
    }

    /// Returns the same failure with the host that was asked.
    #[must_use]
    pub fn at(mut self, host: impl fmt::Display) -> Self {
        self.host = Some(host.to_string());
        self
    }

    /// Returns the kind of failure.
    pub fn code(&self) -> ErrorCode {
        self.kind.code()
    }
}

/// The kind of a failure. Messages are lower case and name numbers with their unit.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The registry or the store has no such repository, tag or content.
    #[error("not found")]
    NotFound,
    /// 401: no credentials, or wrong ones. The text says what was tried and what to do.
    #[error("unauthorized: {0}")]
    Unauthorized(String),
    /// 403, with the registry's own message.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// 429, with the registry's own message and the time that it asked to wait.
    #[error("the registry limits requests{}{}", Said(.said), Wait(.retry_after))]
    RateLimited {
        /// What the registry says; empty where it says nothing.
        said: String,
        /// `Retry-After`, where there was one.
        retry_after: Option<Duration>,
    },
    /// A server that cannot answer now: 408 or 5xx, with its own message.
    #[error("unavailable: {said}")]
    Overloaded {
        /// The status, and what the server says.
        said: String,
        /// `Retry-After`, where there was one.
        retry_after: Option<Duration>,
    },
    /// There is no connection, or it broke before the response.
    #[error("unavailable: {0}")]
    Unreachable(String),
    /// The host shows a certificate that is not trusted. It shows the same one when it is asked again.
    #[error("{said}")]
    Certificate {
        /// What is wrong with it, for what to do about it.
        reason: Distrust,
        /// What is wrong with it, and whose it is.
        said: String,
    },
    /// The host speaks TLS and was asked without, or the other way round.
    #[error("{}", Protocol(.tls))]
    Protocol {
        /// Whether the host speaks TLS.
        tls: bool,
    },
    /// It broke, or cannot be had, in another way.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The cache does not have it, and no source may be asked. The text says why, and what to do.
    #[error("it is not in the cache, and {0}")]
    NotCached(&'static str),
    /// No response in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The bytes are not those that the digest names.
    #[error("the content has the digest {actual}, not {expected}")]
    WrongDigest {
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of what came.
        actual: String,
    },
    /// The bytes are fewer or more than the descriptor says.
    #[error("the content has {} {actual} bytes, not {expected}", Bound(.actual > .expected))]
    WrongSize {
        /// Bytes that the descriptor says.
        expected: u64,
        /// Bytes that came before reading stopped.
        actual: u64,
    },
    /// The content is larger than may be read.
    #[error("the content is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// A list has more entries than may be held.
    #[error("the list has more than {limit} entries")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The content or a response is malformed.
    #[error("{0}")]
    Malformed(String),
    /// The peer or the host does not do this.
    #[error("{0}")]
    Unsupported(String),
    /// The run may not do this.
    #[error("{0}")]
    NotGranted(String),
    /// A limit of the run is used up.
    #[error("{0}")]
    BudgetExhausted(String),
    /// The run's host may hold no more memory for it.
    #[error("the host holds as much for this run as it may: {limit} bytes")]
    Held {
        /// The limit in bytes.
        limit: u64,
    },
    /// A file could not be read or written.
    #[error("{0}")]
    Io(Arc<std::io::Error>),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Why a certificate is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distrust {
    /// No trusted authority signed it, and it is no trusted certificate itself.
    Issuer,
    /// It has ended, or has not begun.
    Time,
    /// It is for other names.
    Name,
    /// Anything else.
    Other,
}

struct Said<'a>(&'a String);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

struct Protocol<'a>(&'a bool);

impl fmt::Display for Protocol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            true => "it was asked without TLS, and seems to speak TLS",
            false => "it was asked with TLS, and seems to speak none",
        })
    }
}

/// Reading stops at the first byte too many, so what is too long has at least so many bytes.
struct Bound(bool);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "at least" } else { "only" })
    }
}

struct Wait<'a>(&'a Option<Duration>);

impl fmt::Display for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(wait) => write!(f, "; it asks to wait {} s", wait.as_secs()),
            None => Ok(()),
        }
    }
}

impl ErrorKind {
    /// Returns whether the same request may succeed later, with nothing changed at either side.
    pub fn may_pass(&self) -> bool {
        let stands = matches!(self, Self::Certificate { .. } | Self::Protocol { .. } | Self::NotCached(_));
        !stands && matches!(self.code(), ErrorCode::Unavailable | ErrorCode::Timeout | ErrorCode::RateLimited)
    }

    /// Returns the kind of failure.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound => ErrorCode::NotFound,
            Self::Unauthorized(_) | Self::Forbidden(_) => ErrorCode::Unauthorized,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Unavailable(_)
            | Self::Unreachable(_)
            | Self::Overloaded { .. }
            | Self::Certificate { .. }
            | Self::Protocol { .. }
            | Self::NotCached(_) => ErrorCode::Unavailable,
            Self::Timeout(_) => ErrorCode::Timeout,
            Self::WrongDigest { .. }
            | Self::WrongSize { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. }
            | Self::Malformed(_) => ErrorCode::Invalid,
            Self::Unsupported(_) => ErrorCode::Unsupported,
            Self::NotGranted(_) => ErrorCode::NotGranted,
            Self::BudgetExhausted(_) | Self::Held { .. } => ErrorCode::BudgetExhausted,
            Self::Io(e) => match e.kind() {
                std::io::ErrorKind::NotFound => ErrorCode::NotFound,
                std::io::ErrorKind::PermissionDenied => ErrorCode::Unauthorized,
                std::io::ErrorKind::TimedOut => ErrorCode::Timeout,
                _ => ErrorCode::Unavailable,
            },
            Self::Other(_) => ErrorCode::Other,
        }
    }
}

impl From<std::io::Error> for ErrorKind {
    fn from(error: std::io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
