//! What a server on loopback does wrong, and when.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use crate::pattern::Pattern;

/// What becomes of one answer. Built from what replaces the server's own answer ([`Fault::status`],
/// [`Fault::redirect`], …) or from [`Fault::normal`], and then changed step by step.
///
/// ```
/// # use refkit_support::Fault;
/// let limited = Fault::status(429).header("retry-after", "1");
/// let lying = Fault::normal().header("docker-content-digest", "sha256:00");
/// let broken = Fault::normal().cut_after(10);
/// # let _ = (limited, lying, broken);
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    pub(crate) base: Base,
    pub(crate) delay: Duration,
    pub(crate) status: Option<StatusCode>,
    pub(crate) set: HeaderMap,
    pub(crate) removed: Vec<HeaderName>,
    pub(crate) whole: bool,
    pub(crate) body: Option<Bytes>,
    pub(crate) claim: Option<u64>,
    pub(crate) end: End,
    pub(crate) kept: Option<u64>,
}

/// What a fault starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// The server's own answer, access checks included.
    Normal,
    /// An answer that the fault brings along.
    Own,
    /// None, ever.
    Stall,
    /// None: the connection is closed.
    HangUp,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// After its last byte.
    Whole,
    /// The connection is closed after so many bytes.
    Cut(u64),
    /// Nothing more comes after so many bytes, and the connection stays open.
    Stall(u64),
    /// Never: the body is repeated until the peer goes away.
    Endless,
    /// After its last byte, which comes late: each byte comes so long after the one before.
    Slow(Duration),
}

impl Fault {
    fn new(base: Base) -> Self {
        Self {
            base,
            delay: Duration::ZERO,
            status: None,
            set: HeaderMap::new(),
            removed: Vec::new(),
            whole: false,
            body: None,
            claim: None,
            end: End::Whole,
            kept: None,
        }
    }

    /// Returns the server's own answer, to be changed.
    pub fn normal() -> Self {
        Self::new(Base::Normal)
    }

    /// Returns an answer with the given status and an empty body, whatever was asked and by whom.
    ///
    /// # Panics
    /// Where the status is not between 100 and 999.
    pub fn status(status: u16) -> Self {
        Self::new(Base::Own).with_status(status)
    }

    /// Returns a redirect (301, 302, 303, 307, 308 or whatever is given) to any location.
    ///
    /// # Panics
    /// Where the status or the location cannot be sent.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).header("location", location)
    }

    /// Returns a 401 with one or several `WWW-Authenticate` headers, each as it is given.
    ///
    /// # Panics
    /// Where a challenge cannot be sent.
    pub fn challenge<'a>(challenges: impl IntoIterator<Item = &'a str>) -> Self {
        challenges.into_iter().fold(Self::status(401), |fault, value| fault.header("www-authenticate", value))
    }

    /// Returns no answer: the request waits until the peer or the server goes away.
    pub fn stall() -> Self {
        Self::new(Base::Stall)
    }

    /// Returns no answer: the connection is closed at once.
    pub fn hang_up() -> Self {
        Self::new(Base::HangUp)
    }

    /// Adds the first bytes of the request's body to the upload that it is for, as a registry does whose connection
    /// breaks then. For an answer of the fault's own, the rest of the body is read and dropped.
    #[must_use]
    pub fn keep(mut self, bytes: u64) -> Self {
        self.kept = Some(bytes);
        self
    }

    /// Waits before anything is answered.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets the status.
    ///
    /// # Panics
    /// Where the status is not between 100 and 999.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(StatusCode::from_u16(status).expect("a status is between 100 and 999"));
        self
    }

    /// Sets a header in place of the server's own of that name; set twice, both are sent.
    ///
    /// # Panics
    /// Where name or value cannot be sent.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name is a token");
        self.set.append(name, HeaderValue::from_str(value).expect("a header's value is visible ASCII"));
        self
    }

    /// Leaves a header out.
    ///
    /// # Panics
    /// Where the name is none.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.removed.push(HeaderName::from_bytes(name.as_bytes()).expect("a header's name is a token"));
        self
    }

    /// Answers as if no `Range` had been asked for: with 200 and everything. What lies about a range is made of
    /// [`Fault::header`] and [`Fault::body`].
    #[must_use]
    pub fn ignore_range(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Replaces the body, and with it `Content-Length`; the other headers stay.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends this number as `Content-Length`, whatever the body has. A longer body ends there, a shorter one ends in
    /// a closed connection.
    #[must_use]
    pub fn claim_length(mut self, length: u64) -> Self {
        self.claim = Some(length);
        self
    }

    /// Closes the connection after at most so many bytes of the body; `Content-Length` stays that of the whole.
    #[must_use]
    pub fn cut_after(mut self, bytes: u64) -> Self {
        self.end = End::Cut(bytes);
        self
    }

    /// Sends nothing more after so many bytes of the body, and keeps the connection open.
    #[must_use]
    pub fn stall_after(mut self, bytes: u64) -> Self {
        self.end = End::Stall(bytes);
        self
    }

    /// Sends each byte of the body so long after the one before.
    #[must_use]
    pub fn slow(mut self, pause: Duration) -> Self {
        self.end = End::Slow(pause);
        self
    }

    /// Repeats the body (zeros, where it is empty) until the peer goes away, without a `Content-Length` unless one is
    /// claimed. [`Request::bytes_sent`](crate::Request::bytes_sent) tells how far that went.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.end = End::Endless;
        self
    }
}

