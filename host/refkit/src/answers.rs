//! The questions of one run: each is granted, counted, asked once, recorded and traced.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use refkit_content::{Answer, Code, Content, Error, Operation, Problem, Source, Vouch, Vouched};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_sandbox::{ErrorCode, Failure};
use tokio::sync::OnceCell;

use crate::budget::{Budget, Counters};
use crate::grants::Grants;
use crate::ledger::{Ledger, Name};
use crate::trace::{Answered, Event, Question, Recorder};

/// Answers that stay for the rest of the run, errors too. Equal questions that are asked at once wait for one answer.
#[derive(Debug)]
pub(crate) struct Once<K, V>(Mutex<HashMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Once<K, V> {
    pub(crate) async fn get(&self, key: K, ask: impl Future<Output = V>) -> V {
        let cell = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).entry(key).or_default().clone();
        cell.get_or_init(|| ask).await.clone()
    }
}

type Once2<K, T> = Once<K, Result<T, Error>>;

/// What one run may ask, and what it was told.
pub(crate) struct Answers {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) requested: Repository,
    pub(crate) grants: Grants,
    pub(crate) budget: Budget,
    pub(crate) counters: Counters,
    pub(crate) ledger: Ledger,
    pub(crate) recorder: Recorder,
    resolved: Once2<Name, Descriptor>,
    pulled: Once2<Name, Content>,
    fetched: Once2<(Repository, Digest), Bytes>,
    tags: Once2<Repository, Arc<Vec<String>>>,
    referrers: Once2<(Repository, Digest, Option<String>), Vec<Descriptor>>,
    failures: Mutex<Vec<Error>>,
}

