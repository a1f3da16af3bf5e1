//! One question to the source: granted, counted, asked, and recorded with its answer.

use bytes::Bytes;
use refkit_content::{Error, ErrorKind, WithOrigin};
use refkit_oci::Footprint;
use tracing::{Instrument as _, debug, debug_span};

use super::Answers;
use crate::observation::{Answer, Call, Failed, Observation, footprint};
use crate::trace::{Event, Span};

/// The target of the spans of host calls.
const CALL: &str = "refkit::call";

/// The most refused calls that a run records: a policy may repeat a call that it is not granted without end.
const REFUSED: usize = 1_000;

/// The calls that the host refused to ask.
#[derive(Debug, Default)]
pub(super) struct Refused {
    count: usize,
    last: Option<usize>,
}

/// What a source answered: the answer for the record with the bytes that came with it, and the value for the policy.
pub(crate) struct Answered<T> {
    answer: Answer,
    bytes: Option<Bytes>,
    value: WithOrigin<T>,
}

impl<T> Answered<T> {
    pub(crate) fn new(answer: Answer, value: WithOrigin<T>) -> Self {
        Self { answer, bytes: None, value }
    }

    pub(crate) fn with_bytes(self, bytes: Bytes) -> Self {
        Self { bytes: Some(bytes), ..self }
    }
}

impl Answers {
    /// Asks the source. An answer that the run may not hold, or that the ledger refuses, is observed as that error: the
    /// policy sees nothing else.
    pub(super) async fn ask<T>(
        &self,
        span: Option<usize>,
        call: &Call,
        ask: impl Future<Output = Result<Answered<T>, Error>>,
    ) -> Result<T, Failed> {
        let count = || if span.is_none() { self.counters.call(&self.budget) } else { Ok(()) };
        let granted = self.grants.check(&self.requested, call.repository()).and_then(|()| count());
        let ask = async {
            match granted {
                Ok(()) => ask.await,
                Err(kind) => Err(call.fail(kind)),
            }
        };
        self.observe(span, call, ask).await
    }

    /// Makes a call whose grant was checked, and records the observation.
    pub(crate) async fn observe<T>(
        &self,
        span: Option<usize>,
        call: &Call,
        ask: impl Future<Output = Result<Answered<T>, Error>>,
    ) -> Result<T, Failed> {
        let event = Event::Call(Observation { call: call.clone(), result: None });
        self.account.keep(&event).map_err(|kind| call.fail(kind))?;
        let span = self.recorder.begin(span, event);
        let traced = debug_span!(target: CALL, "call", function = call.function(), subject = %call);
        let result = ask
            .instrument(traced.clone())
            .await
            .and_then(|answered| self.keep(call, answered).map_err(|kind| call.fail(kind)));
        let (observed, result) = match result {
            Ok((answer, WithOrigin { value, origin })) => (Ok(WithOrigin { value: answer, origin }), Ok(value)),
            Err(error) => (Err(error.clone()), Err(Failed { error: Box::new(error), observation: Some(span) })),
        };
        traced.in_scope(|| match &observed {
            Ok(answer) => debug!(target: CALL, origin = %answer.origin, "answered"),
            Err(error) => debug!(target: CALL, %error, "failed"),
        });
        // The budget bounds how many calls there are, and each answer is short.
        self.account.add(match &observed {
            Ok(answer) => answer.value.footprint(),
            Err(error) => footprint(error),
        });
        self.recorder.end(span, |event| {
            if let Event::Call(observation) = event {
                observation.result = Some(observed);
            }
        });
        result
    }

    /// Counts an answer that has come, and records it in the ledger.
    fn keep<T>(&self, call: &Call, answered: Answered<T>) -> Result<(Answer, WithOrigin<T>), ErrorKind> {
        let Answered { answer, bytes, value } = answered;
        match &answer {
            Answer::Resolved(descriptor) => self.account.keep(descriptor)?,
            Answer::Pulled(descriptor) => {
                let size = bytes.as_ref().map_or(descriptor.size, |bytes| bytes.len() as u64);
                self.counters.content(&self.budget, size)?;
                if size > self.budget.content {
                    return Err(ErrorKind::TooLarge { limit: self.budget.content });
                }
                self.account.keep(descriptor)?;
            }
            // Its size was known, and counted, before the source was asked; what is pushed comes from the policy.
            Answer::Fetched(_) | Answer::Pushed(_) | Answer::Copied(_) => {}
            Answer::Referrers(list) => self.list(&**list)?,
            Answer::Tags(list) => self.list(&**list)?,
            Answer::Delegated { config, .. } => {
                self.counters.content(&self.budget, config.as_ref().map_or(0, |(_, size)| *size))?;
            }
        }
        self.ledger.observe(call, &answer, bytes.as_ref())?;
        Ok((answer, value))
    }

    /// Counts a list that has come, as content and as memory that the run keeps.
    fn list(&self, list: &impl Footprint) -> Result<(), ErrorKind> {
        self.counters.list(&self.budget, list.footprint() as u64)?;
        self.account.keep(list)
    }

    /// Returns the error of a call that the host refuses, and records it for the policy that asked.
    pub(crate) fn refuse(&self, span: Option<usize>, call: &Call, kind: ErrorKind) -> Failed {
        let error = call.fail(kind);
        debug!(target: CALL, function = call.function(), %error, "refused");
        let Some(parent) = span else { return error.into() };
        let mut refused = self.refused.lock();
        if refused.count < REFUSED || refused.last.is_none() {
            refused.count += 1;
            self.account.add(size_of::<Span>() + call.footprint() + footprint(&error));
            let observation = Observation { call: call.clone(), result: Some(Err(error.clone())) };
            let span = self.recorder.begin(Some(parent), Event::Call(observation));
            self.recorder.end(span, |_| ());
            refused.last = Some(span);
        }
        Failed { error: Box::new(error), observation: refused.last }
    }
}
