//! The questions of one run: each is granted, counted, asked once, recorded and traced.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use refkit_content::verify::MANIFEST_LIMIT;
use refkit_content::{Content, Error, ErrorKind, Operation, Source, WithOrigin};
use refkit_contract::Failure;
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Footprint, Reference, Repository};

use crate::account::Account;
use crate::budget::{Budget, Counters};
use crate::delegate::{Delegate, Delegated};
use crate::failures::Failures;
use crate::grants::Grants;
use crate::ledger::{Ledger, Name};
use crate::once::Once;
use crate::room::{REFERRERS, Rooms, TAGS};
use crate::trace::{Answered, Event, MESSAGE, Question, Recorder, shorten};

type Asked<K, T> = Once<K, Result<T, Error>>;

/// A subject, and the artifact type of the referrers that are asked for.
type Listing = ((Repository, Digest), Option<String>);

/// What one run may ask, and what it was told.
pub(crate) struct Answers {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) requested: Repository,
    pub(crate) grants: Grants,
    pub(crate) budget: Budget,
    pub(crate) counters: Counters,
    pub(crate) account: Arc<Account>,
    pub(crate) ledger: Ledger,
    pub(crate) recorder: Recorder,
    rooms: Rooms,
    resolved: Asked<Name, Descriptor>,
    pulled: Asked<Name, Content>,
    fetched: Asked<(Repository, Digest), Bytes>,
    tags: Asked<Repository, Arc<Vec<String>>>,
    referrers: Asked<Listing, Arc<Vec<Descriptor>>>,
    failures: Failures,
}

