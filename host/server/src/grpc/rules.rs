//! What the services need of the server around them: what the rules allow, and where content is.

use std::fmt;
use std::sync::Arc;

use refkit::{Budget, Chain, Engine, Error, Grants, Resolver, Session};
use refkit_content::{Push, Source};
use refkit_oci::{Digest, Reference, Repository};

/// The rules of the server, which a call keeps from its beginning to its end.
pub trait Rules: Send + Sync + 'static {
    /// Returns what the rule for a reference allows.
    ///
    /// # Errors
    /// [`Refused`] where no rule allows the caller to read it.
    fn read(&self, caller: &Caller, reference: &Reference) -> Result<Allowed, Refused>;

    /// Returns what the rule for a repository allows: for blobs, and for lists of tags and referrers.
    ///
    /// # Errors
    /// [`Refused`] where no rule allows the caller to read it.
    fn repository(&self, caller: &Caller, repository: &Repository) -> Result<Allowed, Refused>;

    /// Returns where a caller may write: a manifest under a tag or by its digest, or a blob of a repository.
    ///
    /// # Errors
    /// [`Refused`] where no rule allows it.
    fn push(&self, caller: &Caller, destination: Destination<'_>) -> Result<Writable, Refused>;

    /// Returns the engine for policies of a caller's own.
    ///
    /// # Errors
    /// [`Refused`] where the caller may bring none.
    fn engine(&self, caller: &Caller) -> Result<Engine, Refused>;

    /// Notes a decision in the log.
    fn decided(&self, decision: &Decision<'_>);

    /// Notes a run that has ended, and its error if it ended in one.
    fn ran(&self, session: &Session, error: Option<&Error>);
}

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub enum Destination<'a> {
    /// A manifest or an index under this reference.
    Manifest(&'a Reference),
    /// Blobs of this repository.
    Blobs(&'a Repository),
}

/// Who makes a call: equal for the same client, whichever connection it uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller(pub Arc<str>);

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The rules do not allow a call, whatever policies would say. The text says what is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// What a rule allows.
#[derive(Clone)]
pub struct Allowed {
    /// The rule, for the log.
    pub rule: Arc<str>,
    /// Its policies.
    pub chain: Chain,
    /// Where content is.
    pub source: Arc<dyn Source>,
    /// What the policies may read besides the requested repository.
    pub grants: Grants,
    /// The limits of a run.
    pub budget: Budget,
    /// Whether a denial is only noted in the log.
    pub dry_run: bool,
}

impl Allowed {
    /// Returns the resolver of the rule's policies.
    pub fn resolver(&self) -> Resolver {
        self.resolver_of(&self.chain)
    }

    /// Returns the resolver of a chain, with the rule's source, grants and limits.
    pub fn resolver_of(&self, chain: &Chain) -> Resolver {
        chain.resolver(Arc::clone(&self.source)).grants(self.grants.clone()).budget(self.budget)
    }
}

/// Where a rule lets a caller write.
#[derive(Clone)]
pub struct Writable {
    /// The rule, for the log.
    pub rule: Arc<str>,
    /// The destination.
    pub target: Arc<dyn Push>,
}

/// A decision, for the log.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    /// Who asked.
    pub caller: &'a Caller,
    /// The method, such as `Resolve`.
    pub method: &'static str,
    /// What was asked for: a reference or a repository.
    pub subject: &'a str,
    /// The rule, if one matched.
    pub rule: Option<&'a str>,
    /// What became of it.
    pub end: End<'a>,
}

/// How a decision ended.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// Allowed; with the digest, where it is about one.
    Allowed(Option<&'a Digest>),
    /// A policy denied it.
    Denied {
        /// The policy.
        policy: &'a str,
        /// Whether the rule only notes it.
        dry_run: bool,
    },
    /// The rules do not allow it.
    Refused,
    /// It failed.
    Failed(&'a str),
}
