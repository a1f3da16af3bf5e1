//! The errors between a request and verified bytes.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use refkit_oci::document::DocumentError;
use refkit_oci::{Digest, ErrorCode, Repository};

/// The operation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Resolving a reference.
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

/// A failure: the operation, its subject, the host that failed, and the kind of failure. Cheap to clone, because a run
/// returns the same error for the same request.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", Whole(.operation, .subject, .host, .kind))]
pub struct Error {
    /// The operation that failed.
    pub operation: Operation,
    /// The reference, repository, digest or path of the operation.
    pub subject: String,
    /// The host or store that failed, if one was involved.
    pub host: Option<String>,
    /// The kind of failure.
    #[source]
    pub kind: ErrorKind,
}

struct Whole<'a>(&'a Operation, &'a String, &'a Option<String>, &'a ErrorKind);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(operation, subject, host, kind) = self;
        match kind {
            // It says all of this itself.
            ErrorKind::Recorded { message, .. } => f.write_str(message),
            kind => write!(f, "cannot {operation} {subject}{}: {kind}", Side(host)),
        }
    }
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

    /// Returns the same failure with the host that failed.
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
    /// The destination of a push has no such repository, with its own message.
    #[error("not found: {0}")]
    NoRepository(String),
    /// 401: no credentials, or wrong ones. The text says which were tried and what to do.
    #[error("unauthorized: {0}")]
    Unauthorized(String),
    /// 401 without a challenge that the client can answer, so that no credentials were sent. The text says which schemes
    /// the registry asks for.
    #[error("unauthorized: {0}")]
    Challenge(String),
    /// 403, with the registry's own message.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// 429, with the registry's own message and the wait that it asks for.
    #[error("the registry limits requests{}{}", Said(.said), Wait(.retry_after))]
    RateLimited {
        /// The registry's message; may be empty.
        said: String,
        /// `Retry-After`, if the response had one.
        retry_after: Option<Duration>,
    },
    /// The server cannot answer now: 408 or 5xx, with its own message.
    #[error("unavailable: {said}{}", Wait(.retry_after))]
    Overloaded {
        /// The status and the server's message.
        said: String,
        /// `Retry-After`, if the response had one.
        retry_after: Option<Duration>,
    },
    /// There is no connection, or it broke before the response.
    #[error("unavailable: {0}")]
    Unreachable(String),
    /// There is no connection to a host on the way: to a proxy, to the target of a redirect, or to a token server. The text
    /// names it.
    #[error("unavailable: {said}")]
    Detour {
        /// Which host, and why there is no connection.
        said: String,
        /// Whether the host is a proxy.
        proxy: bool,
    },
    /// The host's certificate is not trusted. A repetition would show the same one.
    #[error("{said}")]
    Certificate {
        /// Why it is not trusted, which decides the remedy.
        reason: Distrust,
        /// The reason in words, with the host.
        said: String,
    },
    /// The host speaks TLS and the client did not, or the other way round.
    #[error("{}", Protocol(.tls))]
    Protocol {
        /// Whether the host speaks TLS.
        tls: bool,
    },
    /// The content broke, or is unavailable for another reason.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The cache does not have the content, and no source may be asked. The text says why, and what to do.
    #[error("it is not in the cache, and {0}")]
    NotCached(&'static str),
    /// No response within this time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The bytes do not have the expected digest.
    #[error("the content has the digest {actual}, not {expected}")]
    WrongDigest {
        /// The expected digest.
        expected: Digest,
        /// The digest of the bytes.
        actual: String,
    },
    /// The bytes are fewer or more than the descriptor says.
    #[error("the content has {} {actual} bytes, not {expected}", Bound(.actual > .expected))]
    WrongSize {
        /// The size in the descriptor.
        expected: u64,
        /// The bytes that had arrived when reading stopped.
        actual: u64,
    },
    /// The content is larger than the limit.
    #[error("the content is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// A list of referrers names a manifest that is not there.
    #[error("not found, and it is listed as a referrer of {subject}")]
    LostReferrer {
        /// The subject.
        subject: Digest,
    },
    /// A list has more entries than the limit.
    #[error("the list has more than {limit} entries")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The content or a response is malformed.
    #[error("{0}")]
    Malformed(String),
    /// The destination refuses a manifest, because it lacks content that the manifest refers to.
    #[error("{said}")]
    Lacks {
        /// The status and the destination's message.
        said: String,
        /// The digests that the message names; may be empty.
        digests: Box<[Digest]>,
        /// Whether the copy has left out layers of it that may not be distributed.
        withheld: bool,
    },
    /// A host sends the client to an address inside this network, and the host's settings do not allow it.
    #[error("{said}")]
    InsideNetwork {
        /// The address.
        address: IpAddr,
        /// Which host sends the client to which name or URL.
        said: String,
    },
    /// The peer or the host does not support the operation.
    #[error("{0}")]
    Unsupported(String),
    /// The settings of a registry name no host that may do this.
    #[error("no host of {registry} is allowed to do this")]
    NoHost {
        /// The registry.
        registry: String,
    },
    /// The run has no grant for the operation.
    #[error("{0}")]
    NotGranted(String),
    /// The run has no grant for the repository.
    #[error("this run was not granted {0}")]
    Ungranted(Repository),
    /// The run has no grant to write.
    #[error("{0}")]
    UngrantedWrite(Box<UngrantedWrite>),
    /// The run has used up a limit.
    #[error("{0}")]
    BudgetExhausted(String),
    /// The run holds as much memory as its host allows.
    #[error("the host holds as much for this run as it may: {limit} bytes")]
    Held {
        /// The limit in bytes.
        limit: u64,
    },
    /// A file could not be read or written.
    #[error("{0}")]
    Io(Arc<std::io::Error>),
    /// The failure of an earlier run, which is replayed.
    #[error("{message}")]
    Recorded {
        /// Its kind.
        code: ErrorCode,
        /// The whole text of the error.
        message: String,
    },
    /// A recording that is replayed has no answer, or lacks the content.
    #[error("the recording has no answer to it")]
    NotRecorded,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What a run may not write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UngrantedWrite {
    /// The repository.
    pub repository: Repository,
    /// The tag that the run may not move; none where it may push no content into the repository.
    pub tag: Option<String>,
}

impl fmt::Display for UngrantedWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository, tag } = self;
        match tag {
            Some(tag) => write!(f, "this run may not move the tag {tag} of {repository}"),
            None => write!(f, "this run may not write to {repository}"),
        }
    }
}

