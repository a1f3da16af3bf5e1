//! One run of a chain.

mod ending;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use refkit_content::{ErrorKind, deadline};
use refkit_contract::Request;
use refkit_oci::document::Document;
use refkit_oci::{Descriptor, Repository};
use tracing::{Instrument as _, debug_span};

use crate::budget::{Budget, Spent};
use crate::error::Error;
use crate::observation::{Call, ObservationsDocument};
use crate::outcome::Outcome;
use crate::record::Recording;
use crate::run::Run;
use crate::trace::Trace;
use crate::{Chain, Resolver};

/// One run of a chain: what it observed, what it spent and what it did, from the first call to the last.
///
/// ```
/// use refkit::{Error, Outcome, Request, Resolver};
///
/// /// Returns an image's manifest, and how many calls the run made.
/// async fn manifest(resolver: &Resolver, request: Request) -> Result<Option<(bytes::Bytes, u64)>, Error> {
///     let session = resolver.session(request);
///     let Outcome::Resolved(resolution) = session.resolve().await? else { return Ok(None) };
///     let Some(Ok(image)) = resolution.images.first() else { return Ok(None) };
///     let manifest = session.fetch(resolution.reference.repository(), &image.manifest).await?;
///     Ok(Some((manifest, session.spent().calls)))
/// }
/// ```
pub struct Session {
    run: Arc<Run>,
    request: Request,
}

impl Session {
    pub(crate) fn new(resolver: &Resolver, request: Request) -> Self {
        Self { run: Arc::new(Run::new(resolver, request.reference.repository().clone())), request }
    }

    /// Returns what the chain decides, within the wall-clock limit of the run. A second call answers from the run's
    /// record.
    ///
    /// # Errors
    /// [`Error`], where the run ended without a decision.
    pub async fn resolve(&self) -> Result<Outcome, Error> {
        let run = &self.run;
        let limit = run.answers.budget.wall;
        let whole = async {
            let _permit = run.chain.engine().reserve(run.chain.depth()).await.map_err(Error::Busy)?;
            let decision = run.decide(0, self.request.clone(), None, false).await;
            match run.fatal() {
                Some(fatal) => Err(fatal),
                None => self.outcome(decision).await,
            }
        };
        let policies = self.chain().names();
        let span = debug_span!(target: "refkit::run", "run", reference = %self.request.reference, %policies);
        let whole = whole.instrument(span);
        // A source reads the deadline before it waits to repeat a request.
        let whole = deadline::within(tokio::time::Instant::now() + limit, whole);
        tokio::time::timeout(limit, whole).await.unwrap_or(Err(Error::Timeout { limit }))
    }

    /// Returns content that this run has observed, verified: for callers who want more bytes than the request attached.
    /// The time counts as the run's.
    ///
    /// # Errors
    /// [`Error::Timeout`], where the wall-clock limit of the run has passed.
    /// [`Error::Content`], where the run has not observed the digest, its budget is used up, or the content cannot be
    /// read.
    pub async fn fetch(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Bytes, Error> {
        let limit = self.run.answers.budget.wall;
        let rest = limit.saturating_sub(self.run.spent().wall);
        let fetch = self.run.answers.fetch(None, repository, &descriptor.digest);
        let fetch = deadline::within(tokio::time::Instant::now() + rest, fetch);
        let fetched = tokio::time::timeout(rest, fetch).await.map_err(|_| Error::Timeout { limit })?;
        Ok(fetched.map_err(refkit_content::Error::from)?)
    }

    /// Returns a manifest or an index that this run has observed, verified and parsed: [`Session::fetch`] for callers who
    /// want what the bytes say.
    ///
    /// # Errors
    /// As [`Session::fetch`]; [`Error::Content`] as well for content that is neither a manifest nor an index.
    pub async fn document(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Arc<Document>, Error> {
        self.fetch(repository, descriptor).await?;
        let answers = &self.run.answers;
        match answers.ledger.document(repository, &descriptor.digest) {
            Some(read) => Ok(read.document().clone()),
            None => {
                let kind = ErrorKind::Unsupported("it is neither a manifest nor an index".into());
                Ok(Err(Call::Fetch(repository.clone(), descriptor.digest.clone()).fail(kind))?)
            }
        }
    }

    /// Returns the request of the run.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Returns the chain of the run.
    pub fn chain(&self) -> &Chain {
        &self.run.chain
    }

    /// Returns what the run did so far.
    pub fn trace(&self) -> Trace {
        self.run.answers.recorder.trace()
    }

    /// Returns the observations so far, for [`serde`]; the bytes are in [`Resolution::bytes`](crate::Resolution::bytes).
    pub fn observations(&self) -> ObservationsDocument {
        ObservationsDocument::of(&self.trace())
    }

    /// Returns the record of the run so far: its observations, the contents, and the time if a policy read it.
    pub fn recording(&self) -> Recording {
        let clock = self.run.clock_read.load(Ordering::Relaxed).then_some(self.run.now);
        let contents = self.run.answers.ledger.contents().into_iter().collect();
        Recording::new(self.observations().settled(), clock, contents)
    }

    /// Returns the limits of the run.
    pub fn budget(&self) -> Budget {
        self.run.answers.budget
    }

    /// Returns what the run used so far.
    pub fn spent(&self) -> Spent {
        self.run.spent()
    }
}
