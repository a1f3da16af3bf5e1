//! When a cached source uses its caches.

use crate::{Error, ErrorCode, ErrorKind};

/// When the cache asks the source for content that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pull {
    /// The cache serves content by digest. For a tag, it asks the source each time which digest the tag names (one
    /// HEAD), and requests the content only if it does not have it.
    #[default]
    Default,
    /// As the default, but the cache also asks the source for a reference by digest, and serves content of a
    /// repository only once the registry has responded for that repository in this run.
    Always,
    /// The cache serves everything, and never asks the source.
    Never,
}

/// How [`Cached`](super::Cached) uses its caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct CacheOptions {
    /// When the cache asks the source.
    pub pull: Pull,
    /// Whether there is no network: no request goes to the source, whatever [`pull`](Self::pull) says. A value that may have
    /// changed since has the origin [`Origin::Seen`](crate::Origin::Seen).
    pub offline: bool,
    /// Whether the cache returns a remembered value, as [`Origin::Seen`](crate::Origin::Seen), if the source is
    /// unreachable, too slow, or limits requests. The cache passes on any other error of the source, such as a
    /// refusal.
    pub stale_if_error: bool,
    /// Whether a cache on disk keeps layers and other large content as well.
    pub blobs: bool,
}

impl CacheOptions {
    /// Sets when the cache asks the source.
    #[must_use]
    pub fn pull(mut self, pull: Pull) -> Self {
        self.pull = pull;
        self
    }

    /// Sets whether there is no network.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Sets whether the cache returns a remembered value if the source fails.
    #[must_use]
    pub fn stale_if_error(mut self, stale_if_error: bool) -> Self {
        self.stale_if_error = stale_if_error;
        self
    }

    /// Sets whether a cache on disk keeps large content as well.
    #[must_use]
    pub fn blobs(mut self, blobs: bool) -> Self {
        self.blobs = blobs;
        self
    }

    /// Returns whether the cache must not ask the source.
    pub(super) fn is_closed(self) -> bool {
        self.offline || self.pull == Pull::Never
    }

    /// Returns the error for content that the cache does not have.
    pub(super) fn miss(self) -> ErrorKind {
        ErrorKind::NotCached(if self.offline { "no request is sent offline" } else { "the options forbid a request" })
    }

    /// Returns whether the cache may return a remembered value after this error.
    pub(super) fn bears(self, error: &Error) -> bool {
        self.stale_if_error
            && matches!(error.code(), ErrorCode::Unavailable | ErrorCode::Timeout | ErrorCode::RateLimited)
    }
}
