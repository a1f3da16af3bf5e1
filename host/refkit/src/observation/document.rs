//! The observations of a run as JSON, without the bytes of contents: these lie beside it, by their digests.

use refkit_content::WithOrigin;
use refkit_oci::{Descriptor, Platform};
use serde::Serialize;

use super::{Answer, Call, Observation};
use crate::trace::{Event, Trace};

/// The version of the form.
const VERSION: u32 = 1;

/// The observations of a run, in the order in which the calls began.
#[derive(Debug, Serialize)]
pub struct ObservationsDocument {
    /// [`VERSION`].
    version: u32,
    observations: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    /// The policy that asked; nothing where the host did.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// Microseconds from the start of the run.
    at: u64,
    /// Microseconds that the call took; nothing where it has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    took: Option<u64>,
    call: CallEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorEntry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum CallEntry {
    Resolve {
        reference: String,
    },
    Pull {
        reference: String,
    },
    Fetch {
        repository: String,
        digest: String,
    },
    #[serde(rename_all = "camelCase")]
    Referrers {
        repository: String,
        subject: String,
        artifact_type: Option<String>,
    },
    Tags {
        repository: String,
    },
    Delegate {
        reference: String,
    },
}

#[derive(Debug, Serialize)]
struct AnswerEntry {
    /// The host, the store or the cache that answered.
    from: String,
    #[serde(flatten)]
    value: ValueEntry,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ValueEntry {
    Descriptor(DescriptorEntry),
    Referrers(Vec<DescriptorEntry>),
    Tags(Vec<String>),
    Delegated { root: String, config: Option<String> },
}

/// A content descriptor (OCI image specification 1.1, "OCI Content Descriptors").
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorEntry {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<PlatformEntry>,
}

#[derive(Debug, Serialize)]
struct PlatformEntry {
    os: String,
    architecture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    os_version: Option<String>,
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    os_features: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ErrorEntry {
    code: &'static str,
    message: String,
}

impl ObservationsDocument {
    /// Returns the observations in a trace.
    pub fn of(trace: &Trace) -> Self {
        let name = |parent: Option<usize>| match &trace.spans.get(parent?)?.event {
            Event::Policy { name, .. } => Some(name.to_string()),
            _ => None,
        };
        let entries = trace.spans.iter().filter_map(|span| {
            let Event::Call(Observation { call, result }) = &span.event else { return None };
            let (answer, error) = match result {
                Some(Ok(answer)) => (Some(self::answer(answer)), None),
                Some(Err(error)) => {
                    (None, Some(ErrorEntry { code: error.code().as_str(), message: error.to_string() }))
                }
                None => (None, None),
            };
            let (at, took) = (micros(span.at), span.took.map(micros));
            Some(Entry { policy: name(span.parent), at, took, call: self::call(call), answer, error })
        });
        Self { version: VERSION, observations: entries.collect() }
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn call(call: &Call) -> CallEntry {
    match call {
        Call::Resolve(reference) => CallEntry::Resolve { reference: reference.to_string() },
        Call::Pull(reference) => CallEntry::Pull { reference: reference.to_string() },
        Call::Delegate(reference) => CallEntry::Delegate { reference: reference.to_string() },
        Call::Fetch(repository, digest) => {
            CallEntry::Fetch { repository: repository.to_string(), digest: digest.to_string() }
        }
        Call::Referrers(repository, subject, artifact_type) => CallEntry::Referrers {
            repository: repository.to_string(),
            subject: subject.to_string(),
            artifact_type: artifact_type.clone(),
        },
        Call::Tags(repository) => CallEntry::Tags { repository: repository.to_string() },
    }
}

fn answer(answer: &WithOrigin<Answer>) -> AnswerEntry {
    let value = match &answer.value {
        Answer::Resolved(one) | Answer::Pulled(one) | Answer::Fetched(one) => ValueEntry::Descriptor(descriptor(one)),
        Answer::Referrers(list) => ValueEntry::Referrers(list.iter().map(descriptor).collect()),
        Answer::Tags(tags) => ValueEntry::Tags(tags.to_vec()),
        Answer::Delegated { root, config } => ValueEntry::Delegated {
            root: root.to_string(),
            config: config.as_ref().map(|(digest, _)| digest.to_string()),
        },
    };
    AnswerEntry { from: answer.origin.to_string(), value }
}

fn descriptor(one: &Descriptor) -> DescriptorEntry {
    DescriptorEntry {
        media_type: one.media_type.clone(),
        digest: one.digest.to_string(),
        size: one.size,
        artifact_type: one.artifact_type.clone(),
        annotations: one.annotations.clone(),
        platform: one.platform.as_ref().map(platform),
    }
}

fn platform(one: &Platform) -> PlatformEntry {
    PlatformEntry {
        os: one.os.clone(),
        architecture: one.architecture.clone(),
        variant: one.variant.clone(),
        os_version: one.os_version.clone(),
        os_features: one.os_features.clone(),
    }
}
