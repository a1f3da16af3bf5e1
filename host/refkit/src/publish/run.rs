//! One run of a publishing chain.

use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use refkit_content::Push;
use refkit_contract::{Denial, Failure, PublishDecision, PublishRequest};
use refkit_oci::{Descriptor, Digest, Footprint, Reference};
use refkit_sandbox::{Publishing, RunError, Usage};

use super::host::PublishHost;
use super::placed::Record;
use super::store::{Copies, DryRun, RunSource};
use super::target::Target;
use super::{Progress, Publisher, Switches, WriteGrants};
use crate::PublishingChain;
use crate::attribution::{self, Heard};
use crate::chain::{Link, Place};
use crate::error::{Error, OutcomeError};
use crate::once::Once;
use crate::refusals::Refusals;
use crate::run::Run;
use crate::trace::{Event, MESSAGE, PolicyDecision, Reason, shorten};

/// What the publishing policies of one run share.
pub(crate) struct PublishRun {
    pub(super) chain: PublishingChain,
    /// The run of the resolution policies, which has the record of all that both kinds of policies met.
    pub(super) run: Arc<Run>,
    pub(super) target: Arc<dyn Push>,
    /// What copies read.
    pub(super) copied: RunSource,
    pub(super) grants: WriteGrants,
    pub(super) destinations: Vec<Reference>,
    pub(super) stays: Stays,
    pub(super) record: Arc<Record>,
    pub(super) progress: Option<Progress>,
    pub(super) dry_run: bool,
    pub(super) switches: Switches,
    decisions: Once<Question, Result<PublishDecision<Descriptor>, Failure>>,
}

/// Whether the request may publish its only source byte for byte. The host asks the destination for that first; policies
/// may make something else of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stays {
    pub(super) index: bool,
    pub(super) manifest: bool,
}

impl Stays {
    fn of(request: &PublishRequest) -> Self {
        let one = matches!(&request.sources[..], [one] if one.descriptor.is_none());
        let index = one && request.platforms.is_empty() && request.annotations.is_empty();
        Self { index, manifest: index && !request.prefer_index }
    }
}

/// A request at a place of the chain.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Question(usize, PublishRequest);

impl Footprint for Question {
    fn footprint(&self) -> usize {
        size_of::<usize>() + self.1.footprint()
    }
}

/// What a publishing policy was answered with by the rest of the publishing chain.
pub(super) type Answered = Arc<Mutex<Vec<Result<PublishDecision<Descriptor>, Failure>>>>;

type Decided<'a> = Pin<Box<dyn Future<Output = Result<PublishDecision<Descriptor>, Failure>> + Send + 'a>>;

impl PublishRun {
    pub(super) fn new(publisher: &Publisher, request: &PublishRequest) -> Self {
        let (record, refusals) = (Arc::new(Record::default()), Arc::new(Refusals::default()));
        let source = RunSource {
            source: publisher.resolver.source.clone(),
            record: record.clone(),
            listed: Arc::default(),
            copies: None,
            dry_run: publisher.dry_run,
        };
        let copied = RunSource { copies: Some(Arc::new(Copies::new(refusals.clone()))), ..source.clone() };
        let mut resolver = publisher.resolver.clone();
        resolver.source = Arc::new(source);
        let sources = request.sources.iter().map(|source| &source.reference);
        let requested = sources.chain(&request.destinations).map(|reference| reference.repository().clone());
        let target = match publisher.dry_run {
            true => Arc::new(DryRun(publisher.target.clone())) as Arc<dyn Push>,
            false => publisher.target.clone(),
        };
        Self {
            chain: publisher.chain.clone(),
            run: Arc::new(Run::with_refusals(&resolver, requested.collect(), refusals)),
            target: Arc::new(Target::new(target)),
            copied,
            grants: publisher.grants.clone(),
            destinations: request.destinations.clone(),
            stays: Stays::of(request),
            record,
            progress: publisher.progress.clone(),
            dry_run: publisher.dry_run,
            switches: publisher.switches,
            decisions: Once::default(),
        }
    }

