//! What a server on loopback was asked, in order.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use parking_lot::Mutex;

use crate::pattern::Pattern;

/// A request that a [`FaultRegistry`](crate::FaultRegistry) or [`TokenServer`](crate::TokenServer) received.
///
/// Its `Display` is `METHOD TARGET STATUS`, as in `GET /v2/app/manifests/latest 200`; the status of a request that
/// was not answered (yet) is `-`.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path and the query, exactly as they came.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The status that was answered, if any was.
    pub status: Option<u16>,
    /// Bytes of the answer's body that were handed to the connection. What the peer never read is among them where
    /// it fitted into the socket's buffers (the server's own are 64 KiB).
    pub bytes_sent: u64,
}

impl Request {
    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the query without its `?`, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// Returns the first value of a header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the value of `Authorization`, if it was sent.
    pub fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} {} {status}", self.method, self.target),
            None => write!(f, "{} {} -", self.method, self.target),
        }
    }
}

/// The requests of one server. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Entry>>>);

/// A request under way: what becomes known of it later is filled in here.
#[derive(Clone)]
pub(crate) struct Entry {
    request: Arc<Request>,
    status: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
}

impl Entry {
    /// Notes the status of the answer.
    pub(crate) fn answered(&self, status: http::StatusCode) {
        self.status.store(status.as_u16().into(), Ordering::SeqCst);
    }

    /// Returns the counter of body bytes sent.
    pub(crate) fn sent(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }
}

impl Log {
    /// Notes a request that has just come.
    pub(crate) fn note(&self, parts: &http::request::Parts) -> Entry {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let entry = Entry {
            request: Arc::new(Request {
                method: parts.method.to_string(),
                target: target.to_owned(),
                headers: parts.headers.clone(),
                status: None,
                bytes_sent: 0,
            }),
            status: Arc::default(),
            sent: Arc::default(),
        };
        self.entries().push(entry.clone());
        entry
    }

    /// Returns the requests so far, in the order in which they came.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let entries = self.entries().clone();
        entries
            .iter()
            .map(|entry| Request {
                status: u16::try_from(entry.status.load(Ordering::SeqCst)).ok().filter(|status| *status != 0),
                bytes_sent: entry.sent.load(Ordering::SeqCst),
                ..(*entry.request).clone()
            })
            .collect()
    }

    /// Returns how many requests match a pattern.
    pub(crate) fn count(&self, pattern: &str) -> usize {
        let pattern = Pattern::new(pattern);
        self.entries().iter().filter(|entry| pattern.matches(&entry.request.method, &entry.request.target)).count()
    }

    /// Forgets all requests so far.
    pub(crate) fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> parking_lot::MutexGuard<'_, Vec<Entry>> {
        self.0.lock()
    }
}
