//! A source that answers from a recording.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use refkit_content::{Body, Content, Discover, Error, ErrorCode, ErrorKind, Fetch, Origin, Resolve, WithOrigin};
use refkit_contract::Failure;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use super::Recording;
use crate::{Answer, Call, Chain, Grants, RecordedObservation, Resolver};

/// A recording that answers the calls of a run, in place of a registry. Cheap to clone.
///
/// ```no_run
/// use refkit::record::{Recording, Replay};
/// use refkit::{Chain, Error, Grants, Outcome, Request};
///
/// /// Returns what a recorded run decided.
/// async fn decided(chain: &Chain, recording: Recording, request: Request) -> Result<Outcome, Error> {
///     let replay = Replay::new(recording);
///     let outcome = replay.resolver(chain, Grants::default()).resolve(request).await?;
///     assert!(replay.missing().is_empty(), "another chain was recorded");
///     Ok(outcome)
/// }
/// ```
#[derive(Clone)]
pub struct Replay {
    recording: Arc<Recording>,
    answers: Arc<HashMap<Call, Result<Answer, Failure>>>,
    missing: Arc<Mutex<Vec<Call>>>,
}

impl Replay {
    /// Returns a source that answers what the recorded run was answered.
    pub fn new(recording: Recording) -> Self {
        let mut answers = HashMap::<Call, Result<Answer, Failure>>::new();
        for RecordedObservation { call, result, .. } in recording.observations().observations() {
            let Some(result) = result else { continue };
            let result = result.as_ref().map(|answer| answer.value.clone()).map_err(Failure::clone);
            match answers.get(call) {
                Some(known) if rank(known) <= rank(&result) => {}
                _ => drop(answers.insert(call.clone(), result)),
            }
        }
        Self { recording: Arc::new(recording), answers: Arc::new(answers), missing: Arc::default() }
    }

    /// Returns a resolver that asks this recording, at the time of the recorded run.
    pub fn resolver(&self, chain: &Chain, grants: Grants) -> Resolver {
        chain.resolver(Arc::new(self.clone())).grants(grants).clock(self.recording.clock())
    }

    /// Returns the calls that the recording had no answer to: those of another chain, or of a damaged recording.
    pub fn missing(&self) -> Vec<Call> {
        self.missing.lock().clone()
    }

    fn ask(&self, call: &Call) -> Result<Answer, Error> {
        match self.answers.get(call) {
            Some(Ok(answer)) => Ok(answer.clone()),
            Some(Err(failure)) => {
                let message = failure.message.clone();
                Err(call.fail(ErrorKind::Recorded { code: failure.code, message }))
            }
            None => Err(self.missed(call)),
        }
    }

    fn missed(&self, call: &Call) -> Error {
        let mut missing = self.missing.lock();
        if !missing.contains(call) {
            missing.push(call.clone());
        }
        call.fail(ErrorKind::NotRecorded)
    }

    /// Returns the content, which the recorded run has read.
    fn bytes(&self, call: &Call, digest: &Digest) -> Result<bytes::Bytes, Error> {
        self.recording.contents.get(digest).cloned().ok_or_else(|| self.missed(call))
    }
}

/// Which result of one call its source gave: the host refuses calls that come too early, and those that are too many.
fn rank(result: &Result<Answer, Failure>) -> u8 {
    match result {
        Ok(_) => 0,
        Err(Failure { code: ErrorCode::NotGranted | ErrorCode::BudgetExhausted, .. }) => 2,
        Err(_) => 1,
    }
}

fn from_memory<T>(value: T) -> WithOrigin<T> {
    WithOrigin { value, origin: Origin::Memory }
}

#[async_trait]
impl Resolve for Replay {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        let call = Call::Resolve(reference.clone());
        match self.ask(&call)? {
            Answer::Resolved(descriptor) => Ok(from_memory(descriptor)),
            _ => Err(self.missed(&call)),
        }
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        let call = Call::Pull(reference.clone());
        match self.ask(&call)? {
            Answer::Pulled(descriptor) => {
                let bytes = self.bytes(&call, &descriptor.digest)?;
                Ok(from_memory(Content { descriptor, bytes }))
            }
            _ => Err(self.missed(&call)),
        }
    }
}

#[async_trait]
impl Fetch for Replay {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let call = Call::Fetch(repository.clone(), descriptor.digest.clone());
        self.ask(&call)?;
        let bytes = self.bytes(&call, &descriptor.digest)?;
        Ok(Body::from_bytes(Origin::Memory, bytes))
    }
}

#[async_trait]
impl Discover for Replay {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        let call = Call::Tags(repository.clone());
        match self.ask(&call)? {
            Answer::Tags(tags) => Ok(from_memory(tags.to_vec())),
            _ => Err(self.missed(&call)),
        }
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let call = Call::Referrers(repository.clone(), subject.clone(), artifact_type.map(str::to_owned));
        match self.ask(&call)? {
            Answer::Referrers(list) => Ok(from_memory(list.to_vec())),
            _ => Err(self.missed(&call)),
        }
    }
}
