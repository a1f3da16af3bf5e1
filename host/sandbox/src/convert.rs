//! Between the contract's records and the host's checked types. Everything that comes out of a sandbox is checked
//! here for its form, and nowhere else.

pub(crate) mod publish;

use refkit_contract::{
    Absence, AnnotationTarget, Decision, Denial, ErrorCode, Failure, Image, Level, Parts, Request, Resolved, Selection,
    Setting, Step,
};
use refkit_oci as oci;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use crate::bindings::publishing::refkit::policy::publication;
use crate::bindings::refkit::policy::{resolution as wit, trace, types};

/// The most bytes of an artifact type: a media type's two names have at most 127 each, and a slash between them (RFC
/// 6838, section 4.2).
const ARTIFACT_TYPE: usize = 255;

/// The most platforms that one request may name: as many as an answer of the default policy has images.
const PLATFORMS: usize = 1024;

/// The most bytes of each text of a platform, and the most features that it may name. The longest text that the
/// specification knows is a version of Windows, of 15.
const PLATFORM_TEXT: usize = 128;
const PLATFORM_FEATURES: usize = 64;

/// Returns the failure that a malformed argument is answered with.
pub(crate) fn invalid(problem: impl std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::Invalid, problem.to_string())
}

pub(crate) fn digest(text: String) -> Result<Digest, Failure> {
    Digest::try_from(text).map_err(invalid)
}

pub(crate) fn repository(r: &types::Reference) -> Result<Repository, Failure> {
    Repository::new(r.registry.as_str(), r.repository.as_str()).map_err(invalid)
}

pub(crate) fn reference(r: types::Reference) -> Result<Reference, Failure> {
    let digest = r.digest.map(digest).transpose()?;
    let repository = Repository::new(r.registry, r.repository).map_err(invalid)?;
    Reference::new(repository, r.tag, digest).map_err(invalid)
}

pub(crate) fn to_reference(r: &Reference) -> types::Reference {
    types::Reference {
        registry: r.repository().registry().to_owned(),
        repository: r.repository().path().to_owned(),
        tag: r.tag().map(str::to_owned),
        digest: r.digest().map(|digest| digest.as_str().to_owned()),
    }
}

/// Returns an artifact type that is not too long to ask for.
pub(crate) fn artifact_type(text: Option<&str>) -> Result<Option<&str>, Failure> {
    match text {
        Some(text) if text.len() > ARTIFACT_TYPE => {
            Err(invalid(format_args!("the artifact type has {} bytes, more than {ARTIFACT_TYPE}", text.len())))
        }
        text => Ok(text),
    }
}

/// Returns a platform that a policy asks for.
fn wanted(p: types::Platform) -> Result<oci::Platform, Failure> {
    let features = &p.os_features;
    if features.len() > PLATFORM_FEATURES {
        return Err(invalid(format_args!("a platform has {} features, more than {PLATFORM_FEATURES}", features.len())));
    }
    let texts = [&p.os, &p.architecture].into_iter().chain(&p.variant).chain(&p.os_version).chain(features);
    match texts.map(String::len).max() {
        Some(longest) if longest > PLATFORM_TEXT => {
            Err(invalid(format_args!("a text of a platform has {longest} bytes, more than {PLATFORM_TEXT}")))
        }
        _ => Ok(platform(p)),
    }
}

fn platform(p: types::Platform) -> oci::Platform {
    oci::Platform {
        os: p.os,
        architecture: p.architecture,
        variant: p.variant,
        os_version: p.os_version,
        os_features: p.os_features,
    }
    .normalized()
}

fn to_platform(p: &oci::Platform) -> types::Platform {
    types::Platform {
        os: p.os.clone(),
        architecture: p.architecture.clone(),
        variant: p.variant.clone(),
        os_version: p.os_version.clone(),
        os_features: p.os_features.clone(),
    }
}

pub(crate) fn to_descriptor(d: &Descriptor) -> types::Descriptor {
    types::Descriptor {
        media_type: d.media_type.clone(),
        digest: d.digest.as_str().to_owned(),
        size: d.size,
        platform: d.platform.as_ref().map(to_platform),
        artifact_type: d.artifact_type.clone(),
        annotations: d.annotations.clone(),
    }
}

fn parts(parts: wit::Parts) -> Parts {
    Parts {
        images: parts.contains(wit::Parts::IMAGES),
        configs: parts.contains(wit::Parts::CONFIGS),
        attestations: parts.contains(wit::Parts::ATTESTATIONS),
    }
}

fn to_parts(parts: Parts) -> wit::Parts {
    let mut flags = wit::Parts::empty();
    for (set, flag) in [
        (parts.images, wit::Parts::IMAGES),
        (parts.configs, wit::Parts::CONFIGS),
        (parts.attestations, wit::Parts::ATTESTATIONS),
    ] {
        if set {
            flags |= flag;
        }
    }
    flags
}

pub(crate) fn request(r: wit::Request) -> Result<Request, Failure> {
    let selection = match r.selection {
        wit::Selection::Platforms(platforms) if platforms.len() > PLATFORMS => {
            let text = format_args!("the request names {} platforms, more than {PLATFORMS}", platforms.len());
            return Err(invalid(text));
        }
        wit::Selection::Platforms(platforms) => {
            Selection::Platforms(platforms.into_iter().map(wanted).collect::<Result<_, _>>()?)
        }
        wit::Selection::All => Selection::All,
    };
    Ok(Request::new(reference(r.reference)?).select(selection).with(parts(r.parts)))
}

