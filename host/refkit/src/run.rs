//! What the policies of one run share, and how each of them decides.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};
use refkit_content::ErrorCode;
use refkit_contract::{Absence, Decision, Failure, Request, Resolved, Selection, Step};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Footprint, Reference, Repository};
use refkit_sandbox::{Limits, RunError, Usage};
use tracing::{Instrument as _, debug_span};

use crate::answers::Answers;
use crate::attribution::{self, Heard};
use crate::budget::Spent;
use crate::chain::{Link, Place};
use crate::check;
use crate::error::{Error, OutcomeError};
use crate::host::PolicyHost;
use crate::once::Once;
use crate::outcome::Judged;
use crate::refusals::{NextAnswer, Refusals};
use crate::trace::{Event, MESSAGE, PolicyDecision, Reason, RefusedImage, shorten};
use crate::{Chain, Delegate, Resolver};

/// The most refused images of one decision that the trace keeps.
const REFUSED_SHOWN: usize = 100;

/// What the policies of one run share.
pub(crate) struct Run {
    pub(crate) chain: Chain,
    pub(crate) delegate: Option<Arc<dyn Delegate>>,
    pub(crate) answers: Answers,
    pub(crate) now: u64,
    /// Whether a policy read the time.
    pub(crate) clock_read: AtomicBool,
    started: Instant,
    decisions: Once<Question, Result<Decision<Descriptor>, Failure>>,
    /// The first policy that did not end, or whose outcome does not hold. Other policies get a failure for it, but none
    /// can turn it into an answer.
    fatal: Mutex<Option<Error>>,
    pub(crate) refusals: Arc<Refusals>,
    /// The images that policies judged, and the host cut off because the request asked for none.
    judged: Mutex<Vec<(Reference, Digest, Judged)>>,
}

/// A request at a place of the chain.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Question(usize, Request);

impl Footprint for Question {
    fn footprint(&self) -> usize {
        size_of::<usize>() + self.1.footprint()
    }
}

/// One policy at work on one request.
#[derive(Clone, Copy)]
pub(crate) struct Turn<'a> {
    pub(crate) link: &'a Link,
    /// Its place in the chain.
    pub(crate) index: usize,
    /// Its span in the trace.
    pub(crate) span: usize,
    pub(crate) request: &'a Request,
    /// Whether a policy that may read documents waits for the answer.
    pub(crate) seen: bool,
}

/// What came of a turn: the step, and what the rest of the chain answered to the policy on the way.
pub(crate) type Stepped = (Result<(Step<Descriptor>, Vec<NextAnswer>), Failure>, Usage);

type Decided<'a> = Pin<Box<dyn Future<Output = Result<Decision<Descriptor>, Failure>> + Send + 'a>>;

impl Run {
    pub(crate) fn new(resolver: &Resolver, requested: Repository) -> Self {
        Self::with_refusals(resolver, vec![requested], Arc::default())
    }

    /// Returns a run that may read these repositories, whose refusals others look at as well.
    pub(crate) fn with_refusals(resolver: &Resolver, requested: Vec<Repository>, refusals: Arc<Refusals>) -> Self {
        let started = Instant::now();
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let answers =
            Answers::new(resolver.source.clone(), requested, resolver.grants.clone(), resolver.budget, started);
        Self {
            chain: resolver.chain.clone(),
            delegate: resolver.delegate.clone(),
            answers,
            now: resolver.clock.unwrap_or_else(now),
            clock_read: AtomicBool::new(false),
            started,
            decisions: Once::default(),
            fatal: Mutex::default(),
            refusals,
            judged: Mutex::default(),
        }
    }

