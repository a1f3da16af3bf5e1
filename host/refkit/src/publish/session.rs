//! One run of a publisher.

use std::sync::Arc;

use refkit_content::deadline;
use refkit_contract::{PublishDecision, PublishRequest, PublishSource};
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Descriptor, Digest, Reference};

use super::Publisher;
use super::outcome::{PublishOutcome, Published};
use super::placed::Placed;
use super::run::PublishRun;
use crate::budget::{Budget, Spent};
use crate::error::Error;
use crate::ledger::Name;
use crate::observation::ObservationsDocument;
use crate::trace::Trace;
use crate::{Candidate, Chain, PublishingChain, candidates};

/// One run of a publishing chain, over a run of the resolution chain.
pub struct PublishSession {
    run: Arc<PublishRun>,
    request: PublishRequest,
}

impl PublishSession {
    pub(super) fn new(publisher: &Publisher, request: PublishRequest) -> Self {
        Self { run: Arc::new(PublishRun::new(publisher, &request)), request }
    }

    /// Publishes, within the wall-clock limit of the run. A second call answers from the run's record.
    ///
    /// # Errors
    /// [`Error`], where the run ended without a decision. No tag then names content that is not there, and another run
    /// completes the publication.
    pub async fn publish(&self) -> Result<PublishOutcome, Error> {
        let (publish, run) = (&self.run, &self.run.run);
        let limit = run.answers.budget.wall;
        let whole = async {
            let places = publish.chain.depth() + run.chain.depth();
            let _permit = run.chain.engine().reserve(places).await.map_err(Error::Busy)?;
            let decision = publish.decide(0, self.request.clone(), None).await;
            if let Some(fatal) = run.fatal() {
                return Err(fatal);
            }
            let decision = decision.map_err(|failure| run.failed(failure))?;
            Ok(match decision {
                PublishDecision::Published(root) => {
                    publish.flush_all().await.map_err(refkit_content::Error::from)?;
                    PublishOutcome::Published(Box::new(self.published(root)))
                }
                PublishDecision::Denied(denials) => {
                    let policy = denials.first().map(|denial| denial.policy().to_owned()).unwrap_or_default();
                    PublishOutcome::Denied { policy, denials }
                }
            })
        };
        let whole = deadline::within(tokio::time::Instant::now() + limit, whole);
        tokio::time::timeout(limit, whole).await.unwrap_or(Err(Error::Timeout { limit }))
    }

    /// Returns the published root with the bytes that the registries have.
    fn published(&self, root: Descriptor) -> Published {
        let destinations = self.request.destinations.clone();
        let first = destinations.first().map(|one| one.repository().clone());
        let bytes = match first.and_then(|repository| self.run.record.find(&repository, &root.digest)) {
            Some(Placed::Pushed(_, bytes)) => Some(bytes),
            _ => self.run.run.answers.ledger.bytes(&root.digest),
        };
        let root = Descriptor::new(root.media_type, root.digest, root.size);
        let (bytes, absent) = (bytes.unwrap_or_default(), self.run.record.absent());
        Published { root, bytes, destinations, dry_run: self.run.dry_run, absent }
    }

    /// Returns the entries of the sources' indexes, and which of them the platforms of the request chose; none if the
    /// request names no platforms.
    pub fn candidates(&self, published: &Published) -> Vec<Candidate> {
        let PublishRequest { sources, destinations, platforms, .. } = &self.request;
        let Some(to) = destinations.first().filter(|_| !platforms.is_empty()) else { return Vec::new() };
        let ledger = &self.run.run.answers.ledger;
        let root = document::read(Some(&published.root.media_type), &published.bytes, &Limits::default());
        let listed: Vec<Digest> = match root {
            Ok(Document::Index(index)) => index.manifests.into_iter().map(|entry| entry.digest).collect(),
            _ => vec![published.root.digest.clone()],
        };
        let mut candidates = Vec::new();
        for PublishSource { reference, .. } in sources {
            let Some(root) = ledger.named(&Name::of(reference)) else { continue };
            let documents = ledger.documents(reference.repository());
            let entries = documents.values().flat_map(|document| match &**document {
                Document::Index(index) => &index.manifests[..],
                Document::Manifest(_) => &[],
            });
            // A sparse index lists what was not copied.
            let placed = |digest: &&Digest| self.run.record.descriptor(to.repository(), digest).is_some();
            let placed = entries.map(|entry| &entry.digest).filter(placed);
            let listed = listed.iter().filter(|_| published.root.digest != root.digest);
            candidates.extend(candidates::of_source(
                &documents,
                &root.digest,
                placed.chain(listed).collect(),
                platforms,
            ));
        }
        candidates
    }

    /// Returns the destinations whose tags the run has moved so far.
    pub fn moved(&self) -> Vec<&Reference> {
        let moved = |one: &&Reference| !self.run.dry_run && self.run.record.moved(one);
        self.request.destinations.iter().filter(moved).collect()
    }

    /// Returns the request of the run.
    pub fn request(&self) -> &PublishRequest {
        &self.request
    }

    /// Returns whether the run sends nothing.
    pub fn is_dry_run(&self) -> bool {
        self.run.dry_run
    }

    /// Returns the chain of publishing policies.
    pub fn chain(&self) -> &PublishingChain {
        &self.run.chain
    }

    /// Returns the chain of the policies that decide about the sources.
    pub fn resolution_chain(&self) -> &Chain {
        &self.run.run.chain
    }

    /// Returns what the run did so far.
    pub fn trace(&self) -> Trace {
        self.run.run.answers.recorder.trace()
    }

    /// Returns the observations so far, for [`serde`].
    pub fn observations(&self) -> ObservationsDocument {
        ObservationsDocument::of(&self.trace())
    }

    /// Returns the limits of the run.
    pub fn budget(&self) -> Budget {
        self.run.run.answers.budget
    }

    /// Returns what the run used so far.
    pub fn spent(&self) -> Spent {
        self.run.run.spent()
    }
}
