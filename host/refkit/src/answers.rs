//! The host calls of one run: the host checks the grant, counts the call, asks the source once and keeps the observation.

mod ask;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Content, Error, ErrorKind, Source, WithOrigin};
use refkit_contract::Failure;
use refkit_oci::document::media_type;
use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};

use crate::account::Account;
use crate::budget::{Budget, Counters};
use crate::delegate::{Delegate, Delegated};
use crate::grants::Grants;
use crate::ledger::{Ledger, Name, UNSEEN};
use crate::observation::{Answer, Call, Failed};
use crate::once::Once;
use crate::room::{REFERRERS, Rooms, TAGS};
use crate::trace::Recorder;
pub(crate) use ask::Answered;
use ask::Refused;

type Asked<K, T> = Once<K, Result<T, Failed>>;

/// A subject, and the artifact type of the referrers that are asked for.
type Listing = ((Repository, Digest), Option<String>);

/// The calls that one run may make, and their answers.
pub(crate) struct Answers {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) requested: Vec<Repository>,
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
    refused: Mutex<Refused>,
}

impl Answers {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        requested: Vec<Repository>,
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
            refused: Mutex::default(),
        }
    }

    /// Counts a policy's call, whatever becomes of it. The host's own calls count where a source is asked.
    pub(crate) fn enter(&self, span: Option<usize>, call: &Call) -> Result<(), Failed> {
        if span.is_none() {
            return Ok(());
        }
        self.counters.call(&self.budget).map_err(|kind| self.refuse(span, call, kind))
    }

    pub(crate) async fn resolve(&self, span: Option<usize>, reference: &Reference) -> Result<Descriptor, Failed> {
        let (name, call) = (Name::of(reference), Call::Resolve(reference.clone()));
        let fail = |kind| self.refuse(span, &call, kind);
        let ask = async {
            if let Some(known) = self.ledger.named(&name) {
                return Ok(known);
            }
            let asked = self.ask(span, &call, async {
                let answer = self.source.resolve(reference).await?;
                // A policy that resolves a tag need not read what it names: schema 1 would be pinned unread.
                refuse_schema1(&call, &answer.value)?;
                Ok(Answered::new(Answer::Resolved(answer.value.clone()), answer))
            });
            asked.await
        };
        self.enter(span, &call)?;
        self.resolved.get(name.clone(), |bytes| self.account.take(bytes).map_err(fail), ask).await
    }

    pub(crate) async fn pull(&self, span: Option<usize>, reference: &Reference) -> Result<Content, Failed> {
        let (name, call) = (Name::of(reference), Call::Pull(reference.clone()));
        let fail = |kind| self.refuse(span, &call, kind);
        let ask = async {
            // One tag, one answer per run: what a resolve has pinned is read by its digest.
            if let Some(descriptor) = self.ledger.named(&name) {
                let bytes = self.read(span, reference.repository(), &descriptor.digest, self.budget.content).await?;
                return Ok(Content { descriptor, bytes });
            }
            let room = self.rooms.take(MANIFEST_LIMIT).await.map_err(fail)?;
            let asked = self.ask(span, &call, async {
                let answer = self.source.pull(reference).await?;
                drop(room);
                refuse_schema1(&call, &answer.value.descriptor)?;
                let bytes = answer.value.bytes.clone();
                Ok(Answered::new(Answer::Pulled(answer.value.descriptor.clone()), answer).with_bytes(bytes))
            });
            asked.await
        };
        self.enter(span, &call)?;
        self.pulled.get(name.clone(), |bytes| self.account.take(bytes).map_err(fail), ask).await
    }

    pub(crate) async fn fetch(
        &self,
        span: Option<usize>,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Bytes, Failed> {
        self.enter(span, &Call::Fetch(repository.clone(), digest.clone()))?;
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
    ) -> Result<Bytes, Failed> {
        self.enter(span, &Call::Fetch(repository.clone(), digest.clone()))?;
        let bytes = self.read(span, repository, digest, self.budget.bytes).await?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(length as usize).min(bytes.len());
        Ok(bytes.slice(start..end))
    }

    async fn read(
        &self,
        span: Option<usize>,
        repository: &Repository,
        digest: &Digest,
        limit: u64,
    ) -> Result<Bytes, Failed> {
        let call = Call::Fetch(repository.clone(), digest.clone());
        let fail = |kind| self.refuse(span, &call, kind);
        self.grants.check(&self.requested, repository).map_err(fail)?;
        let Some((descriptor, depth)) = self.ledger.met(repository, digest) else {
            let text = "this run has not met that digest in that repository; resolve or pull what names it first";
            return Err(fail(ErrorKind::NotGranted(text.into())));
        };
        if descriptor.media_type == UNSEEN && self.ledger.is_delegated(repository, digest) {
            let text = "only the transport answered for it, and does not show it";
            return Err(fail(ErrorKind::Unsupported(text.into())));
        }
        // Outside of the record: the same content may be too large for one way of asking and not for the other.
        if descriptor.size > limit {
            return Err(fail(ErrorKind::TooLarge { limit }));
        }
        let ask = async {
            if self.ledger.document(repository, digest).is_some()
                && let Some(bytes) = self.ledger.bytes(digest)
            {
                return Ok(bytes);
            }
            if media_type::is_index(&descriptor.media_type) {
                self.counters.depth(&self.budget, depth).map_err(fail)?;
            }
            self.counters.content(&self.budget, descriptor.size).map_err(fail)?;
            // What is too much to be kept is not asked for.
            let aside = self.account.set_aside(descriptor.size as usize).map_err(fail)?;
            let asked = self.ask(span, &call, async {
                let answer = refkit_content::fetch(&*self.source, repository, &descriptor, limit).await?;
                drop(aside);
                let bytes = answer.value.clone();
                Ok(Answered::new(Answer::Fetched(descriptor.clone()), answer).with_bytes(bytes))
            });
            asked.await
        };
        let admit = |bytes| self.account.take(bytes).map_err(fail);
        self.fetched.get((repository.clone(), digest.clone()), admit, ask).await
    }

    /// Asks the delegate what a reference resolves to, and returns the ledger's records of it.
    pub(crate) async fn delegated(
        &self,
        span: Option<usize>,
        delegate: &dyn Delegate,
        reference: &Reference,
    ) -> Result<(Descriptor, Option<(Descriptor, Bytes)>), Failed> {
        let call = Call::Delegate(reference.clone());
        self.enter(span, &call)?;
        let asked = self.ask(span, &call, async {
            let WithOrigin { value: Delegated { root, config }, origin } = delegate.resolve(reference).await?;
            let config = config.map(|bytes| (verify::digest(Algorithm::Sha256, &bytes), bytes));
            let size = config.as_ref().map(|(digest, bytes)| (digest.clone(), bytes.len() as u64));
            let bytes = config.as_ref().map(|(_, bytes)| bytes.clone()).unwrap_or_default();
            let answer = Answer::Delegated { root: root.clone(), config: size };
            Ok(Answered::new(answer, WithOrigin { value: (root, config), origin }).with_bytes(bytes))
        });
        let (root, config) = asked.await?;
        let met = |digest: &Digest| {
            let met = self.ledger.met(reference.repository(), digest).map(|(descriptor, _)| descriptor);
            met.unwrap_or_else(|| Descriptor::new(UNSEEN, digest.clone(), 0))
        };
        let config = config.map(|(digest, bytes)| (met(&digest), bytes));
        Ok((met(reference.digest().unwrap_or(&root)), config))
    }

    pub(crate) async fn tags(&self, span: Option<usize>, repository: &Repository) -> Result<Arc<Vec<String>>, Failed> {
        let call = Call::Tags(repository.clone());
        let fail = |kind| self.refuse(span, &call, kind);
        let ask = async {
            let room = self.rooms.take(TAGS).await.map_err(fail)?;
            let asked = self.ask(span, &call, async {
                let WithOrigin { value, origin } = self.source.tags(repository).await?;
                drop(room);
                let tags = Arc::new(value);
                Ok(Answered::new(Answer::Tags(tags.clone()), WithOrigin { value: tags, origin }))
            });
            asked.await
        };
        self.enter(span, &call)?;
        self.tags.get(repository.clone(), |bytes| self.account.take(bytes).map_err(fail), ask).await
    }

    pub(crate) async fn referrers(
        &self,
        span: Option<usize>,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Arc<Vec<Descriptor>>, Failed> {
        let call = Call::Referrers(repository.clone(), subject.clone(), artifact_type.map(str::to_owned));
        let fail = |kind| self.refuse(span, &call, kind);
        let ask = async {
            if self.ledger.met(repository, subject).is_none() {
                let text = "this run has not met that digest in that repository";
                return Err(fail(ErrorKind::NotGranted(text.into())));
            }
            let room = self.rooms.take(REFERRERS).await.map_err(fail)?;
            let asked = self.ask(span, &call, async {
                let WithOrigin { value, origin } = self.source.referrers(repository, subject, artifact_type).await?;
                drop(room);
                let list = Arc::new(value);
                Ok(Answered::new(Answer::Referrers(list.clone()), WithOrigin { value: list, origin }))
            });
            asked.await
        };
        self.enter(span, &call)?;
        let key = ((repository.clone(), subject.clone()), artifact_type.map(str::to_owned));
        self.referrers.get(key, |bytes| self.account.take(bytes).map_err(fail), ask).await
    }
}

/// Refuses a Docker manifest of schema 1, which no policy can read.
fn refuse_schema1(call: &Call, descriptor: &Descriptor) -> Result<(), Error> {
    if !media_type::is_schema1(&descriptor.media_type) {
        return Ok(());
    }
    let checked = media_type::check_document(&descriptor.media_type);
    checked.map_err(|error| call.fail(ErrorKind::Unsupported(error.to_string())))
}

/// Returns the failure for an error of the run itself, which belongs to no call.
pub(crate) fn exhausted(problem: ErrorKind) -> Failure {
    Failure::new(problem.code(), problem.to_string())
}
