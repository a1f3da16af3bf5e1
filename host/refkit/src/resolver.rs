//! What is set up once and asked often.

use std::sync::Arc;

use refkit_content::Source;
use refkit_contract::Request;

use crate::{Budget, Chain, Delegate, Error, Grants, Outcome, Session};

/// Resolves references by a chain of policies, with content from one source. Cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    pub(crate) chain: Chain,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) delegate: Option<Arc<dyn Delegate>>,
    pub(crate) grants: Grants,
    pub(crate) budget: Budget,
    pub(crate) clock: Option<u64>,
}

impl Resolver {
    /// Sets the transport that resolves by itself where the source does not show an image's documents. The default
    /// policy at the end of the chain then decides by the documents that can be read; the delegate answers for configs,
    /// and, where no document can be read, for root and config.
    #[must_use]
    pub fn delegate(mut self, delegate: Arc<dyn Delegate>) -> Self {
        self.delegate = Some(delegate);
        self
    }

    /// Sets which repositories the runs may read besides the requested one.
    #[must_use]
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// Sets the limits of each run.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Sets the time that policies read, in seconds since 1970. Without it they read the time at which the run began.
    #[must_use]
    pub fn clock(mut self, clock: Option<u64>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns a run that has not begun.
    pub fn session(&self, request: Request) -> Session {
        Session::new(self, request)
    }

    /// Returns what the chain decides about a request, in a run of its own.
    ///
    /// # Errors
    /// [`Error`], where the run ended without a decision.
    pub async fn resolve(&self, request: Request) -> Result<Outcome, Error> {
        self.session(request).resolve().await
    }
}
