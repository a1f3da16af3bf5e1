//! One run of a chain.

mod ending;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use refkit_content::{Code, Vouch, deadline};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Footprint, Reference, Repository};
use refkit_sandbox::{
    Absence, Claim, Decision, Denial, Failure, Limits, Request, Resolved, RunError, Selection, Usage,
};

use crate::answers::Answers;
use crate::budget::{Budget, Spent};
use crate::check::{self, Fit};
use crate::error::{Error, OutcomeError};
use crate::host::PolicyHost;
use crate::once::Once;
use crate::outcome::{Judged, Outcome};
use crate::refusals::{Refusals, Told};
use crate::resolver::Link;
use crate::trace::{Event, MESSAGE, Trace, shorten};
use crate::{Resolver, decided};

/// One run: what was met, what was spent, and what was done, from the first question to the last.
pub struct Session {
    run: Arc<Run>,
    request: Request,
    engine: refkit_sandbox::Engine,
}

/// What the policies of one run share.
pub(crate) struct Run {
    pub(crate) chain: Arc<[Link]>,
    pub(crate) vouch: Option<Arc<dyn Vouch>>,
    pub(crate) answers: Answers,
    pub(crate) now: u64,
    started: Instant,
    decisions: Once<Place, Result<Decision<Descriptor>, Failure>>,
    /// The first policy that did not end, or whose outcome does not hold. Other policies are told of a failure, but
    /// none can turn it into an answer.
    fatal: Mutex<Option<Error>>,
    /// Which policy was the first to give a reason, and to fail.
    denied_by: Mutex<HashMap<Denial, String>>,
    failed_by: Mutex<HashMap<Failure, String>>,
    pub(crate) refusals: Refusals,
    /// What policies judged, and the host took away because no images were asked for.
    judged: Mutex<Vec<(Reference, Digest, Judged)>>,
}

/// A request at a place of the chain.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Place(usize, Request);

impl Footprint for Place {
    fn footprint(&self) -> usize {
        size_of::<usize>() + self.1.footprint()
    }
}

type Decided<'a> = Pin<Box<dyn Future<Output = Result<Decision<Descriptor>, Failure>> + Send + 'a>>;

impl Session {
    pub(crate) fn new(resolver: &Resolver, request: Request) -> Self {
        let started = Instant::now();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let answers = Answers::new(
            resolver.source.clone(),
            request.reference.repository().clone(),
            resolver.grants.clone(),
            resolver.budget,
            started,
        );
        let run = Run {
            chain: resolver.chain.clone(),
            vouch: resolver.vouch.clone(),
            answers,
            now,
            started,
            decisions: Once::default(),
            fatal: Mutex::default(),
            denied_by: Mutex::default(),
            failed_by: Mutex::default(),
            refusals: Refusals::default(),
            judged: Mutex::default(),
        };
        Self { run: Arc::new(run), request, engine: resolver.engine.clone() }
    }

    /// Returns what the chain decides. Asked again, it answers from its record.
    ///
    /// # Errors
    /// When the run ended without a decision.
    pub async fn resolve(&self) -> Result<Outcome, Error> {
        let limit = self.run.answers.budget.wall;
        let whole = async {
            let _permit = self.engine.reserve(self.run.chain.len()).await.map_err(Error::Busy)?;
            let decision = self.run.decide(0, self.request.clone(), None, false).await;
            if let Some(fatal) = lock(&self.run.fatal).clone() {
                return Err(fatal);
            }
            self.outcome(decision).await
        };
        // A source that would wait to ask again knows by this whether that is of use.
        let whole = deadline::within(tokio::time::Instant::now() + limit, whole);
        tokio::time::timeout(limit, whole).await.unwrap_or(Err(Error::Timeout { limit }))
    }

