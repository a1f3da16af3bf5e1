//! The host calls of one policy in a publishing chain.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use refkit_content::{ErrorKind, verify};
use refkit_contract::{Failure, PublishDecision, PublishRequest};
use refkit_oci::{Algorithm, Descriptor, Digest, Footprint, Reference, Repository};
use refkit_sandbox::{Copy, Host, Publishing, PublishingHost};

use super::copy;
use super::run::{Answered, PublishRun};

use crate::answers::exhausted;
use crate::attribution::Heard;
use crate::chain::Link;
use crate::host::PolicyHost;
use crate::observation::{Call, Failed};
use crate::refusals::NextAnswer;

/// One publishing policy's side of the run.
pub(super) struct PublishHost {
    publish: Arc<PublishRun>,
    /// The calls that resolution policies have as well. `chain.next` runs the whole resolution chain.
    reading: PolicyHost,
    /// Its place in the publishing chain.
    index: usize,
    /// What the rest of the publishing chain answered to it.
    answered: Answered,
}

/// What the policy was answered with by the resolution chain, and the failures of its calls.
pub(super) struct Hearing {
    next: Arc<Mutex<Vec<NextAnswer>>>,
    failures: Arc<Mutex<Vec<Failure>>>,
}

impl Hearing {
    /// Returns it, once the policy has returned.
    pub(super) fn take(self) -> Heard {
        Heard { next: std::mem::take(&mut *self.next.lock()), failures: std::mem::take(&mut *self.failures.lock()) }
    }
}

impl PublishHost {
    pub(super) fn new(
        publish: &Arc<PublishRun>,
        link: &Link<Publishing>,
        index: usize,
        span: usize,
        answered: Answered,
    ) -> (Self, Hearing) {
        let hearing = Hearing { next: Arc::default(), failures: Arc::default() };
        let reading = PolicyHost {
            run: publish.run.clone(),
            rest: 0,
            span,
            seen: true,
            settings: link.settings.clone(),
            heard: hearing.next.clone(),
            failures: hearing.failures.clone(),
        };
        (Self { publish: publish.clone(), reading, index, answered }, hearing)
    }

    /// Refuses a write after the rest of the chain has refused the publication: no policy overrules another one.
    fn may_write(&self, call: impl FnOnce() -> Call) -> Result<(), Failure> {
        let refused = |answer: &Result<_, _>| matches!(answer, Ok(PublishDecision::Denied(_)));
        if !self.answered.lock().iter().any(refused) {
            return Ok(());
        }
        let text = "a policy after this one has refused the publication";
        let kind = ErrorKind::NotGranted(text.into());
        Err(self.failed(self.publish.run.answers.refuse(Some(self.reading.span), &call(), kind)))
    }

    fn failed(&self, failed: Failed) -> Failure {
        self.reading.failed(failed)
    }
}

fn digest(bytes: &[u8]) -> Digest {
    verify::digest(Algorithm::Sha256, bytes)
}

#[async_trait]
impl PublishingHost for PublishHost {
    fn reading(&self) -> &dyn Host {
        &self.reading
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Failure> {
        self.may_write(|| Call::PushManifest(destination.clone(), digest(&bytes)))?;
        let pushed = self.publish.push_manifest(self.reading.span, destination, media_type, bytes).await;
        pushed.map_err(|failed| self.failed(failed))
    }

    async fn push_blob(&self, destination: &Repository, media_type: &str, bytes: Bytes) -> Result<Descriptor, Failure> {
        self.may_write(|| Call::PushBlob(destination.clone(), digest(&bytes)))?;
        let pushed = self.publish.push_blob(self.reading.span, destination, media_type, bytes).await;
        pushed.map_err(|failed| self.failed(failed))
    }

    async fn copy(&self, copy: Copy) -> Result<(), Failure> {
        if let Some(first) = copy.digests.first() {
            self.may_write(|| copy::call(&copy, first))?;
        }
        self.publish.copy(self.reading.span, &copy).await.map_err(|failed| self.failed(failed))
    }

    async fn publish(&self, request: PublishRequest) -> Result<PublishDecision<Descriptor>, Failure> {
        let answers = &self.publish.run.answers;
        let answer = match answers.counters.call(&answers.budget) {
            Ok(()) => self.publish.decide(self.index + 1, request, Some(self.reading.span)).await,
            Err(kind) => Err(exhausted(kind)),
        };
        self.publish.run.hold(answer.footprint())?;
        self.answered.lock().push(answer.clone());
        answer
    }
}
