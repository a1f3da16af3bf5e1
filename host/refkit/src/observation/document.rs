//! The observations of a run as a document: written as JSON, and read back into checked types. It has no content: the
//! bytes lie beside it, by their digests.

mod form;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use refkit_content::{Origin, WithOrigin};
use refkit_contract::Failure;
use refkit_oci::Descriptor;
use serde::{Deserialize, Serialize};

use super::{Answer, Call, Observation};
use crate::trace::{Event, Trace};

/// The observations of a run, in the order in which the calls began. A document of an unknown version, or with a member
/// or a value that is not understood, is not read.
///
/// ```
/// let text = r#"{"version": 1, "observations": [{
///     "policy": "default", "at": 120, "took": 350,
///     "call": {"resolve": {"reference": "registry.test/app:1"}},
///     "error": {"code": "not-found", "message": "cannot resolve registry.test/app:1: not found"}
/// }]}"#;
/// let document: refkit::ObservationsDocument = serde_json::from_str(text)?;
/// let refkit::Call::Resolve(reference) = &document.observations()[0].call else { panic!() };
/// assert_eq!(reference.tag(), Some("1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "form::Document", into = "form::Document")]
pub struct ObservationsDocument {
    observations: Vec<RecordedObservation>,
}

/// An observation as a document keeps it. Times have microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedObservation {
    /// The policy that asked; nothing where the host did.
    pub policy: Option<String>,
    /// When the call began, from the start of the run.
    pub at: Duration,
    /// How long the call took; nothing where it had not ended.
    pub took: Option<Duration>,
    /// The call.
    pub call: Call,
    /// The answer or the failure; nothing where the call had not ended. Descriptors are without their inline data.
    pub result: Option<Result<WithOrigin<Answer>, Failure>>,
}

impl ObservationsDocument {
    /// Returns the observations in a trace.
    pub fn of(trace: &Trace) -> Self {
        let name = |parent: Option<usize>| match &trace.spans.get(parent?)?.event {
            Event::Policy { name, .. } => Some(name.to_string()),
            _ => None,
        };
        let observations = trace.spans.iter().filter_map(|span| {
            let Event::Call(Observation { call, result }) = &span.event else { return None };
            let result = result.as_ref().map(|result| match result {
                Ok(answer) => Ok(recorded(answer)),
                Err(error) => Err(Failure::new(error.code(), error.to_string())),
            });
            let (policy, at, took) = (name(span.parent), to_micros(span.at), span.took.map(to_micros));
            Some(RecordedObservation { policy, at, took, call: call.clone(), result })
        });
        Self { observations: observations.collect() }
    }

    /// Returns the document without times and without where the answers came from, in the order of the calls: it is equal
    /// for runs that observed the same.
    #[must_use]
    pub fn settled(&self) -> Self {
        let settled = |one: &RecordedObservation| {
            let result = one.result.as_ref().map(|result| match result {
                Ok(answer) => Ok(WithOrigin { value: answer.value.clone(), origin: Origin::Memory }),
                Err(failure) => Err(Failure::new(failure.code, failure.message.clone())),
            });
            RecordedObservation { at: Duration::ZERO, took: None, result, ..one.clone() }
        };
        let mut observations: Vec<RecordedObservation> = self.observations.iter().map(settled).collect();
        observations.sort_by_cached_key(|one| {
            let kind = match &one.call {
                Call::Referrers(_, _, artifact_type) => artifact_type.clone(),
                _ => None,
            };
            let failed = one.result.as_ref().map(|result| result.as_ref().err().map(ToString::to_string));
            (one.call.function(), one.call.to_string(), kind, one.policy.clone(), failed)
        });
        observations.dedup();
        Self { observations }
    }

    /// Returns the observations.
    pub fn observations(&self) -> &[RecordedObservation] {
        &self.observations
    }
}

/// Returns an answer as the document keeps it.
fn recorded(answer: &WithOrigin<Answer>) -> WithOrigin<Answer> {
    let value = match &answer.value {
        Answer::Resolved(one) => Answer::Resolved(without_data(one)),
        Answer::Pulled(one) => Answer::Pulled(without_data(one)),
        Answer::Fetched(one) => Answer::Fetched(without_data(one)),
        Answer::Referrers(list) if list.iter().any(|one| one.data.is_some()) => {
            Answer::Referrers(Arc::new(list.iter().map(without_data).collect()))
        }
        other => other.clone(),
    };
    let origin = match &answer.origin {
        Origin::Layout(path) => Origin::Layout(Arc::new(PathBuf::from(path.to_string_lossy().into_owned()))),
        Origin::Seen(at) => Origin::Seen(UNIX_EPOCH + to_micros(since_1970(*at))),
        other => other.clone(),
    };
    WithOrigin { value, origin }
}

fn without_data(one: &Descriptor) -> Descriptor {
    Descriptor { data: None, ..one.clone() }
}

fn to_micros(time: Duration) -> Duration {
    Duration::from_micros(micros(time))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