    /// Returns what the chain from a place on decides about a request, once per run.
    /// `seen` is whether a policy that may read documents waits for the answer; a later question is answered from the
    /// record either way.
    pub(crate) fn decide(
        self: &Arc<Self>,
        index: usize,
        request: Request,
        parent: Option<usize>,
        seen: bool,
    ) -> Decided<'_> {
        Box::pin(async move {
            let ask = self.ask(index, &request, parent, seen);
            let admit = |bytes| self.hold(bytes + request.footprint());
            self.decisions.get(Question(index, request.clone()), admit, ask).await
        })
    }

    async fn ask(
        self: &Arc<Self>,
        index: usize,
        request: &Request,
        parent: Option<usize>,
        seen: bool,
    ) -> Result<Decision<Descriptor>, Failure> {
        let Some(place) = self.chain.at(index) else {
            return Err(self.stop(Error::Outcome { policy: self.chain.end_name(), problem: OutcomeError::NoNext }));
        };
        let (Place::Policy(link) | Place::End(link)) = place;
        let event = Event::Policy {
            name: link.name.clone(),
            reference: request.reference.clone(),
            decision: None,
            usage: Usage::default(),
        };
        self.hold(event.footprint())?;
        let span = self.answers.recorder.begin(parent, event);
        let turn = Turn { link, index, span, request, seen };
        let work = async {
            match (place, self.delegate.clone()) {
                (Place::End(_), Some(delegate)) => self.delegated(&*delegate, turn).await,
                _ => self.run(turn).await,
            }
        };
        let traced = debug_span!(target: "refkit::policy", "policy", name = %link.name, reference = %request.reference);
        let (result, usage) = work.instrument(traced).await;
        self.answers.counters.policy(usage.cpu, usage.memory);
        let mut next = None;
        let (heard, result) = match result {
            Ok((Step::Decided(decision), heard)) => (heard, Ok(decision)),
            Ok((Step::Next(request), heard)) => {
                let decision = self.decide(index + 1, request.clone(), Some(span), seen).await;
                next = Some(request);
                (heard, decision)
            }
            Err(failure) => (Vec::new(), Err(failure)),
        };
        // In the record, on its way to the policy that asked, and its images and reasons in the records of refusals and
        // judgements.
        let result = self.hold(6 * result.footprint()).and(result);
        let held = result.and_then(|decision| self.held(turn, &heard, decision, next.is_some()));
        // What came from the rest of the chain is cut to this request as well.
        let result = held.and_then(|decision| self.fit(link, request, decision));
        if let Ok(decision @ Decision::Denied(_)) = &result {
            self.refusals.record(index, request, &heard, decision);
        }
        let decided = self.decided(request, &result, next);
        self.answers.account.add(decided.footprint());
        self.answers.recorder.end(span, |event| {
            if let Event::Policy { decision, usage: used, .. } = event {
                (*decision, *used) = (Some(decided), usage);
            }
        });
        result
    }

    /// Returns what the trace keeps of a policy's decision.
    fn decided(
        &self,
        request: &Request,
        result: &Result<Decision<Descriptor>, Failure>,
        next: Option<Request>,
    ) -> PolicyDecision {
        match (next, result) {
            (Some(next), _) => PolicyDecision::PassedOn(next.reference),
            (None, Ok(Decision::Denied(denials))) => PolicyDecision::Denied(denials.first().map(Reason::of)),
            (None, Err(failure)) => {
                let mut failure = failure.clone();
                shorten(&mut failure.message, MESSAGE);
                PolicyDecision::Failed(failure)
            }
            (None, Ok(Decision::Resolved(resolved))) => {
                let root = resolved.root.digest.clone();
                let refused = resolved.images.iter().enumerate().filter_map(|(place, image)| {
                    let Err(Absence::Denied(denials)) = image else { return None };
                    let denial = denials.first()?;
                    let stood = self.refusals.stood(&root, &request.selection, place);
                    let manifest = stood.map(|(manifest, _)| manifest).or_else(|| denial.subject.clone());
                    Some(RefusedImage { place, manifest, reason: Reason::of(denial) })
                });
                // A line for a person; an outcome may refuse a thousand images.
                let refused = refused.take(REFUSED_SHOWN).collect();
                PolicyDecision::Resolved { root, refused }
            }
        }
    }

    /// Returns a decision that holds against the refusals of the policies after this one.
    fn held(
        &self,
        Turn { link, index, request, .. }: Turn<'_>,
        heard: &[NextAnswer],
        decision: Decision<Descriptor>,
        passed: bool,
    ) -> Result<Decision<Descriptor>, Failure> {
        let ledger = &self.answers.ledger;
        let checked = match &decision {
            Decision::Denied(_) => Ok(()),
            Decision::Resolved(resolved) => check::tag(ledger, request, &resolved.reference, &resolved.root.digest)
                .and_then(|()| self.refusals.check(ledger, index, request, heard, (resolved, passed))),
        };
        checked.map_err(|problem| self.stop(Error::Outcome { policy: link.name.to_string(), problem }))?;
        // Here, because the images of a request for the root alone are cut off afterwards.
        self.refusals.record(index, request, heard, &decision);
        Ok(decision)
    }

    /// Runs a policy on a request, and checks and attributes what it returns.
    pub(crate) async fn run(self: &Arc<Self>, turn: Turn<'_>) -> Stepped {
        let Turn { link, index, span, request, seen } = turn;
        let (heard, failures) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let host = Arc::new(PolicyHost {
            run: self.clone(),
            rest: index + 1,
            span,
            seen: seen || link.reads(),
            settings: link.settings.clone(),
            heard: heard.clone(),
            failures: failures.clone(),
        });
        let budget = &self.answers.budget;
        let (step, usage) = link.policy.run(host, self.limits(), request).await;
        let heard = Heard { next: std::mem::take(&mut *lock(&heard)), failures: std::mem::take(&mut *lock(&failures)) };
        let policy = link.name.to_string();
        let step = match step {
            Ok(Step::Next(request)) => Ok(Step::Next(request)),
            Ok(Step::Decided(decision)) => match self.see_root(span, &decision).await {
                Err(error) => Err(self.stop(Error::Content(error))),
                Ok(()) => check::decision(&self.answers.ledger, request, decision)
                    .map(|mut decision| {
                        attribution::of_decision(&link.name, &heard, &mut decision);
                        Step::Decided(decision)
                    })
                    .map_err(|problem| self.stop(Error::Outcome { policy, problem })),
            },
            Err(RunError::Failed(mut failure)) => {
                attribution::of_failure(&link.name, &heard, &mut failure);
                Err(failure)
            }
            Err(RunError::Timeout { .. }) => Err(self.stop(Error::Timeout { limit: budget.wall })),
            Err(error) => Err(self.stop(Error::Policy { policy, error })),
        };
        (step.map(|step| (step, heard.next)), usage)
    }

    /// Reads the root of a decision where this run knows of it only what an index or a list says: it may be a layer.
    /// What a delegate resolves and does not show, it reads by itself.
    async fn see_root(&self, span: usize, decision: &Decision<Digest>) -> Result<(), refkit_content::Error> {
        let Decision::Resolved(Resolved { reference, root, .. }) = decision else { return Ok(()) };
        let (ledger, repository) = (&self.answers.ledger, reference.repository());
        let is_listed = ledger.met(repository, root).is_some_and(|(met, _)| media_type::is_document(&met.media_type));
        if !is_listed || ledger.is_seen(repository, root) {
            return Ok(());
        }
        match self.answers.fetch(Some(span), repository, root).await {
            Err(failed) if self.delegate.is_some() && failed.error.code() == ErrorCode::Unsupported => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    fn fit(
        &self,
        link: &Link,
        request: &Request,
        decision: Decision<Descriptor>,
    ) -> Result<Decision<Descriptor>, Failure> {
        if let Decision::Resolved(resolved) = &decision
            && !request.parts.any()
        {
            self.judge(link, request, resolved);
        }
        let fitted = check::fit(request, decision);
        fitted.unwrap_or_else(|problem| Err(self.stop(Error::Outcome { policy: link.name.to_string(), problem })))
    }

    /// Records the images that a policy looked at where the request asked for none.
    fn judge(&self, link: &Link, request: &Request, resolved: &Resolved<Descriptor>) {
        let mut judged = lock(&self.judged);
        for (place, image) in resolved.images.iter().enumerate() {
            let Ok(image) = image else { continue };
            let wanted = match &request.selection {
                Selection::Platforms(platforms) => platforms.get(place),
                Selection::All => None,
            };
            let platform = image.platform.as_ref().or(wanted).cloned();
            let one = Judged { policy: link.name.to_string(), platform, manifest: image.manifest.digest.clone() };
            judged.push((resolved.reference.clone(), resolved.root.digest.clone(), one));
        }
    }

    /// Returns the images of a root that policies judged, and the host cut off.
    pub(crate) fn judged(&self, repository: &Repository, root: &Digest) -> Vec<Judged> {
        let mut found: Vec<Judged> = Vec::new();
        for (reference, of, one) in lock(&self.judged).iter() {
            if of == root && reference.repository() == repository && !found.contains(one) {
                found.push(one.clone());
            }
        }
        found
    }

    /// Takes memory for what the record of decisions keeps. Without the record there is no decision.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), Failure> {
        let account = &self.answers.account;
        account.take(bytes).map_err(|_| self.stop(Error::Held { limit: account.limit() }))
    }

    /// Returns the limits of the next policy.
    pub(crate) fn limits(&self) -> Limits {
        let budget = &self.answers.budget;
        Limits {
            cpu: budget.cpu,
            wall: budget.wall.saturating_sub(self.started.elapsed()),
            memory: budget.memory,
            ..Limits::default()
        }
    }

    /// Returns the error of a run whose chain ended in a failure.
    pub(crate) fn failed(&self, failure: Failure) -> Error {
        let cause = failure.observation.and_then(|observation| self.answers.recorder.error(observation));
        let policy = failure.policy().to_owned();
        Error::Failed { policy, failure, cause }
    }

    /// Ends the run with an error that no policy can turn into an answer.
    pub(crate) fn stop(&self, error: Error) -> Failure {
        let failure = Failure::new(error.code(), error.to_string());
        lock(&self.fatal).get_or_insert(error);
        failure
    }

    /// Returns the error that ended the run.
    pub(crate) fn fatal(&self) -> Option<Error> {
        lock(&self.fatal).clone()
    }

    /// Returns what the run used so far.
    pub(crate) fn spent(&self) -> Spent {
        self.answers.counters.spent(self.started.elapsed(), self.answers.account.most())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