impl Answers {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        requested: Repository,
        grants: Grants,
        budget: Budget,
        started: Instant,
    ) -> Self {
        Self {
            source,
            requested,
            grants,
            budget,
            counters: Counters::default(),
            ledger: Ledger::default(),
            recorder: Recorder::new(started),
            resolved: Once::default(),
            pulled: Once::default(),
            fetched: Once::default(),
            tags: Once::default(),
            referrers: Once::default(),
            failures: Mutex::default(),
        }
    }

    pub(crate) async fn resolve(&self, span: Option<usize>, reference: &Reference) -> Result<Descriptor, Error> {
        let name = Name::of(reference);
        let ask = async {
            if let Some(known) = self.ledger.named(&name) {
                return Ok(known);
            }
            let asked =
                self.ask(span, Question::Resolve, Operation::Resolve, reference, reference.repository(), async {
                    let answer = self.source.resolve(reference).await?;
                    let what = answer.value.digest.to_string();
                    Ok((answer, what, 0))
                });
            let descriptor = asked.await?;
            self.ledger.root(name.clone(), &descriptor);
            Ok(descriptor)
        };
        self.keep(self.resolved.get(name.clone(), ask).await)
    }

    pub(crate) async fn pull(&self, span: Option<usize>, reference: &Reference) -> Result<Content, Error> {
        let name = Name::of(reference);
        let ask = async {
            // One tag, one answer per run: what a resolve has pinned is read by its digest.
            if let Some(descriptor) = self.ledger.named(&name) {
                let bytes = self.fetch(span, reference.repository(), &descriptor.digest).await?;
                return Ok(Content { descriptor, bytes });
            }
            let asked = self.ask(span, Question::Pull, Operation::Pull, reference, reference.repository(), async {
                let answer = self.source.pull(reference).await?;
                let (what, bytes) = (answer.value.descriptor.digest.to_string(), answer.value.bytes.len() as u64);
                Ok((answer, what, bytes))
            });
            let content = asked.await?;
            let fail = |problem| Error::new(Operation::Pull, reference, problem);
            self.counters.content(&self.budget, content.bytes.len() as u64).map_err(fail)?;
            if content.bytes.len() as u64 > self.budget.content {
                return Err(fail(Problem::TooLarge { limit: self.budget.content }));
            }
            self.ledger.root(name.clone(), &content.descriptor);
            self.ledger.read(reference.repository(), &content.descriptor, &content.bytes).map_err(fail)?;
            Ok(content)
        };
        self.keep(self.pulled.get(name.clone(), ask).await)
    }

    pub(crate) async fn fetch(
        &self,
        span: Option<usize>,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Bytes, Error> {
        self.fetch_within(span, repository, digest, self.budget.content).await
    }

    /// Reads a blob whole to hand out a part of it: it is checked whole, and stays in the host.
    pub(crate) async fn fetch_range(
        &self,
        span: Option<usize>,
        repository: &Repository,
        digest: &Digest,
        offset: u64,
        length: u32,
    ) -> Result<Bytes, Error> {
        let bytes = self.fetch_within(span, repository, digest, self.budget.bytes).await?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(length as usize).min(bytes.len());
        Ok(bytes.slice(start..end))
    }

    async fn fetch_within(
        &self,
        span: Option<usize>,
        repository: &Repository,
        digest: &Digest,
        limit: u64,
    ) -> Result<Bytes, Error> {
        let subject = format!("{repository}@{digest}");
        let fail = |problem| Error::new(Operation::Fetch, &subject, problem);
        let granted = self.grants.check(&self.requested, repository);
        self.keep(granted.map_err(fail))?;
        let Some((descriptor, depth)) = self.ledger.met(repository, digest) else {
            let text = "this run has not met that digest in that repository; resolve or pull what names it first";
            return self.keep(Err(fail(Problem::NotGranted(text.into()))));
        };
        if descriptor.media_type == crate::vouched::UNSEEN && self.ledger.is_vouched(repository, digest) {
            let text = "nobody has seen it: only the transport's word stands for it";
            return self.keep(Err(fail(Problem::Unsupported(text.into()))));
        }
        // Outside of the record: the same content may be too large for one way of asking and not for the other.
        if descriptor.size > limit {
            return self.keep(Err(fail(Problem::TooLarge { limit })));
        }
        let ask = async {
            if let Some((content, _)) = self.ledger.met(repository, digest)
                && self.ledger.names(repository, digest).is_some()
                && let Some(bytes) = self.ledger.bytes(&content.digest)
            {
                return Ok(bytes);
            }
            if media_type::is_index(&descriptor.media_type) {
                self.counters.depth(&self.budget, depth).map_err(fail)?;
            }
            self.counters.content(&self.budget, descriptor.size).map_err(fail)?;
            let asked = self.ask(span, Question::Fetch, Operation::Fetch, &subject, repository, async {
                let answer = refkit_content::fetch(&*self.source, repository, &descriptor, limit).await?;
                let bytes = answer.value.len() as u64;
                Ok((answer, descriptor.media_type.clone(), bytes))
            });
            let bytes = asked.await?;
            self.ledger.read(repository, &descriptor, &bytes).map_err(fail)?;
            Ok(bytes)
        };
        self.keep(self.fetched.get((repository.clone(), digest.clone()), ask).await)
    }

    /// Asks a transport for its word on a reference.
    pub(crate) async fn vouched(
        &self,
        span: Option<usize>,
        vouch: &dyn Vouch,
        reference: &Reference,
    ) -> Result<Vouched, Error> {
        let asked = self.ask(span, Question::Resolve, Operation::Resolve, reference, reference.repository(), async {
            let answer = vouch.vouch(reference).await?;
            let what = answer.value.root.to_string();
            let bytes = answer.value.config.as_ref().map_or(0, |config| config.len() as u64);
            Ok((answer, what, bytes))
        });
        let vouched = self.keep(asked.await)?;
        let bytes = vouched.config.as_ref().map_or(0, |config| config.len() as u64);
        let counted = self.counters.content(&self.budget, bytes);
        self.keep(counted.map_err(|problem| Error::new(Operation::Resolve, reference, problem)))?;
        Ok(vouched)
    }

    pub(crate) async fn tags(&self, span: Option<usize>, repository: &Repository) -> Result<Arc<Vec<String>>, Error> {
        let ask = self.ask(span, Question::Tags, Operation::Tags, repository, repository, async {
            let answer = self.source.tags(repository).await?;
            let what = format!("{} tags", answer.value.len());
            let bytes = answer.value.iter().map(|tag| tag.len() as u64).sum();
            Ok((Answer { value: Arc::new(answer.value), origin: answer.origin }, what, bytes))
        });
        self.keep(self.tags.get(repository.clone(), ask).await)
    }

    pub(crate) async fn referrers(
        &self,
        span: Option<usize>,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Error> {
        let text = format!("{repository}@{subject}");
        let ask = async {
            if self.ledger.met(repository, subject).is_none() {
                let problem = Problem::NotGranted("this run has not met that digest in that repository".into());
                return Err(Error::new(Operation::Referrers, &text, problem));
            }
            let asked = self.ask(span, Question::Referrers, Operation::Referrers, &text, repository, async {
                let answer = self.source.referrers(repository, subject, artifact_type).await?;
                let what = format!("{} referrers", answer.value.len());
                Ok((answer, what, 0))
            });
            let list = asked.await?;
            self.ledger.referrers(repository, subject, &list);
            Ok(list)
        };
        let key = (repository.clone(), subject.clone(), artifact_type.map(str::to_owned));
        self.keep(self.referrers.get(key, ask).await)
    }

    /// Asks the source: granted, counted, traced.
    async fn ask<T>(
        &self,
        span: Option<usize>,
        question: Question,
        operation: Operation,
        subject: impl std::fmt::Display,
        repository: &Repository,
        ask: impl Future<Output = Result<(Answer<T>, String, u64), Error>>,
    ) -> Result<T, Error> {
        let granted = self.grants.check(&self.requested, repository).and_then(|()| self.counters.call(&self.budget));
        let subject = subject.to_string();
        let event = Event::Call { question, subject: subject.clone(), answer: None };
        let span = self.recorder.begin(span, event);
        let result = match granted {
            Ok(()) => ask.await,
            Err(problem) => Err(Error::new(operation, subject, problem)),
        };
        let (answered, result) = match result {
            Ok((answer, what, bytes)) => {
                let Answer { value, origin } = answer;
                (Answered::From { origin: Some(origin), what, bytes }, Ok(value))
            }
            Err(error) => (Answered::Failed(error.to_string()), Err(error)),
        };
        self.recorder.end(span, |event| {
            if let Event::Call { answer, .. } = event {
                *answer = Some(answered);
            }
        });
        result
    }

    /// Keeps the host's own record of a failure: what a policy says of it later may differ.
    fn keep<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(error.clone());
        }
        result
    }

    /// Returns the host's own record of a failure that a policy passed on.
    pub(crate) fn cause(&self, failure: &Failure) -> Option<Error> {
        let failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        failures.iter().rev().find(|error| error.to_string() == failure.message).cloned()
    }
}

/// Returns the contract's code of a failure.
pub(crate) fn code(code: Code) -> ErrorCode {
    match code {
        Code::Invalid => ErrorCode::Invalid,
        Code::NotFound => ErrorCode::NotFound,
        Code::Unauthorized => ErrorCode::Unauthorized,
        Code::NotGranted => ErrorCode::NotGranted,
        Code::BudgetExhausted => ErrorCode::BudgetExhausted,
        Code::Unsupported => ErrorCode::Unsupported,
        Code::RateLimited => ErrorCode::RateLimited,
        Code::Unavailable => ErrorCode::Unavailable,
        Code::Timeout => ErrorCode::Timeout,
        Code::Other => ErrorCode::Other,
    }
}

/// Returns a failure as a policy is told of it.
pub(crate) fn failure(error: Error) -> Failure {
    Failure { code: code(error.code()), message: error.to_string() }
}
