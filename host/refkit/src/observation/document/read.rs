//! From the form to observations: every text becomes its checked type, and an answer has to fit its call.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use refkit_content::{Origin, WithOrigin};
use refkit_contract::{ErrorCode, Failure};
use refkit_oci::{Descriptor, Digest, Platform};

use super::{Answer, Call, ObservationsDocument, RecordedObservation, form};

/// The first observation that a document does not state as a run could have made it.
#[derive(Debug, thiserror::Error)]
#[error("observation {place}: {problem}")]
pub(super) struct Damaged {
    /// Counted from 1.
    place: usize,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("`{text}` is no {what}: {reason}")]
    Text { what: &'static str, text: String, reason: String },
    #[error("`{0}` is no error code")]
    Code(String),
    #[error("it has an answer and an error")]
    Both,
    #[error("the answer does not fit a call of `{0}`")]
    Unfit(&'static str),
    #[error("it asks for {asked} and is answered with {answered}")]
    Other { asked: Digest, answered: Digest },
    #[error("the annotations of {0} are not sorted by key, each key once")]
    Annotations(Digest),
}

impl TryFrom<form::Document> for ObservationsDocument {
    type Error = Damaged;

    fn try_from(form: form::Document) -> Result<Self, Damaged> {
        let numbered = form.observations.into_iter().zip(1..);
        let read = numbered.map(|(entry, place)| observation(entry).map_err(|problem| Damaged { place, problem }));
        Ok(Self { observations: read.collect::<Result<_, _>>()? })
    }
}

fn observation(entry: form::Entry) -> Result<RecordedObservation, Problem> {
    let form::Entry { policy, at, took, call, answer, error } = entry;
    let call = self::call(call)?;
    let result = match (answer, error) {
        (Some(_), Some(_)) => return Err(Problem::Both),
        (Some(answer), None) => Some(Ok(self::answer(&call, answer)?)),
        (None, Some(error)) => Some(Err(failure(error)?)),
        (None, None) => None,
    };
    let (at, took) = (Duration::from_micros(at), took.map(Duration::from_micros));
    Ok(RecordedObservation { policy, at, took, call, result })
}

fn call(call: form::Call) -> Result<Call, Problem> {
    Ok(match call {
        form::Call::Resolve { reference } => Call::Resolve(parse("reference", reference)?),
        form::Call::Pull { reference } => Call::Pull(parse("reference", reference)?),
        form::Call::Delegate { reference } => Call::Delegate(parse("reference", reference)?),
        form::Call::Fetch { repository, digest } => {
            Call::Fetch(parse("repository", repository)?, parse("digest", digest)?)
        }
        form::Call::Referrers { repository, subject, artifact_type } => {
            Call::Referrers(parse("repository", repository)?, parse("digest", subject)?, artifact_type)
        }
        form::Call::Tags { repository } => Call::Tags(parse("repository", repository)?),
        form::Call::PushManifest { reference, digest } => {
            Call::PushManifest(parse("reference", reference)?, parse("digest", digest)?)
        }
        form::Call::PushBlob { repository, digest } => {
            Call::PushBlob(parse("repository", repository)?, parse("digest", digest)?)
        }
        form::Call::Copy { source, destination, digest, with_referrers } => Call::Copy(
            parse("repository", source)?,
            parse("repository", destination)?,
            parse("digest", digest)?,
            with_referrers,
        ),
    })
}

fn answer(call: &Call, answer: form::Answer) -> Result<WithOrigin<Answer>, Problem> {
    let form::Answer { from, descriptor, referrers, tags, delegated } = answer;
    let value = match (call, descriptor, referrers, tags, delegated) {
        (Call::Resolve(reference), Some(one), None, None, None) => {
            Answer::Resolved(self::descriptor(one, reference.digest())?)
        }
        (Call::Pull(reference), Some(one), None, None, None) => {
            Answer::Pulled(self::descriptor(one, reference.digest())?)
        }
        (Call::Fetch(_, digest), Some(one), None, None, None) => Answer::Fetched(self::descriptor(one, Some(digest))?),
        (Call::PushManifest(_, digest) | Call::PushBlob(_, digest), Some(one), None, None, None) => {
            Answer::Pushed(self::descriptor(one, Some(digest))?)
        }
        (Call::Copy(_, _, digest, _), Some(one), None, None, None) => {
            Answer::Copied(self::descriptor(one, Some(digest))?)
        }
        (Call::Referrers(..), None, Some(list), None, None) => {
            let list = list.into_iter().map(|one| self::descriptor(one, None));
            Answer::Referrers(Arc::new(list.collect::<Result<_, _>>()?))
        }
        (Call::Tags(_), None, None, Some(tags), None) => Answer::Tags(Arc::new(tags)),
        (Call::Delegate(_), None, None, None, Some(form::Delegated { root, config })) => {
            let config = config.map(|form::Config { digest, size }| Ok((parse("digest", digest)?, size)));
            Answer::Delegated { root: parse("digest", root)?, config: config.transpose()? }
        }
        _ => return Err(Problem::Unfit(call.function())),
    };
    Ok(WithOrigin { value, origin: origin(from) })
}

fn origin(origin: form::Origin) -> Origin {
    match origin {
        form::Origin::Host(host) => Origin::Host(host.into()),
        form::Origin::Cache => Origin::Cache,
        form::Origin::Seen(at) => Origin::Seen(UNIX_EPOCH + Duration::from_micros(at)),
        form::Origin::Layout(path) => Origin::Layout(Arc::new(PathBuf::from(path))),
        form::Origin::InlineData => Origin::Inline,
        form::Origin::Memory => Origin::Memory,
    }
}

fn descriptor(one: form::Descriptor, asked: Option<&Digest>) -> Result<Descriptor, Problem> {
    let form::Descriptor { media_type, digest, size, artifact_type, annotations, urls, platform } = one;
    let digest: Digest = parse("digest", digest)?;
    if let Some(asked) = asked.filter(|asked| **asked != digest) {
        return Err(Problem::Other { asked: asked.clone(), answered: digest });
    }
    if !annotations.is_sorted_by(|(first, _), (second, _)| first < second) {
        return Err(Problem::Annotations(digest));
    }
    let platform = platform.map(|one| {
        let form::Platform { os, architecture, variant, os_version, os_features } = one;
        Platform { os, architecture, variant, os_version, os_features }
    });
    Ok(Descriptor { platform, artifact_type, annotations, urls, ..Descriptor::new(media_type, digest, size) })
}

fn failure(error: form::Error) -> Result<Failure, Problem> {
    let code = ErrorCode::ALL.into_iter().find(|code| code.as_str() == error.code);
    Ok(Failure::new(code.ok_or(Problem::Code(error.code))?, error.message))
}

fn parse<T: FromStr<Err: fmt::Display>>(what: &'static str, text: String) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| Problem::Text { what, reason: error.to_string(), text })
}