/// Why a certificate is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distrust {
    /// No trusted authority signed it, and it is no trusted certificate itself.
    Issuer,
    /// It has expired, or is not yet valid.
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
            true => "the request was without TLS, and it seems to require TLS",
            false => "the request was with TLS, and it seems not to support TLS",
        })
    }
}

/// Whether the number is only a lower bound: reading stops at the first byte beyond the limit.
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
    /// Returns whether the same request may succeed later without a change at either side.
    pub fn may_pass(&self) -> bool {
        let stands = matches!(
            self,
            Self::Certificate { .. }
                | Self::Protocol { .. }
                | Self::NotCached(_)
                | Self::NotRecorded
                | Self::Recorded { .. }
        );
        !stands && matches!(self.code(), ErrorCode::Unavailable | ErrorCode::Timeout | ErrorCode::RateLimited)
    }

    /// Returns the kind of failure.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound | Self::NoRepository(_) | Self::LostReferrer { .. } => ErrorCode::NotFound,
            Self::Unauthorized(_) | Self::Challenge(_) | Self::Forbidden(_) => ErrorCode::Unauthorized,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Unavailable(_)
            | Self::Unreachable(_)
            | Self::Detour { .. }
            | Self::Overloaded { .. }
            | Self::Certificate { .. }
            | Self::Protocol { .. }
            | Self::NotCached(_)
            | Self::NotRecorded => ErrorCode::Unavailable,
            Self::Recorded { code, .. } => *code,
            Self::Timeout(_) => ErrorCode::Timeout,
            Self::WrongDigest { .. }
            | Self::WrongSize { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. }
            | Self::Malformed(_)
            | Self::Lacks { .. }
            | Self::InsideNetwork { .. } => ErrorCode::Invalid,
            Self::Unsupported(_) | Self::NoHost { .. } => ErrorCode::Unsupported,
            Self::NotGranted(_) | Self::Ungranted(_) | Self::UngrantedWrite(_) => ErrorCode::NotGranted,
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

impl From<DocumentError> for ErrorKind {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::TooLarge { limit, .. } => Self::TooLarge { limit: limit as u64 },
            error if error.is_unsupported() => Self::Unsupported(error.to_string()),
            error => Self::Malformed(error.to_string()),
        }
    }
}

impl From<std::io::Error> for ErrorKind {
    fn from(error: std::io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
