//! A reason of a refusal.

use std::fmt;
use std::sync::Arc;

use refkit_oci::Digest;

/// One reason of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Denial {
    /// The rule that was broken, in the policy's words.
    pub rule: String,
    /// The reason, for a person.
    pub message: String,
    /// The manifest that the reason is about, if it is about one.
    pub subject: Option<Digest>,
    /// The policy that gave the reason. The host sets it; a policy cannot.
    pub policy: Option<Arc<str>>,
}

impl Denial {
    /// Returns a reason as a policy gives it.
    pub fn new(rule: impl Into<String>, message: impl Into<String>, subject: Option<Digest>) -> Self {
        Self { rule: rule.into(), message: message.into(), subject, policy: None }
    }

    /// Returns whether a policy that was answered with `other` passes it on by this.
    pub fn passes_on(&self, other: &Self) -> bool {
        self.rule == other.rule && self.message == other.message && self.subject == other.subject
    }

    /// Returns the name of the policy that gave the reason; empty where the host has not set it.
    pub fn policy(&self) -> &str {
        self.policy.as_deref().unwrap_or_default()
    }
}

/// Names the policy and the rule, and gives the reason.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "denied by policy {} (rule {}): {}", self.policy(), self.rule, self.message)
    }
}
