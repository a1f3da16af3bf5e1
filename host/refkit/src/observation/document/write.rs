//! From observations to the form.

use refkit_content::{Origin, WithOrigin};
use refkit_oci::{Descriptor, Platform};

use super::{Answer, Call, ObservationsDocument, RecordedObservation, form, micros, since_1970};

impl From<ObservationsDocument> for form::Document {
    fn from(document: ObservationsDocument) -> Self {
        let observations = document.observations.into_iter().map(entry).collect();
        Self { version: form::Version::CURRENT, observations }
    }
}

fn entry(observation: RecordedObservation) -> form::Entry {
    let RecordedObservation { policy, at, took, call, result } = observation;
    let (answer, error) = match result {
        Some(Ok(answer)) => (Some(self::answer(answer)), None),
        Some(Err(failure)) => {
            let code = failure.code.as_str().to_owned();
            (None, Some(form::Error { code, message: failure.message }))
        }
        None => (None, None),
    };
    form::Entry { policy, at: micros(at), took: took.map(micros), call: self::call(&call), answer, error }
}

fn call(call: &Call) -> form::Call {
    match call {
        Call::Resolve(reference) => form::Call::Resolve { reference: reference.to_string() },
        Call::Pull(reference) => form::Call::Pull { reference: reference.to_string() },
        Call::Delegate(reference) => form::Call::Delegate { reference: reference.to_string() },
        Call::Fetch(repository, digest) => {
            form::Call::Fetch { repository: repository.to_string(), digest: digest.to_string() }
        }
        Call::Referrers(repository, subject, artifact_type) => form::Call::Referrers {
            repository: repository.to_string(),
            subject: subject.to_string(),
            artifact_type: artifact_type.clone(),
        },
        Call::Tags(repository) => form::Call::Tags { repository: repository.to_string() },
        Call::PushManifest(reference, digest) => {
            form::Call::PushManifest { reference: reference.to_string(), digest: digest.to_string() }
        }
        Call::PushBlob(repository, digest) => {
            form::Call::PushBlob { repository: repository.to_string(), digest: digest.to_string() }
        }
        Call::Copy(source, destination, digest, with_referrers) => form::Call::Copy {
            source: source.to_string(),
            destination: destination.to_string(),
            digest: digest.to_string(),
            with_referrers: with_referrers.clone(),
        },
    }
}

fn answer(answer: WithOrigin<Answer>) -> form::Answer {
    let from = origin(&answer.origin);
    let mut form = form::Answer { from, descriptor: None, referrers: None, tags: None, delegated: None };
    match answer.value {
        Answer::Resolved(one)
        | Answer::Pulled(one)
        | Answer::Fetched(one)
        | Answer::Pushed(one)
        | Answer::Copied(one) => form.descriptor = Some(descriptor(&one)),
        Answer::Referrers(list) => form.referrers = Some(list.iter().map(descriptor).collect()),
        Answer::Tags(tags) => form.tags = Some(tags.to_vec()),
        Answer::Delegated { root, config } => {
            let config = config.map(|(digest, size)| form::Config { digest: digest.to_string(), size });
            form.delegated = Some(form::Delegated { root: root.to_string(), config });
        }
    }
    form
}

fn origin(origin: &Origin) -> form::Origin {
    match origin {
        Origin::Host(host) => form::Origin::Host(host.to_string()),
        Origin::Cache => form::Origin::Cache,
        Origin::Seen(at) => form::Origin::Seen(micros(since_1970(*at))),
        Origin::Layout(path) => form::Origin::Layout(path.to_string_lossy().into_owned()),
        Origin::Inline => form::Origin::InlineData,
        Origin::Memory => form::Origin::Memory,
    }
}

fn descriptor(one: &Descriptor) -> form::Descriptor {
    form::Descriptor {
        media_type: one.media_type.clone(),
        digest: one.digest.to_string(),
        size: one.size,
        artifact_type: one.artifact_type.clone(),
        annotations: one.annotations.clone(),
        urls: one.urls.clone(),
        platform: one.platform.clone().map(platform),
    }
}

fn platform(one: Platform) -> form::Platform {
    let Platform { os, architecture, variant, os_version, os_features } = one;
    form::Platform { os, architecture, variant, os_version, os_features }
}
