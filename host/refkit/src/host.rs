//! What one policy of a chain may ask of its run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_sandbox::{Content, Decision, Failure, Host, Level, Request};

use crate::answers::failure;
use crate::refusals::Told;
use crate::session::Run;
use crate::trace::Event;

/// The longest message and field of an event that the trace keeps, in bytes.
const MESSAGE: usize = 4 << 10;

/// One policy's side of the run.
pub(crate) struct PolicyHost {
    pub(crate) run: Arc<Run>,
    /// Its place in the chain.
    pub(crate) index: usize,
    /// Its span in the trace.
    pub(crate) span: usize,
    /// Whether what the rest of the chain answers is looked at by a policy that may read documents: by this one, where
    /// it imports `registry`, or by one that waits for its answer. Another sees references and digests, and for these a
    /// transport's word is enough.
    pub(crate) seen: bool,
    pub(crate) settings: Arc<BTreeMap<String, String>>,
    /// What it was told by the rest of the chain.
    pub(crate) told: Arc<Mutex<Vec<Told>>>,
}

#[async_trait]
impl Host for PolicyHost {
    async fn resolve(&self, reference: &Reference) -> Result<Descriptor, Failure> {
        self.run.answers.resolve(Some(self.span), reference).await.map_err(failure)
    }

    async fn pull(&self, reference: &Reference) -> Result<Content, Failure> {
        let content = self.run.answers.pull(Some(self.span), reference).await.map_err(failure)?;
        Ok(Content { descriptor: content.descriptor, bytes: content.bytes })
    }

    async fn fetch(&self, repository: &Repository, digest: &Digest) -> Result<Bytes, Failure> {
        self.run.answers.fetch(Some(self.span), repository, digest).await.map_err(failure)
    }

    async fn fetch_range(
        &self,
        repository: &Repository,
        digest: &Digest,
        offset: u64,
        length: u32,
    ) -> Result<Bytes, Failure> {
        self.run.answers.fetch_range(Some(self.span), repository, digest, offset, length).await.map_err(failure)
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Failure> {
        self.run.answers.referrers(Some(self.span), repository, subject, artifact_type).await.map_err(failure)
    }

    async fn tags(&self, repository: &Repository) -> Result<Vec<String>, Failure> {
        let tags = self.run.answers.tags(Some(self.span), repository).await.map_err(failure)?;
        Ok(tags.to_vec())
    }

    async fn next(&self, request: Request) -> Result<Decision<Descriptor>, Failure> {
        let answer = self.run.decide(self.index + 1, request.clone(), Some(self.span), self.seen).await;
        let told = Told { asked: request, answer: answer.clone() };
        self.told.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(told);
        answer
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    fn settings(&self) -> Vec<(String, String)> {
        self.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn now(&self) -> u64 {
        self.run.now
    }

    fn event(&self, level: Level, mut message: String, mut fields: Vec<(String, String)>) {
        let answers = &self.run.answers;
        if !answers.counters.event(&answers.budget) {
            return;
        }
        shorten(&mut message);
        fields.truncate(32);
        for (name, value) in &mut fields {
            shorten(name);
            shorten(value);
        }
        let span = answers.recorder.begin(Some(self.span), Event::Message { level, message, fields });
        answers.recorder.end(span, |_| ());
    }
}

fn shorten(text: &mut String) {
    if text.len() > MESSAGE {
        let mut end = MESSAGE;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
}
