//! The host calls of one policy in a chain.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use refkit_contract::{Content, Decision, Failure, Level, Request};
use refkit_oci::{Descriptor, Digest, Footprint, Reference, Repository};
use refkit_sandbox::{Hold, Host};

use crate::answers::exhausted;
use crate::observation::Failed;
use crate::refusals::NextAnswer;
use crate::run::Run;
use crate::trace::{Event, MESSAGE, shorten};

/// The most fields of a message that the trace keeps.
const FIELDS: usize = 32;

/// One policy's side of the run.
pub(crate) struct PolicyHost {
    pub(crate) run: Arc<Run>,
    /// Where the rest of the chain begins: its place in the chain.
    pub(crate) rest: usize,
    /// Its span in the trace.
    pub(crate) span: usize,
    /// Whether a policy that may read documents waits for the answer of the rest of the chain: this one, where it imports
    /// `registry`, or one before it. Other policies see references and digests alone, and a delegate can answer for these.
    pub(crate) seen: bool,
    pub(crate) settings: Arc<BTreeMap<String, String>>,
    /// What the rest of the chain answered to it.
    pub(crate) heard: Arc<Mutex<Vec<NextAnswer>>>,
    /// The failures that its calls were answered with.
    pub(crate) failures: Arc<Mutex<Vec<Failure>>>,
}

/// The most failures of one policy that the attribution looks at.
const FAILURES: usize = 1_000;

impl PolicyHost {
    /// Returns the failure of a call for the policy, and keeps it for the attribution of what the policy returns.
    pub(crate) fn failed(&self, failed: Failed) -> Failure {
        let failure = Failure::from(failed);
        let mut failures = self.failures.lock();
        if failures.last() != Some(&failure) {
            // The last failure is the one that a policy mostly passes on.
            if failures.len() >= FAILURES {
                failures.pop();
            } else {
                self.run.answers.account.add(failure.footprint());
            }
            failures.push(failure.clone());
        }
        failure
    }
}

#[async_trait]
impl Host for PolicyHost {
    async fn resolve(&self, reference: &Reference) -> Result<Descriptor, Failure> {
        self.run.answers.resolve(Some(self.span), reference).await.map_err(|failed| self.failed(failed))
    }

    async fn pull(&self, reference: &Reference) -> Result<Content, Failure> {
        self.run.answers.pull(Some(self.span), reference).await.map_err(|failed| self.failed(failed))
    }

    async fn fetch(&self, repository: &Repository, digest: &Digest) -> Result<Bytes, Failure> {
        self.run.answers.fetch(Some(self.span), repository, digest).await.map_err(|failed| self.failed(failed))
    }

    async fn fetch_range(
        &self,
        repository: &Repository,
        digest: &Digest,
        offset: u64,
        length: u32,
    ) -> Result<Bytes, Failure> {
        self.run
            .answers
            .fetch_range(Some(self.span), repository, digest, offset, length)
            .await
            .map_err(|failed| self.failed(failed))
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Arc<Vec<Descriptor>>, Failure> {
        self.run
            .answers
            .referrers(Some(self.span), repository, subject, artifact_type)
            .await
            .map_err(|failed| self.failed(failed))
    }

    async fn tags(&self, repository: &Repository) -> Result<Arc<Vec<String>>, Failure> {
        self.run.answers.tags(Some(self.span), repository).await.map_err(|failed| self.failed(failed))
    }

    async fn next(&self, request: Request) -> Result<Decision<Descriptor>, Failure> {
        let answers = &self.run.answers;
        let answer = match answers.counters.call(&answers.budget) {
            Ok(()) => self.run.decide(self.rest, request.clone(), Some(self.span), self.seen).await,
            Err(problem) => Err(exhausted(problem)),
        };
        let mut heard = self.heard.lock();
        if !heard.iter().any(|heard| heard.request == request && heard.result == answer) {
            // A policy could otherwise act on an answer that the run has no record of.
            self.run.hold(request.footprint() + answer.footprint())?;
            heard.push(NextAnswer { request, result: answer.clone() });
        }
        answer
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    fn settings(&self) -> Vec<(String, String)> {
        self.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn now(&self) -> u64 {
        self.run.clock_read.store(true, Ordering::Relaxed);
        self.run.now
    }

    fn hold(&self, bytes: u64) -> Result<Hold, Failure> {
        let aside = self.run.answers.account.set_aside(usize::try_from(bytes).unwrap_or(usize::MAX));
        aside.map(Hold::new).map_err(exhausted)
    }

    fn event(&self, level: Level, mut message: String, mut fields: Vec<(String, String)>) {
        let answers = &self.run.answers;
        if !answers.counters.event(&answers.budget) {
            return;
        }
        let mut left = MESSAGE;
        let mut cut = |text: &mut String| {
            shorten(text, left);
            left = left.saturating_sub(text.len());
        };
        cut(&mut message);
        fields.truncate(FIELDS);
        for (name, value) in &mut fields {
            cut(name);
            cut(value);
        }
        fields.shrink_to_fit();
        let event = Event::Message { level, message, fields };
        // A message that there is no memory for is one more than the trace keeps.
        if answers.account.keep(&event).is_ok() {
            let span = answers.recorder.begin(Some(self.span), event);
            answers.recorder.end(span, |_| ());
        }
    }
}
