//! How a run ended.

/// How a run ended, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The answer holds everything that the request asked for.
    Resolved,
    /// Something is missing, and no policy denied anything.
    Failed,
    /// A policy refused its settings or the request before it asked a registry.
    Invalid,
    /// A policy denied the reference, or at least one image of it.
    Denied,
}

impl Status {
    /// Returns the name in JSON: `resolved`, `failed` or `denied`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Failed | Self::Invalid => "failed",
            Self::Denied => "denied",
        }
    }
}
