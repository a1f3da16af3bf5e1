//! The records of a publication.

use refkit_contract::{Annotation, Failure, PublishDecision, PublishRequest, PublishSource};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest};

use super::{
    artifact_type, denials, digest, invalid, reference, repository, target, to_denials, to_descriptor, to_platform,
    to_reference, to_target, wanted,
};
use crate::Copy;
use crate::bindings::publishing::refkit::policy::publication as wit;
use crate::bindings::refkit::policy::types;

/// The most sources, destinations and annotations, each, that one publication may name.
const ENTRIES: usize = 4096;

/// The most bytes of a descriptor that comes as JSON.
const DESCRIPTOR: usize = 1 << 20;

/// The most digests that one call copies.
const DIGESTS: usize = 4096;

fn at_most(what: &str, count: usize, limit: usize) -> Result<(), Failure> {
    match count > limit {
        true => Err(invalid(format_args!("the publication names {count} {what}, more than {limit}"))),
        false => Ok(()),
    }
}

pub(crate) fn request(r: wit::Request) -> Result<PublishRequest, Failure> {
    at_most("sources", r.sources.len(), ENTRIES)?;
    at_most("destinations", r.destinations.len(), ENTRIES)?;
    at_most("platforms", r.platforms.len(), super::PLATFORMS)?;
    at_most("annotations", r.annotations.len(), ENTRIES)?;
    let mut request = PublishRequest::default().prefer_index(r.prefer_index);
    for source in r.sources {
        if let Some(json) = source.descriptor.as_ref().filter(|json| json.len() > DESCRIPTOR) {
            return Err(invalid(format_args!("a descriptor has {} bytes, more than {DESCRIPTOR}", json.len())));
        }
        request.sources.push(PublishSource { reference: reference(source.reference)?, descriptor: source.descriptor });
    }
    request.destinations = r.destinations.into_iter().map(reference).collect::<Result<_, _>>()?;
    request.platforms = r.platforms.into_iter().map(wanted).collect::<Result<_, _>>()?;
    for a in r.annotations {
        let platform = a.platform.map(wanted).transpose()?;
        request.annotations.push(Annotation { target: target(a.target), platform, key: a.key, value: a.value });
    }
    Ok(request)
}

pub(crate) fn to_request(r: &PublishRequest) -> wit::Request {
    wit::Request {
        sources: r.sources.iter().map(to_source).collect(),
        destinations: r.destinations.iter().map(to_reference).collect(),
        platforms: r.platforms.iter().map(to_platform).collect(),
        annotations: r.annotations.iter().map(to_annotation).collect(),
        prefer_index: r.prefer_index,
    }
}

fn to_source(source: &PublishSource) -> wit::Source {
    wit::Source { reference: to_reference(&source.reference), descriptor: source.descriptor.clone() }
}

fn to_annotation(annotation: &Annotation) -> wit::Annotation {
    wit::Annotation {
        target: to_target(annotation.target),
        platform: annotation.platform.as_ref().map(to_platform),
        key: annotation.key.clone(),
        value: annotation.value.clone(),
    }
}

pub(crate) fn decision(outcome: wit::Outcome) -> Result<PublishDecision<Digest>, Failure> {
    Ok(match outcome {
        wit::Outcome::Published(root) => PublishDecision::Published(digest(root.digest)?),
        wit::Outcome::Denied(list) => PublishDecision::Denied(denials(list)?),
    })
}

pub(crate) fn to_outcome(decision: &PublishDecision<Descriptor>) -> wit::Outcome {
    match decision {
        PublishDecision::Published(root) => wit::Outcome::Published(to_descriptor(root)),
        PublishDecision::Denied(list) => wit::Outcome::Denied(to_denials(list)),
    }
}

/// Returns a media type of the form that the specification gives (RFC 6838, section 4.2).
pub(crate) fn media_type(text: &str) -> Result<&str, Failure> {
    match media_type::is_well_formed(text) {
        true => Ok(text),
        false => Err(invalid(format_args!("{text:?} is no media type"))),
    }
}

pub(crate) fn copy(
    source: &types::Reference,
    digests: Vec<String>,
    destination: &types::Reference,
    with_referrers: Vec<String>,
) -> Result<Copy, Failure> {
    at_most("digests", digests.len(), DIGESTS)?;
    at_most("artifact types", with_referrers.len(), DIGESTS)?;
    for text in &with_referrers {
        artifact_type(Some(text))?;
    }
    Ok(Copy {
        source: repository(source)?,
        digests: digests.into_iter().map(digest).collect::<Result<_, _>>()?,
        destination: repository(destination)?,
        with_referrers,
    })
}
