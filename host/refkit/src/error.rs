//! How a run can fail.

use std::fmt;
use std::time::Duration;

use refkit_contract::{ErrorCode, Failure};
use refkit_sandbox::RunError;

/// A run ended without a decision.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A policy returned an error: mostly the failure of a host call. The host's own record of that failure says more
    /// than the policy's text, and no policy can change it.
    #[error("{}", Failed(.policy, .failure, .cause.as_ref()))]
    Failed {
        /// The policy that returned it.
        policy: String,
        /// What it returned.
        failure: Failure,
        /// The host's own record of the failure that the policy passed on, where it did.
        #[source]
        cause: Option<refkit_content::Error>,
    },
    /// A policy crashed or met one of its own limits. No other policy of the chain can turn this into an answer.
    #[error("the policy {policy} did not end: {error}")]
    Policy {
        /// The policy.
        policy: String,
        /// What became of it.
        #[source]
        error: RunError,
    },
    /// A policy returned an outcome that the run does not bear out.
    #[error("the policy {policy} returned an outcome that does not hold: {problem}")]
    Outcome {
        /// The policy.
        policy: String,
        /// What does not hold.
        #[source]
        problem: OutcomeError,
    },
    /// The whole run took too long.
    #[error("no answer within {} s, the limit of this run", .limit.as_secs_f32())]
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// The record of the policies' decisions would take more memory than the host may hold for the run.
    #[error("the host holds as much for this run as it may: {limit} bytes")]
    Held {
        /// The limit in bytes.
        limit: u64,
    },
    /// What was asked for besides the decision could not be read.
    #[error(transparent)]
    Content(#[from] refkit_content::Error),
    /// The engine has no place for a chain this long.
    #[error(transparent)]
    Busy(RunError),
}

struct Failed<'a>(&'a String, &'a Failure, Option<&'a refkit_content::Error>);

impl fmt::Display for Failed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(_, _, Some(cause)) => cause.fmt(f),
            // The caller of the chain.
            Self(policy, failure, None) if policy.is_empty() => failure.fmt(f),
            Self(policy, failure, None) => write!(f, "the policy {policy} says: {failure}"),
        }
    }
}

impl Error {
    /// Returns the kind of failure, as a policy would be told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Failed { failure, .. } => failure.code,
            Self::Timeout { .. } => ErrorCode::Timeout,
            Self::Held { .. } => ErrorCode::BudgetExhausted,
            Self::Content(error) => error.code(),
            Self::Policy { error: RunError::Timeout { .. }, .. } => ErrorCode::Timeout,
            Self::Policy { .. } | Self::Outcome { .. } | Self::Busy(_) => ErrorCode::Other,
        }
    }
}

/// Why an outcome does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutcomeError {
    /// A digest was invented, or was met in another repository only.
    #[error("this run has not met {digest} in {repository}")]
    NotMet {
        /// The digest.
        digest: String,
        /// The repository of the outcome's reference.
        repository: String,
    },
    /// The root is not what the reference names.
    #[error("{reference} does not name the root {root} in this run")]
    Root {
        /// The outcome's reference.
        reference: String,
        /// The outcome's root.
        root: String,
    },
    /// A publication that does not reach a destination.
    #[error("this run did not push {root} to {destination}")]
    NotPushed {
        /// The destination of the request.
        destination: String,
        /// The root of the outcome.
        root: String,
    },
    /// A descriptor is not named by the one before it.
    #[error("{child} is not the {kind} of {parent}")]
    Chain {
        /// What the child was said to be.
        kind: &'static str,
        /// The descriptor before.
        parent: String,
        /// The descriptor.
        child: String,
    },
    /// There are fewer or more places than wanted platforms.
    #[error("{wanted} platforms were wanted, and {got} places answered")]
    Places {
        /// Wanted platforms.
        wanted: usize,
        /// Places in the outcome.
        got: usize,
    },
    /// An image that the rest of the chain refused, or could not read, is not marked so any more.
    #[error("it takes away the refusal or failure of image {place} that the rest of the chain reported")]
    Absence {
        /// The place, counted from 1.
        place: usize,
    },
    /// The rest of the chain refused it, and the outcome holds it.
    #[error("it holds {what}, which the rest of the chain refused")]
    Refused {
        /// The reference or the digest that was refused.
        what: String,
    },
    /// The rest of the chain refused or failed, and the outcome holds something else that the rest did not resolve.
    #[error("after a refusal or a failure of the rest of the chain it resolves {what}, which the rest did not resolve")]
    Unasked {
        /// What the policy has to ask the rest of the chain about.
        what: String,
    },
    /// The root is neither an index nor a manifest.
    #[error("the root {root} is {media_type}, neither an index nor a manifest")]
    NotImage {
        /// The outcome's root.
        root: String,
        /// Its media type in this run.
        media_type: String,
    },
    /// The reference has a digest and a tag, and this run has not seen that the tag names the digest.
    #[error("{reference}: this run has not resolved that tag to that digest; resolve it, or leave the tag out")]
    Tag {
        /// The outcome's reference.
        reference: String,
    },
    /// The descriptors that its digests stand for, taken together, are too much: one digest may be named again and again.
    #[error("the descriptors that it names have more than {limit} bytes together")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A denial without a reason.
    #[error("a denial has to say at least one reason")]
    NoReason,
    /// The last policy of the chain passed the request on.
    #[error("there is no policy after it that could answer")]
    NoNext,
}