pub(crate) fn to_request(r: &Request) -> wit::Request {
    wit::Request {
        reference: to_reference(&r.reference),
        selection: match &r.selection {
            Selection::Platforms(platforms) => wit::Selection::Platforms(platforms.iter().map(to_platform).collect()),
            Selection::All => wit::Selection::All,
        },
        parts: to_parts(r.parts),
    }
}

pub(crate) fn step(outcome: wit::Outcome) -> Result<Step<Digest>, Failure> {
    Ok(match outcome {
        wit::Outcome::Next(next) => Step::Next(request(next)?),
        wit::Outcome::Denied(list) => Step::Decided(Decision::Denied(denials(list)?)),
        wit::Outcome::Resolved(resolved) => Step::Decided(Decision::Resolved(Resolved {
            reference: reference(resolved.reference)?,
            root: digest(resolved.root.digest)?,
            images: resolved.images.into_iter().map(place).collect::<Result<_, _>>()?,
        })),
    })
}

fn place(place: Result<wit::Image, wit::Absence>) -> Result<Result<Image<Digest>, Absence>, Failure> {
    let digests = |list: Vec<types::Descriptor>| list.into_iter().map(|d| digest(d.digest)).collect::<Result<_, _>>();
    Ok(match place {
        Ok(image) => Ok(Image {
            platform: image.platform.map(platform),
            parents: digests(image.parents)?,
            manifest: digest(image.manifest.digest)?,
            config: image.config.map(|config| digest(config.digest)).transpose()?,
            attestations: digests(image.attestations)?,
        }),
        Err(absence) => Err(match absence {
            wit::Absence::NoMatch => Absence::NoMatch,
            wit::Absence::Denied(list) => Absence::Denied(denials(list)?),
            wit::Absence::Failed(error) => Absence::Failed(failure(error)),
        }),
    })
}

fn denials(list: Vec<wit::Denial>) -> Result<Vec<Denial>, Failure> {
    list.into_iter().map(|d| Ok(Denial::new(d.rule, d.message, d.subject.map(digest).transpose()?))).collect()
}

fn to_denials(list: &[Denial]) -> Vec<wit::Denial> {
    list.iter()
        .map(|d| wit::Denial {
            rule: d.rule.clone(),
            message: d.message.clone(),
            subject: d.subject.as_ref().map(|digest| digest.as_str().to_owned()),
        })
        .collect()
}

pub(crate) fn to_outcome(decision: &Decision<Descriptor>) -> wit::Outcome {
    match decision {
        Decision::Denied(list) => wit::Outcome::Denied(to_denials(list)),
        Decision::Resolved(resolved) => wit::Outcome::Resolved(wit::Resolved {
            reference: to_reference(&resolved.reference),
            root: to_descriptor(&resolved.root),
            images: resolved.images.iter().map(to_place).collect(),
        }),
    }
}

fn to_place(place: &Result<Image<Descriptor>, Absence>) -> Result<wit::Image, wit::Absence> {
    match place {
        Ok(image) => Ok(wit::Image {
            platform: image.platform.as_ref().map(to_platform),
            parents: image.parents.iter().map(to_descriptor).collect(),
            manifest: to_descriptor(&image.manifest),
            config: image.config.as_ref().map(to_descriptor),
            attestations: image.attestations.iter().map(to_descriptor).collect(),
        }),
        Err(Absence::NoMatch) => Err(wit::Absence::NoMatch),
        Err(Absence::Denied(list)) => Err(wit::Absence::Denied(to_denials(list))),
        Err(Absence::Failed(failure)) => Err(wit::Absence::Failed(to_error(failure.clone()))),
    }
}

/// Maps the cases of two enums onto each other, in both directions.
macro_rules! same_cases {
    ($from:ident: $a:ty, $to:ident: $b:ty, $($case:ident),*) => {
        pub(crate) fn $from(value: $a) -> $b {
            match value { $(<$a>::$case => <$b>::$case,)* }
        }

        #[allow(dead_code)]
        pub(crate) fn $to(value: $b) -> $a {
            match value { $(<$b>::$case => <$a>::$case,)* }
        }
    };
}

same_cases!(
    code: types::ErrorCode, to_code: ErrorCode,
    Invalid, NotFound, Unauthorized, NotGranted, BudgetExhausted, Unsupported, RateLimited, Unavailable, Timeout, Other
);
same_cases!(level: trace::Level, to_level: Level, Debug, Info, Warn);
same_cases!(
    target: publication::AnnotationTarget, to_target: AnnotationTarget,
    Index, ManifestDescriptor, Manifest
);

pub(crate) fn failure(error: types::Error) -> Failure {
    Failure::new(code(error.code), error.message)
}

pub(crate) fn to_error(failure: Failure) -> types::Error {
    types::Error { code: to_code(failure.code), message: failure.message }
}

pub(crate) fn setting(name: String, summary: String, required: bool, default: Option<String>) -> Setting {
    Setting { name, summary, required, default }
}