/// Returns the time so many seconds from now as HTTP writes it, for a `Retry-After` that is a date.
pub fn date_in(seconds: u64) -> String {
    httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds))
}

type Predicate = Box<dyn Fn(&http::request::Parts) -> bool + Send>;

enum Matcher {
    Pattern(Pattern),
    Predicate(Predicate),
}

/// A fault and the requests that it is for.
pub struct Rule {
    matcher: Matcher,
    fault: Fault,
    remaining: Option<u32>,
    admitted_only: bool,
}

impl Rule {
    /// Returns a rule for the requests of a pattern: `METHOD PATH`, in which `*` stands for any characters (`/` among
    /// them), as in `GET */manifests/*` or `* /v2/*`. A pattern with a `?` is held against path and query.
    pub fn on(pattern: &str, fault: Fault) -> Self {
        Self::new(Matcher::Pattern(Pattern::new(pattern)), fault)
    }

    /// Returns a rule for the requests that a predicate picks.
    pub fn when(predicate: impl Fn(&http::request::Parts) -> bool + Send + 'static, fault: Fault) -> Self {
        Self::new(Matcher::Predicate(Box::new(predicate)), fault)
    }

    fn new(matcher: Matcher, fault: Fault) -> Self {
        Self { matcher, fault, remaining: None, admitted_only: false }
    }

    /// Limits the rule to the first requests that it matches.
    #[must_use]
    pub fn first(mut self, times: u32) -> Self {
        self.remaining = Some(times);
        self
    }

    /// Limits the rule to requests that pass the server's access check, so that a challenge comes before it.
    #[must_use]
    pub fn admitted(mut self) -> Self {
        self.admitted_only = true;
        self
    }

    /// Returns the fault if the rule is for this request, and uses the rule up by one.
    pub(crate) fn take(&mut self, parts: &http::request::Parts, admitted: bool) -> Option<Fault> {
        if self.remaining == Some(0) || (self.admitted_only && !admitted) {
            return None;
        }
        let matches = match &self.matcher {
            Matcher::Pattern(pattern) => {
                pattern.matches(parts.method.as_str(), parts.uri.path_and_query().map_or("/", |target| target.as_str()))
            }
            Matcher::Predicate(predicate) => predicate(parts),
        };
        if !matches {
            return None;
        }
        if let Some(remaining) = &mut self.remaining {
            *remaining -= 1;
        }
        Some(self.fault.clone())
    }
}