    /// Returns what the publishing chain from a place on makes of a request, once per run.
    pub(super) fn decide(
        self: &Arc<Self>,
        index: usize,
        request: PublishRequest,
        parent: Option<usize>,
    ) -> Decided<'_> {
        Box::pin(async move {
            let ask = self.ask(index, &request, parent);
            let admit = |bytes| self.run.hold(bytes + request.footprint());
            self.decisions.get(Question(index, request.clone()), admit, ask).await
        })
    }

    async fn ask(
        self: &Arc<Self>,
        index: usize,
        request: &PublishRequest,
        parent: Option<usize>,
    ) -> Result<PublishDecision<Descriptor>, Failure> {
        let Some(Place::Policy(link) | Place::End(link)) = self.chain.at(index) else {
            return Err(self.run.stop(Error::Outcome { policy: self.chain.end_name(), problem: OutcomeError::NoNext }));
        };
        let subject = request.destinations.first().or(request.sources.first().map(|source| &source.reference));
        let Some(reference) = subject.cloned() else {
            let text = "the publication has neither a source nor a destination";
            return Err(Failure::new(refkit_contract::ErrorCode::Invalid, text));
        };
        let event = Event::Policy { name: link.name.clone(), reference, decision: None, usage: Usage::default() };
        self.run.hold(event.footprint())?;
        let recorder = &self.run.answers.recorder;
        let span = recorder.begin(parent, event);
        let (result, usage) = self.turn(link, index, span, request).await;
        self.run.answers.counters.policy(usage.cpu, usage.memory);
        let decided = decided(&result);
        self.run.answers.account.add(decided.footprint());
        recorder.end(span, |event| {
            if let Event::Policy { decision, usage: used, .. } = event {
                (*decision, *used) = (Some(decided), usage);
            }
        });
        result
    }

    /// Runs one policy, and checks and attributes what it returns.
    async fn turn(
        self: &Arc<Self>,
        link: &Link<Publishing>,
        index: usize,
        span: usize,
        request: &PublishRequest,
    ) -> (Result<PublishDecision<Descriptor>, Failure>, Usage) {
        let answered = Answered::default();
        let (host, heard) = PublishHost::new(self, link, index, span, answered.clone());
        let (decision, usage) = link.policy.run(Arc::new(host), self.run.limits(), request).await;
        let heard = heard.take();
        let answered = std::mem::take(&mut *answered.lock());
        let result = match decision {
            Ok(PublishDecision::Published(root)) => self.published(link, request, root),
            Ok(PublishDecision::Denied(denials)) if denials.is_empty() => Err(self.stop(link, OutcomeError::NoReason)),
            Ok(PublishDecision::Denied(mut denials)) => {
                attribute(&link.name, &heard, &answered, &mut denials);
                Ok(PublishDecision::Denied(denials))
            }
            Err(RunError::Failed(mut failure)) => {
                let inner = answered.iter().filter_map(|answer| answer.as_ref().err());
                match inner.into_iter().find(|other| failure.passes_on(other)) {
                    Some(other) => failure = other.clone(),
                    None => attribution::of_failure(&link.name, &heard, &mut failure),
                }
                Err(failure)
            }
            Err(RunError::Timeout { .. }) => Err(self.run.stop(Error::Timeout { limit: self.run.answers.budget.wall })),
            Err(error) => Err(self.run.stop(Error::Policy { policy: link.name.to_string(), error })),
        };
        (result, usage)
    }

    /// Checks that this run pushed the root to every destination of the request.
    fn published(
        &self,
        link: &Link<Publishing>,
        request: &PublishRequest,
        root: Digest,
    ) -> Result<PublishDecision<Descriptor>, Failure> {
        let missing = request.destinations.iter().find(|destination| !self.record.holds(destination, &root));
        if let Some(destination) = missing {
            let (destination, root) = (destination.to_string(), root.to_string());
            return Err(self.stop(link, OutcomeError::NotPushed { destination, root }));
        }
        let placed = request.destinations.first().and_then(|one| self.record.descriptor(one.repository(), &root));
        match placed {
            Some(root) => Ok(PublishDecision::Published(root)),
            None => {
                let destination = "no destination".to_owned();
                Err(self.stop(link, OutcomeError::NotPushed { destination, root: root.to_string() }))
            }
        }
    }

    fn stop(&self, link: &Link<Publishing>, problem: OutcomeError) -> Failure {
        self.run.stop(Error::Outcome { policy: link.name.to_string(), problem })
    }
}

/// Sets the policies of reasons: one that the policy was answered with stays the other policy's.
fn attribute(
    policy: &Arc<str>,
    heard: &Heard,
    answered: &[Result<PublishDecision<Descriptor>, Failure>],
    denials: &mut [Denial],
) {
    let inner = answered.iter().filter_map(|answer| match answer {
        Ok(PublishDecision::Denied(denials)) => Some(denials),
        _ => None,
    });
    let inner: Vec<&Denial> = inner.flatten().collect();
    attribution::of_denials(policy, heard, denials);
    for denial in denials {
        if let Some(other) = inner.iter().find(|other| denial.passes_on(other)) {
            denial.policy = other.policy.clone();
        }
    }
}

/// Returns what the trace keeps of a policy's decision.
fn decided(result: &Result<PublishDecision<Descriptor>, Failure>) -> PolicyDecision {
    match result {
        Ok(PublishDecision::Published(root)) => PolicyDecision::Published(root.digest.clone()),
        Ok(PublishDecision::Denied(denials)) => PolicyDecision::Denied(denials.first().map(Reason::of)),
        Err(failure) => {
            let mut failure = failure.clone();
            shorten(&mut failure.message, MESSAGE);
            PolicyDecision::Failed(failure)
        }
    }
}