impl Answers {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        requested: Repository,
        grants: Grants,
        budget: Budget,
        started: Instant,
    ) -> Self {
        let account = Account::new(budget.held);
        Self {
            source,
            requested,
            grants,
            budget,
            counters: Counters::default(),
            ledger: Ledger::new(account.clone()),
            rooms: Rooms::new(account.clone()),
            account,
            recorder: Recorder::new(started),
            resolved: Once::default(),
            pulled: Once::default(),
            fetched: Once::default(),
            tags: Once::default(),
            referrers: Once::default(),
            failures: Failures::default(),
        }
    }

    /// Counts a policy's question, whatever becomes of it. What the host asks by itself counts where a source is asked.
    fn enter(&self, span: Option<usize>) -> Result<(), ErrorKind> {
        if span.is_some() { self.counters.call(&self.budget) } else { Ok(()) }
    }

    pub(crate) async fn resolve(&self, span: Option<usize>, reference: &Reference) -> Result<Descriptor, Error> {
        let name = Name::of(reference);
        let fail = |problem| Error::new(Operation::Resolve, reference, problem);
        let ask = async {
            if let Some(known) = self.ledger.named(&name) {
                return Ok(known);
            }
            let asked =
                self.ask(span, Question::Resolve, Operation::Resolve, reference, reference.repository(), async {
                    let answer = self.source.resolve(reference).await?;
                    // A policy that resolves a tag need not read what it names: schema 1 would be pinned unread.
                    if media_type::is_schema1(&answer.value.media_type) {
                        let checked = media_type::check_document(&answer.value.media_type);
                        checked.map_err(|error| fail(ErrorKind::Unsupported(error.to_string())))?;
                    }
                    let what = answer.value.digest.to_string();
                    Ok((answer, what, 0))
                });
            let descriptor = asked.await?;
            self.account.keep(&descriptor).map_err(fail)?;
            self.ledger.root(name.clone(), &descriptor).map_err(fail)?;
            Ok(descriptor)
        };
        self.keep(self.enter(span).map_err(fail))?;
        let admit = |bytes| self.account.take(bytes).map_err(fail);
        self.keep(self.resolved.get(name.clone(), admit, ask).await)
    }

    pub(crate) async fn pull(&self, span: Option<usize>, reference: &Reference) -> Result<Content, Error> {
        let name = Name::of(reference);
        let fail = |problem| Error::new(Operation::Pull, reference, problem);
        let ask = async {
            // One tag, one answer per run: what a resolve has pinned is read by its digest.
            if let Some(descriptor) = self.ledger.named(&name) {
                let bytes = self.read(span, reference.repository(), &descriptor.digest, self.budget.content).await?;
                return Ok(Content { descriptor, bytes });
            }
            let room = self.rooms.take(MANIFEST_LIMIT).await.map_err(fail)?;
            let asked = self.ask(span, Question::Pull, Operation::Pull, reference, reference.repository(), async {
                let answer = self.source.pull(reference).await?;
                let (what, bytes) = (answer.value.descriptor.digest.to_string(), answer.value.bytes.len() as u64);
                Ok((answer, what, bytes))
            });
            let content = asked.await?;
            drop(room);
            self.counters.content(&self.budget, content.bytes.len() as u64).map_err(fail)?;
            if content.bytes.len() as u64 > self.budget.content {
                return Err(fail(ErrorKind::TooLarge { limit: self.budget.content }));
            }
            self.account.keep(&content.descriptor).map_err(fail)?;
            self.ledger.root(name.clone(), &content.descriptor).map_err(fail)?;
            self.ledger.read(reference.repository(), &content.descriptor, &content.bytes).map_err(fail)?;
            Ok(content)
        };
        self.keep(self.enter(span).map_err(fail))?;
        let admit = |bytes| self.account.take(bytes).map_err(fail);
        self.keep(self.pulled.get(name.clone(), admit, ask).await)
    }

    pub(crate) async fn fetch(
        &self,
        span: Option<usize>,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Bytes, Error> {
        self.enter_fetch(span, repository, digest)?;
        self.read(span, repository, digest, self.budget.content).await
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
        self.enter_fetch(span, repository, digest)?;
        let bytes = self.read(span, repository, digest, self.budget.bytes).await?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(length as usize).min(bytes.len());
        Ok(bytes.slice(start..end))
    }

    fn enter_fetch(&self, span: Option<usize>, repository: &Repository, digest: &Digest) -> Result<(), Error> {
        let fail = |problem| Error::new(Operation::Fetch, format_args!("{repository}@{digest}"), problem);
        self.keep(self.enter(span).map_err(fail))
    }

    async fn read(
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
            return self.keep(Err(fail(ErrorKind::NotGranted(text.into()))));
        };
        if descriptor.media_type == crate::delegated::UNSEEN && self.ledger.is_delegated(repository, digest) {
            let text = "only the transport answered for it, and does not show it";
            return self.keep(Err(fail(ErrorKind::Unsupported(text.into()))));
        }
        // Outside of the record: the same content may be too large for one way of asking and not for the other.
        if descriptor.size > limit {
            return self.keep(Err(fail(ErrorKind::TooLarge { limit })));
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
            // What is too much to be kept is not asked for.
            let aside = self.account.set_aside(descriptor.size as usize).map_err(fail)?;
            let asked = self.ask(span, Question::Fetch, Operation::Fetch, &subject, repository, async {
                let answer = refkit_content::fetch(&*self.source, repository, &descriptor, limit).await?;
                let bytes = answer.value.len() as u64;
                Ok((answer, descriptor.media_type.clone(), bytes))
            });
            let bytes = asked.await?;
            drop(aside);
            self.ledger.read(repository, &descriptor, &bytes).map_err(fail)?;
            Ok(bytes)
        };
        let admit = |bytes| self.account.take(bytes).map_err(fail);
        self.keep(self.fetched.get((repository.clone(), digest.clone()), admit, ask).await)
    }

    /// Asks the delegate what a reference resolves to.
    pub(crate) async fn delegated(
        &self,
        span: Option<usize>,
        delegate: &dyn Delegate,
        reference: &Reference,
    ) -> Result<Delegated, Error> {
        let fail = |problem| Error::new(Operation::Resolve, reference, problem);
        self.keep(self.enter(span).map_err(fail))?;
        let asked = self.ask(span, Question::Resolve, Operation::Resolve, reference, reference.repository(), async {
            let answer = delegate.resolve(reference).await?;
            let what = answer.value.root.to_string();
            let bytes = answer.value.config.as_ref().map_or(0, |config| config.len() as u64);
            Ok((answer, what, bytes))
        });
        let delegated = self.keep(asked.await)?;
        let bytes = delegated.config.as_ref().map_or(0, |config| config.len() as u64);
        let counted = self.counters.content(&self.budget, bytes);
        self.keep(counted.map_err(fail))?;
        Ok(delegated)
    }

    pub(crate) async fn tags(&self, span: Option<usize>, repository: &Repository) -> Result<Arc<Vec<String>>, Error> {
        let fail = |problem| Error::new(Operation::Tags, repository, problem);
        let ask = async {
            let room = self.rooms.take(TAGS).await.map_err(fail)?;
            let asked = self.ask(span, Question::Tags, Operation::Tags, repository, repository, async {
                let answer = self.source.tags(repository).await?;
                let what = format!("{} tags", answer.value.len());
                let bytes = answer.value.iter().map(|tag| tag.len() as u64).sum();
                Ok((WithOrigin { value: Arc::new(answer.value), origin: answer.origin }, what, bytes))
            });
            let tags = asked.await?;
            drop(room);
            self.list(&*tags).map_err(fail)?;
            Ok(tags)
        };
        self.keep(self.enter(span).map_err(fail))?;
        let admit = |bytes| self.account.take(bytes).map_err(fail);
        self.keep(self.tags.get(repository.clone(), admit, ask).await)
    }

    pub(crate) async fn referrers(
        &self,
        span: Option<usize>,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Arc<Vec<Descriptor>>, Error> {
        let text = format!("{repository}@{subject}");
        let fail = |problem| Error::new(Operation::Referrers, &text, problem);
        let ask = async {
            if self.ledger.met(repository, subject).is_none() {
                let text = "this run has not met that digest in that repository";
                return Err(fail(ErrorKind::NotGranted(text.into())));
            }
            let room = self.rooms.take(REFERRERS).await.map_err(fail)?;
            let asked = self.ask(span, Question::Referrers, Operation::Referrers, &text, repository, async {
                let answer = self.source.referrers(repository, subject, artifact_type).await?;
                let what = format!("{} referrers", answer.value.len());
                Ok((WithOrigin { value: Arc::new(answer.value), origin: answer.origin }, what, 0))
            });
            let list = asked.await?;
            drop(room);
            self.list(&*list).map_err(fail)?;
            self.ledger.referrers(repository, subject, &list).map_err(fail)?;
            Ok(list)
        };
        self.keep(self.enter(span).map_err(fail))?;
        let key = ((repository.clone(), subject.clone()), artifact_type.map(str::to_owned));
        let admit = |bytes| self.account.take(bytes).map_err(fail);
        self.keep(self.referrers.get(key, admit, ask).await)
    }

    /// Counts a list that has come, as content and as what is kept.
    fn list(&self, list: &impl Footprint) -> Result<(), ErrorKind> {
        self.counters.list(&self.budget, list.footprint() as u64)?;
        self.account.keep(list)
    }

    /// Asks the source: granted, counted, traced.
    async fn ask<T>(
        &self,
        span: Option<usize>,
        question: Question,
        operation: Operation,
        subject: impl std::fmt::Display,
        repository: &Repository,
        ask: impl Future<Output = Result<(WithOrigin<T>, String, u64), Error>>,
    ) -> Result<T, Error> {
        let call = || if span.is_none() { self.counters.call(&self.budget) } else { Ok(()) };
        let granted = self.grants.check(&self.requested, repository).and_then(|()| call());
        let subject = subject.to_string();
        let event = Event::Call { question, subject: subject.clone(), answer: None };
        self.account.keep(&event).map_err(|problem| Error::new(operation, &subject, problem))?;
        let span = self.recorder.begin(span, event);
        let result = match granted {
            Ok(()) => ask.await,
            Err(problem) => Err(Error::new(operation, subject, problem)),
        };
        let (answered, result) = match result {
            Ok((answer, what, bytes)) => {
                let WithOrigin { value, origin } = answer;
                (Answered::From { origin: Some(origin), what, bytes }, Ok(value))
            }
            Err(error) => {
                let mut text = error.to_string();
                shorten(&mut text, MESSAGE);
                (Answered::Failed(text), Err(error))
            }
        };
        // The calls bound how many there are, and each is short.
        self.account.add(answered.footprint());
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
            self.failures.note(&self.account, error);
        }
        result
    }

    /// Returns the host's own record of a failure that a policy passed on.
    pub(crate) fn cause(&self, failure: &Failure) -> Option<Error> {
        self.failures.find(&failure.message)
    }
}

/// Returns a problem of the run itself, which no question has, as a failure.
pub(crate) fn exhausted(problem: ErrorKind) -> Failure {
    Failure::new(problem.code(), problem.to_string())
}

/// Returns a failure as a policy is told of it.
pub(crate) fn failure(error: Error) -> Failure {
    Failure::new(error.code(), error.to_string())
}
