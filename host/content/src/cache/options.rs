//! When a cached source uses its caches.

use crate::{Error, ErrorCode, ErrorKind};

/// When the source is asked for content that a cache has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pull {
    /// Content by digest comes from the cache. What a tag names is asked for every time (one HEAD), and is read only
    /// if the cache does not have it.
    #[default]
    Default,
    /// As the default, but a reference by digest is asked for as well, and content of a repository is taken from the
    /// cache only once the registry has answered for that repository.
    Always,
    /// Everything comes from the cache.
    Never,
}

/// How [`Cached`](super::Cached) uses its caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CacheOptions {
    /// When the source is asked.
    pub pull: Pull,
    /// Whether there is no network: no request goes to the source, whatever [`pull`](Self::pull) says. A value that may have
    /// changed since has the origin [`Origin::Seen`](crate::Origin::Seen).
    pub offline: bool,
    /// Whether the cache returns a remembered value, as [`Origin::Seen`](crate::Origin::Seen), if the source is unreachable,
    /// too slow, or limits requests. A refusal of the source, or that it has no such thing, stands.
    pub stale_if_error: bool,
    /// Whether a cache on disk keeps layers and other large content as well.
    pub blobs: bool,
}

impl CacheOptions {
    /// Returns whether the source must not be asked.
    pub(super) fn is_closed(self) -> bool {
        self.offline || self.pull == Pull::Never
    }

    /// Returns why the cache is all there is.
    pub(super) fn miss(self) -> ErrorKind {
        ErrorKind::NotCached(if self.offline { "nothing is asked offline" } else { "it may not be pulled" })
    }

    /// Returns whether a failure is one that an old answer helps with.
    pub(super) fn bears(self, error: &Error) -> bool {
        self.stale_if_error
            && matches!(error.code(), ErrorCode::Unavailable | ErrorCode::Timeout | ErrorCode::RateLimited)
    }
}
