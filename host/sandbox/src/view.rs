//! The contract's imports, implemented on a borrowed view of a run: types are converted, and nothing else happens.

mod write;

use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use refkit_contract::{Content, ErrorCode, Failure};
use refkit_oci::{Descriptor, Footprint};
use wasmtime::component::HasData;

use crate::answer::Answered;
use crate::bindings::refkit::policy::{chain, clock, registry, resolution, settings, trace, types};
use crate::convert;
use crate::instance::Reached;
use crate::meter::Meter;
use crate::world::Calls;
use crate::{Host, Limits, Usage};

/// The most calls of one `-all` call that are under way at one time. The registry client bounds each host further.
const SIDE_BY_SIDE: usize = 16;

/// The part of a run's state that the imports may touch.
pub struct View<'a, C> {
    /// The host calls of the world.
    pub(crate) calls: &'a C,
    /// Those that both worlds have.
    pub(crate) host: &'a dyn Host,
    pub(crate) usage: &'a mut Usage,
    pub(crate) limits: &'a Limits,
    pub(crate) meter: &'a Meter,
}

/// The type-level name of [`View`].
pub(crate) struct Views<C>(PhantomData<C>);

impl<C: 'static> HasData for Views<C> {
    type Data<'a> = View<'a, C>;
}

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl<C> View<'_, C> {
    fn count(&mut self, questions: usize) -> wasmtime::Result<()> {
        self.usage.host_calls = self.usage.host_calls.saturating_add(questions as u64);
        if self.usage.host_calls > self.limits.host_calls {
            return Err(Reached::HostCalls.into());
        }
        Ok(())
    }

    /// Ends the run where the host has computed for too long: it may do so without coming back to the guest.
    fn in_time(&self) -> wasmtime::Result<()> {
        if self.meter.cpu() > self.limits.cpu {
            return Err(Reached::Cpu.into());
        }
        Ok(())
    }

    async fn ask<T: Answered>(&mut self, question: impl Future<Output = Result<T, Failure>>) -> Answer<T::Copy> {
        self.count(1)?;
        let answer = question.await;
        self.in_time()?;
        let handed = answer.and_then(|answer| {
            let _hold = self.host.hold(answer.bytes())?;
            Ok(answer.copy())
        });
        Ok(handed.map_err(convert::to_error))
    }

    /// Answers many questions side by side, in their order. Together the answers may have so many bytes: from the first
    /// on that is too much, no question is asked any more, and each is answered with that.
    async fn ask_all<T, Q>(
        &mut self,
        questions: impl ExactSizeIterator<Item = Q>,
    ) -> wasmtime::Result<Vec<Result<T::Copy, types::Error>>>
    where
        T: Answered,
        Q: Future<Output = Result<T, Failure>>,
    {
        let count = questions.len();
        self.count(count)?;
        let mut questions = pin!(futures_util::stream::iter(questions).buffered(SIDE_BY_SIDE));
        let (mut left, mut holds, mut answers) = (self.limits.answers, Vec::new(), Vec::new());
        let too_much = loop {
            let Some(answer) = questions.next().await else { return Ok(answers) };
            self.in_time()?;
            let bytes = match &answer {
                Ok(answer) => answer.bytes(),
                Err(failure) => failure.footprint() as u64,
            };
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => break too_much(self.limits.answers),
            }
            match self.host.hold(bytes) {
                Ok(hold) => holds.push(hold),
                Err(failure) => break failure,
            }
            answers.push(answer.map(T::copy).map_err(convert::to_error));
        };
        answers.resize_with(count, || Err(convert::to_error(too_much.clone())));
        Ok(answers)
    }
}

fn too_much(limit: u64) -> Failure {
    let message = format!("the answers of one call may have {limit} bytes in all; ask for fewer at once");
    Failure::new(ErrorCode::BudgetExhausted, message)
}

async fn pull(host: &dyn Host, reference: types::Reference) -> Result<Content, Failure> {
    host.pull(&convert::reference(reference)?).await
}

async fn fetch(host: &dyn Host, reference: &types::Reference, digest: String) -> Result<Bytes, Failure> {
    let (repository, digest) = (convert::repository(reference)?, convert::digest(digest)?);
    host.fetch(&repository, &digest).await
}

async fn referrers(
    host: &dyn Host,
    reference: &types::Reference,
    subject: String,
    artifact_type: Option<&str>,
) -> Result<Arc<Vec<Descriptor>>, Failure> {
    let (repository, subject) = (convert::repository(reference)?, convert::digest(subject)?);
    host.referrers(&repository, &subject, convert::artifact_type(artifact_type)?).await
}

impl<C: Calls> registry::Host for View<'_, C> {
    async fn resolve(&mut self, reference: types::Reference) -> Answer<types::Descriptor> {
        let host = self.host;
        self.ask(async { host.resolve(&convert::reference(reference)?).await }).await
    }

    async fn pull(&mut self, reference: types::Reference) -> Answer<registry::Content> {
        let host = self.host;
        self.ask(pull(host, reference)).await
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
        self.ask(fetch(host, &reference, digest)).await
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
            host.fetch_range(&repository, &digest, offset, length).await
        };
        self.ask(question).await
    }

    async fn referrers(
        &mut self,
        reference: types::Reference,
        subject: types::Digest,
        artifact_type: Option<String>,
    ) -> Answer<Vec<types::Descriptor>> {
        let host = self.host;
        self.ask(referrers(host, &reference, subject, artifact_type.as_deref())).await
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
        self.ask(async { host.tags(&convert::repository(&reference)?).await }).await
    }
}

impl<C: Calls> chain::Host for View<'_, C> {
    async fn next(&mut self, request: resolution::Request) -> Answer<resolution::Outcome> {
        let host = self.host;
        self.ask(async { host.next(convert::request(request)?).await }).await
    }
}

impl<C: Calls> settings::Host for View<'_, C> {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.count(1)?;
        Ok(self.host.setting(&name))
    }

    fn all(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        self.count(1)?;
        Ok(self.host.settings())
    }
}

impl<C: Calls> clock::Host for View<'_, C> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.count(1)?;
        Ok(self.host.now())
    }
}

impl<C: Calls> trace::Host for View<'_, C> {
    fn event(&mut self, level: trace::Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.count(1)?;
        self.host.event(convert::level(level), message, fields);
        Ok(())
    }
}

impl<C: Calls> types::Host for View<'_, C> {}

impl<C: Calls> resolution::Host for View<'_, C> {}
