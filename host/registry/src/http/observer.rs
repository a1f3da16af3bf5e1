//! Sees the requests of a client, for metrics.

/// Sees the end of each request that a client sends. It has to be quick: the request waits for it.
pub trait Observer: Send + Sync {
    /// A request for a host of the settings has ended. The host is that of the settings, as `host[:port]`, where a redirect
    /// led to another one as well: a registry can name any number of those. Without a response there is no status.
    fn requested(&self, host: &str, status: Option<u16>);
}
