//! The contract's imports, implemented on a borrowed view of a run: types are converted, and nothing else happens.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use refkit_oci::Reference;
use wasmtime::component::HasData;

use crate::bindings::refkit::policy::{chain, clock, registry, resolution, settings, trace, types};
use crate::convert;
use crate::instance::Reached;
use crate::resolution::Failure;
use crate::{Host, Usage};

/// How many of the questions of one `-all` call are under way at once. The registry client bounds each host further.
const SIDE_BY_SIDE: usize = 16;

/// What of a run's state the imports may touch.
pub(crate) struct View<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) usage: &'a mut Usage,
    pub(crate) host_calls: u64,
    /// Time that the guest waited for the host: it is not processor time of the guest's.
    pub(crate) waited: &'a mut Duration,
}

/// The type-level name of [`View`].
pub(crate) struct Views;

impl HasData for Views {
    type Data<'a> = View<'a>;
}

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl View<'_> {
    fn count(&mut self) -> wasmtime::Result<()> {
        self.usage.host_calls += 1;
        if self.usage.host_calls > self.host_calls {
            return Err(Reached::HostCalls.into());
        }
        Ok(())
    }

    /// Awaits the host's answer, off the guest's clock.
    async fn ask<T>(&mut self, question: impl Future<Output = T>) -> wasmtime::Result<T> {
        self.count()?;
        let started = Instant::now();
        let answer = question.await;
        *self.waited += started.elapsed();
        Ok(answer)
    }

    async fn ask_one<T>(&mut self, question: impl Future<Output = Result<T, Failure>>) -> Answer<T> {
        Ok(self.ask(question).await?.map_err(convert::to_error))
    }

    async fn ask_all<T, Q>(
        &mut self,
        questions: impl Iterator<Item = Q>,
    ) -> wasmtime::Result<Vec<Result<T, types::Error>>>
    where
        Q: Future<Output = Result<T, Failure>>,
    {
        let answers = futures_util::stream::iter(questions).buffered(SIDE_BY_SIDE);
        self.ask(answers.map(|answer| answer.map_err(convert::to_error)).collect()).await
    }
}

async fn pull(host: &dyn Host, reference: types::Reference) -> Result<registry::Content, Failure> {
    let reference: Reference = convert::reference(reference)?;
    let content = host.pull(&reference).await?;
    Ok(registry::Content { descriptor: convert::to_descriptor(&content.descriptor), bytes: content.bytes.into() })
}

async fn fetch(host: &dyn Host, reference: &types::Reference, digest: String) -> Result<Vec<u8>, Failure> {
    let (repository, digest) = (convert::repository(reference)?, convert::digest(digest)?);
    host.fetch(&repository, &digest).await.map(Into::into)
}

async fn referrers(
    host: &dyn Host,
    reference: &types::Reference,
    subject: String,
    artifact_type: Option<&str>,
) -> Result<Vec<types::Descriptor>, Failure> {
    let (repository, subject) = (convert::repository(reference)?, convert::digest(subject)?);
    let list = host.referrers(&repository, &subject, artifact_type).await?;
    Ok(list.iter().map(convert::to_descriptor).collect())
}

impl registry::Host for View<'_> {
    async fn resolve(&mut self, reference: types::Reference) -> Answer<types::Descriptor> {
        let host = self.host;
        let question = async { host.resolve(&convert::reference(reference)?).await };
        Ok(self.ask_one(question).await?.map(|descriptor| convert::to_descriptor(&descriptor)))
    }

    async fn pull(&mut self, reference: types::Reference) -> Answer<registry::Content> {
        let host = self.host;
        self.ask_one(pull(host, reference)).await
    }

    async fn pull_all(
        &mut self,
        references: Vec<types::Reference>,
    ) -> wasmtime::Result<Vec<Result<registry::Content, types::Error>>> {
        let host = self.host;
        self.ask_all(references.into_iter().map(|reference| pull(host, reference))).await
    }

    async fn fetch(&mut self, reference: types::Reference, digest: types::Digest) -> Answer<Vec<u8>> {
        let host = self.host;
        self.ask_one(fetch(host, &reference, digest)).await
    }

    async fn fetch_all(
        &mut self,
        reference: types::Reference,
        digests: Vec<types::Digest>,
    ) -> wasmtime::Result<Vec<Result<Vec<u8>, types::Error>>> {
        let host = self.host;
        self.ask_all(digests.into_iter().map(|digest| fetch(host, &reference, digest))).await
    }

    async fn fetch_range(
        &mut self,
        reference: types::Reference,
        digest: types::Digest,
        offset: u64,
        length: u32,
    ) -> Answer<Vec<u8>> {
        let host = self.host;
        let question = async {
            let (repository, digest) = (convert::repository(&reference)?, convert::digest(digest)?);
            host.fetch_range(&repository, &digest, offset, length).await.map(Into::into)
        };
        self.ask_one(question).await
    }

    async fn referrers(
        &mut self,
        reference: types::Reference,
        subject: types::Digest,
        artifact_type: Option<String>,
    ) -> Answer<Vec<types::Descriptor>> {
        let host = self.host;
        self.ask_one(referrers(host, &reference, subject, artifact_type.as_deref())).await
    }

    async fn referrers_all(
        &mut self,
        reference: types::Reference,
        subjects: Vec<types::Digest>,
        artifact_type: Option<String>,
    ) -> wasmtime::Result<Vec<Result<Vec<types::Descriptor>, types::Error>>> {
        let host = self.host;
        let (reference, artifact_type) = (&reference, artifact_type.as_deref());
        self.ask_all(subjects.into_iter().map(|subject| referrers(host, reference, subject, artifact_type))).await
    }

    async fn tags(&mut self, reference: types::Reference) -> Answer<Vec<String>> {
        let host = self.host;
        self.ask_one(async { host.tags(&convert::repository(&reference)?).await }).await
    }
}

impl chain::Host for View<'_> {
    async fn next(&mut self, request: resolution::Request) -> Answer<resolution::Outcome> {
        let host = self.host;
        let question = async { host.next(convert::request(request)?).await };
        Ok(self.ask_one(question).await?.map(|decision| convert::to_outcome(&decision)))
    }
}

impl settings::Host for View<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(self.host.setting(&name))
    }

    fn all(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        self.count()?;
        Ok(self.host.settings())
    }
}

impl clock::Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.count()?;
        Ok(self.host.now())
    }
}

impl trace::Host for View<'_> {
    fn event(&mut self, level: trace::Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.count()?;
        self.host.event(convert::level(level), message, fields);
        Ok(())
    }
}

impl types::Host for View<'_> {}

impl resolution::Host for View<'_> {}
