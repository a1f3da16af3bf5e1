//! A failure as it crosses the boundary.

use std::sync::Arc;

use refkit_oci::ErrorCode;

/// A failure as it crosses the boundary between host and policy: `error` of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Failure {
    /// The kind, which a policy branches on.
    pub code: ErrorCode,
    /// The failure, for a person.
    pub message: String,
    /// The policy that returned it first. The host sets it.
    pub policy: Option<Arc<str>>,
    /// The observation of the run that failed, where a policy passed on the failure of a host call. The host sets it.
    pub observation: Option<usize>,
}

impl Failure {
    /// Returns a failure that no policy and no observation is known of.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), policy: None, observation: None }
    }

    /// Returns whether a policy that was answered with `other` passes it on by this.
    pub fn passes_on(&self, other: &Self) -> bool {
        self.code == other.code && self.message == other.message
    }

    /// Returns the name of the policy that returned the failure first; empty where the host has not set it.
    pub fn policy(&self) -> &str {
        self.policy.as_deref().unwrap_or_default()
    }
}