    /// Returns content that this run has met, verified: for whoever wants more bytes than the request attached.
    ///
    /// # Errors
    /// When it was not met, the budget is used up, or it cannot be read.
    pub async fn fetch(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Bytes, Error> {
        Ok(self.run.answers.fetch(None, repository, &descriptor.digest).await?)
    }

    /// Returns what was done so far.
    pub fn trace(&self) -> Trace {
        self.run.answers.recorder.trace()
    }

    /// Returns the limits of the run.
    pub fn budget(&self) -> Budget {
        self.run.answers.budget
    }

    /// Returns what was used so far.
    pub fn spent(&self) -> Spent {
        let answers = &self.run.answers;
        answers.counters.spent(self.run.started.elapsed(), answers.account.most())
    }
}

impl Run {
    /// Returns what the chain from a place on decides of a request, once per run.
    /// `seen` is whether a policy that may read documents looks at the answer; a later question is answered from the
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
            self.decisions.get(Place(index, request.clone()), admit, ask).await
        })
    }

    async fn ask(
        self: &Arc<Self>,
        index: usize,
        request: &Request,
        parent: Option<usize>,
        seen: bool,
    ) -> Result<Decision<Descriptor>, Failure> {
        let Some(link) = self.chain.get(index) else {
            let last = index.checked_sub(1).and_then(|index| self.chain.get(index));
            let policy = last.map_or_else(String::new, Link::name);
            return Err(self.stop(Error::Outcome { policy, problem: OutcomeError::NoNext }));
        };
        let event = Event::Policy {
            name: link.name(),
            reference: request.reference.to_string(),
            decision: None,
            usage: Usage::default(),
        };
        self.hold(event.footprint())?;
        let span = self.answers.recorder.begin(parent, event);
        let (result, usage) = match self.vouch.clone() {
            Some(vouch) if index + 1 == self.chain.len() => {
                self.vouched(&*vouch, (link, index, span), request, seen).await
            }
            _ => self.run(link, index, span, request, seen).await,
        };
        self.answers.counters.policy(usage.cpu, usage.memory);
        let mut next = None;
        let (told, result) = match result {
            Ok(Step::Decided(decision, told)) => (told, Ok(decision)),
            Ok(Step::Next(request, told)) => {
                let decision = self.decide(index + 1, request.clone(), Some(span), seen).await;
                next = Some(request);
                (told, decision)
            }
            Err(failure) => (Vec::new(), Err(failure)),
        };
        // In the record, on its way to who asked, and its images and reasons in the records of refusals and judgements.
        let result = self.hold(6 * result.footprint()).and(result);
        let held = result.and_then(|decision| self.held((link, index), request, &told, decision, next.is_some()));
        // What came from the rest of the chain is cut to this request as well.
        let result = held.and_then(|decision| self.fit(link, request, decision));
        self.note(link, &result);
        if let Ok(decision @ Decision::Denied(_)) = &result {
            self.refusals.record(index, request, &told, decision);
        }
        let mut text = decided::describe(self, link, request, &result, next.as_ref());
        shorten(&mut text, MESSAGE);
        self.answers.account.add(text.len());
        self.answers.recorder.end(span, |event| {
            if let Event::Policy { decision, usage: used, .. } = event {
                (*decision, *used) = (Some(text), usage);
            }
        });
        result
    }

    /// Returns a decision that holds against the refusals of the policies after this one.
    fn held(
        &self,
        (link, index): (&Link, usize),
        request: &Request,
        told: &[Told],
        decision: Decision<Descriptor>,
        passed: bool,
    ) -> Result<Decision<Descriptor>, Failure> {
        let ledger = &self.answers.ledger;
        let checked = match &decision {
            Decision::Denied(_) => Ok(()),
            Decision::Resolved(resolved) => check::tag(ledger, request, &resolved.reference, &resolved.root.digest)
                .and_then(|()| self.refusals.check(ledger, index, request, told, (resolved, passed))),
        };
        checked.map_err(|problem| self.stop(Error::Outcome { policy: link.name(), problem }))?;
        // Here, because the images of a request for the root alone are cut off afterwards.
        self.refusals.record(index, request, told, &decision);
        Ok(decision)
    }

    pub(crate) async fn run(
        self: &Arc<Self>,
        link: &Link,
        index: usize,
        span: usize,
        request: &Request,
        seen: bool,
    ) -> (Result<Step, Failure>, Usage) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let host = Arc::new(PolicyHost {
            run: self.clone(),
            index,
            span,
            seen: seen || link.policy.imports().iter().any(|interface| interface == "registry"),
            settings: link.settings.clone(),
            told: told.clone(),
        });
        let budget = &self.answers.budget;
        let limits = Limits {
            cpu: budget.cpu,
            wall: budget.wall.saturating_sub(self.started.elapsed()),
            memory: budget.memory,
            ..Limits::default()
        };
        let (claim, usage) = link.policy.run(host, limits, request).await;
        let told = std::mem::take(&mut *lock(&told));
        let policy = link.name();
        let step = match claim {
            Ok(Claim::Next(request)) => Ok(Step::Next(request, told)),
            Ok(Claim::Decision(claim)) => match self.see_root(span, &claim).await {
                Err(error) => Err(self.stop(Error::Content(error))),
                Ok(()) => check::decision(&self.answers.ledger, request, claim)
                    .map(|decision| Step::Decided(decision, told))
                    .map_err(|problem| self.stop(Error::Outcome { policy, problem })),
            },
            Err(RunError::Failed(failure)) => Err(failure),
            Err(RunError::Timeout { .. }) => Err(self.stop(Error::Timeout { limit: budget.wall })),
            Err(error) => Err(self.stop(Error::Policy { policy, error })),
        };
        (step, usage)
    }

    /// Reads the root of a claim where this run knows of it only what an index or a list says: it may be a layer.
    /// What a transport resolves by itself and does not show, it reads by itself as well.
    async fn see_root(&self, span: usize, claim: &Decision<Digest>) -> Result<(), refkit_content::Error> {
        let Decision::Resolved(Resolved { reference, root, .. }) = claim else { return Ok(()) };
        let (ledger, repository) = (&self.answers.ledger, reference.repository());
        let is_listed = ledger.met(repository, root).is_some_and(|(met, _)| media_type::is_document(&met.media_type));
        if !is_listed || ledger.is_seen(repository, root) {
            return Ok(());
        }
        match self.answers.fetch(Some(span), repository, root).await {
            Err(error) if self.vouch.is_some() && error.code() == Code::Unsupported => Ok(()),
            other => other.map(drop),
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
            self.judged(link, request, resolved);
        }
        match check::fit(request, decision) {
            Ok(Fit::Decision(decision)) => Ok(decision),
            Ok(Fit::Failed(failure)) => Err(failure),
            Err(problem) => Err(self.stop(Error::Outcome { policy: link.name(), problem })),
        }
    }

    /// Records the images that a policy looked at where none were asked for.
    fn judged(&self, link: &Link, request: &Request, resolved: &Resolved<Descriptor>) {
        let mut judged = lock(&self.judged);
        for (place, image) in resolved.images.iter().enumerate() {
            let Ok(image) = image else { continue };
            let wanted = match &request.selection {
                Selection::Platforms(platforms) => platforms.get(place),
                Selection::All => None,
            };
            let platform = image.platform.as_ref().or(wanted).cloned();
            let one = Judged { policy: link.name(), platform, manifest: image.manifest.digest.clone() };
            judged.push((resolved.reference.clone(), resolved.root.digest.clone(), one));
        }
    }

    /// Takes memory for what the record of decisions keeps. Without the record there is no decision.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), Failure> {
        let account = &self.answers.account;
        account.take(bytes).map_err(|_| self.stop(Error::Held { limit: account.limit() }))
    }

    /// Ends the run with an error that no policy can turn into an answer.
    fn stop(&self, error: Error) -> Failure {
        let failure = Failure { code: error.code(), message: error.to_string() };
        lock(&self.fatal).get_or_insert(error);
        failure
    }

    fn note(&self, link: &Link, result: &Result<Decision<Descriptor>, Failure>) {
        let mut denied_by = lock(&self.denied_by);
        let mut deny = |denials: &[Denial]| {
            for denial in denials {
                denied_by.entry(denial.clone()).or_insert_with(|| link.name());
            }
        };
        match result {
            Ok(Decision::Denied(denials)) => deny(denials),
            Ok(Decision::Resolved(resolved)) => {
                for place in &resolved.images {
                    if let Err(Absence::Denied(denials)) = place {
                        deny(denials);
                    }
                }
            }
            Err(failure) => {
                lock(&self.failed_by).entry(failure.clone()).or_insert_with(|| link.name());
            }
        }
    }

    /// Returns which policy gave a reason first.
    pub(crate) fn denied_by(&self, denial: &Denial) -> Option<String> {
        lock(&self.denied_by).get(denial).cloned()
    }
}

impl Session {
    /// Returns the policy that gave a reason first: for a denial that stands in the place of an image.
    pub fn denied_by(&self, denial: &Denial) -> Option<String> {
        self.run.denied_by(denial)
    }
}

#[expect(clippy::large_enum_variant, reason = "there is one at a time, and most are of the large kind")]
pub(crate) enum Step {
    Decided(Decision<Descriptor>, Vec<Told>),
    Next(Request, Vec<Told>),
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
