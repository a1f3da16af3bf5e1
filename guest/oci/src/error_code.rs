//! The kinds of failure that all parts of RefKit distinguish.

/// The kind of a failure, for callers that react to it. The cases and names are those of `error-code` in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// An argument, a setting or the content is malformed, or the content contradicts its descriptor.
    Invalid,
    /// The registry has no such repository, tag, manifest or blob.
    NotFound,
    /// The registry refused the credentials, or requires some.
    Unauthorized,
    /// The run may not read that repository, or has not observed that digest.
    NotGranted,
    /// The run has used up a limit.
    BudgetExhausted,
    /// The registry or the host does not support the operation.
    Unsupported,
    /// The registry limits requests.
    RateLimited,
    /// The registry is unreachable or fails.
    Unavailable,
    /// There was no response in time.
    Timeout,
    /// Anything else.
    Other,
}

impl ErrorCode {
    /// Every code, in the order of the contract.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::NotFound,
        Self::Unauthorized,
        Self::NotGranted,
        Self::BudgetExhausted,
        Self::Unsupported,
        Self::RateLimited,
        Self::Unavailable,
        Self::Timeout,
        Self::Other,
    ];

    /// Returns the contract's name of the code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not-found",
            Self::Unauthorized => "unauthorized",
            Self::NotGranted => "not-granted",
            Self::BudgetExhausted => "budget-exhausted",
            Self::Unsupported => "unsupported",
            Self::RateLimited => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Other => "other",
        }
    }
}
