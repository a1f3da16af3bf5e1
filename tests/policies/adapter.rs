//! The registry of the tables as the host of a sandbox, and back.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_contract as host;
use refkit_contract::{Absence, Decision, Failure, Step};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_policy as guest;
use refkit_policy::Host as _;
use refkit_policy::testing::Registry;
use refkit_sandbox::RunError;

/// A registry in memory behind a sandbox.
pub struct Adapter(pub Registry);

#[async_trait]
impl refkit_sandbox::Host for Adapter {
    async fn resolve(&self, reference: &Reference) -> Result<Descriptor, Failure> {
        self.0.resolve(&reference.clone().into()).map(descriptor).map_err(failure)
    }

    async fn pull(&self, reference: &Reference) -> Result<host::Content, Failure> {
        let content = self.0.pull(&reference.clone().into()).map_err(failure)?;
        Ok(host::Content { descriptor: descriptor(content.descriptor), bytes: content.bytes.into() })
    }

    async fn fetch(&self, repository: &Repository, digest: &Digest) -> Result<Bytes, Failure> {
        self.0.fetch(&of(repository), digest.as_str()).map(Into::into).map_err(failure)
    }

    async fn fetch_range(
        &self,
        repository: &Repository,
        digest: &Digest,
        offset: u64,
        length: u32,
    ) -> Result<Bytes, Failure> {
        self.0.fetch_range(&of(repository), digest.as_str(), offset, length).map(Into::into).map_err(failure)
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Arc<Vec<Descriptor>>, Failure> {
        let list = self.0.referrers(&of(repository), subject.as_str(), artifact_type).map_err(failure)?;
        Ok(Arc::new(list.into_iter().map(descriptor).collect()))
    }

    async fn tags(&self, repository: &Repository) -> Result<Arc<Vec<String>>, Failure> {
        self.0.tags(&of(repository)).map(Arc::new).map_err(failure)
    }

    async fn next(&self, request: host::Request) -> Result<Decision<Descriptor>, Failure> {
        match self.0.next(&asked(request)).map_err(failure)? {
            guest::Outcome::Resolved(resolved) => Ok(Decision::Resolved(host::Resolved {
                reference: (&resolved.reference).try_into().map_err(failure)?,
                root: descriptor(resolved.root),
                images: resolved.images.into_iter().map(|place| place.map(image).map_err(absence)).collect(),
            })),
            guest::Outcome::Denied(denials) => Ok(Decision::Denied(denials.into_iter().map(denial).collect())),
            guest::Outcome::Next(_) => panic!("the end of a chain has nothing after it"),
        }
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.0.setting(name)
    }

    fn settings(&self) -> Vec<(String, String)> {
        self.0.settings()
    }

    fn now(&self) -> u64 {
        self.0.now()
    }

    fn event(&self, level: host::Level, message: String, fields: Vec<(String, String)>) {
        let level = match level {
            host::Level::Debug => guest::Level::Debug,
            host::Level::Info => guest::Level::Info,
            host::Level::Warn => guest::Level::Warn,
        };
        self.0.event(level, &message, &fields);
    }
}

/// Returns a policy's description as its author wrote it.
pub fn describe(own: &host::Description) -> guest::Description {
    let settings = own.settings.iter().map(|setting| guest::Setting {
        name: setting.name.clone(),
        summary: setting.summary.clone(),
        required: setting.required,
        default: setting.default.clone(),
    });
    let (name, version, summary) = (own.name.clone(), own.version.clone(), own.summary.clone());
    guest::Description { name, version, summary, settings: settings.collect() }
}

/// Returns a request as the sandbox takes it.
pub fn request(asked: guest::Request) -> host::Request {
    let selection = match asked.selection {
        guest::Selection::All => host::Selection::All,
        guest::Selection::Platforms(wanted) => host::Selection::Platforms(wanted.into_iter().map(Into::into).collect()),
    };
    let parts = host::Parts {
        images: asked.parts.contains(guest::Parts::IMAGES),
        configs: asked.parts.contains(guest::Parts::CONFIGS),
        attestations: asked.parts.contains(guest::Parts::ATTESTATIONS),
    };
    let reference = (&asked.reference).try_into().expect("a reference of a table");
    host::Request::new(reference).select(selection).with(parts)
}

fn asked(request: host::Request) -> guest::Request {
    let mut parts = guest::Parts::empty();
    parts.set(guest::Parts::IMAGES, request.parts.images);
    parts.set(guest::Parts::CONFIGS, request.parts.configs);
    parts.set(guest::Parts::ATTESTATIONS, request.parts.attestations);
    guest::Request {
        reference: request.reference.into(),
        selection: match request.selection {
            host::Selection::All => guest::Selection::All,
            host::Selection::Platforms(wanted) => {
                guest::Selection::Platforms(wanted.into_iter().map(Into::into).collect())
            }
        },
        parts,
    }
}

/// Returns what came out of a sandbox as a policy's author sees it: of a descriptor, the digest.
pub fn result(step: Result<Step<Digest>, RunError>) -> Result<guest::Outcome, guest::Error> {
    match step {
        Err(RunError::Failed(failure)) => Err(error(failure)),
        Err(other) => Err(guest::Error::new(guest::ErrorCode::Other, other.to_string())),
        Ok(Step::Next(request)) => Ok(guest::Outcome::Next(asked(request))),
        Ok(Step::Decided(Decision::Denied(denials))) => {
            Ok(guest::Outcome::Denied(denials.into_iter().map(to_denial).collect()))
        }
        Ok(Step::Decided(Decision::Resolved(resolved))) => Ok(guest::Outcome::Resolved(guest::Resolved {
            reference: resolved.reference.into(),
            root: bare(resolved.root),
            images: resolved.images.into_iter().map(|place| place.map(to_image).map_err(to_absence)).collect(),
        })),
    }
}

fn of(repository: &Repository) -> guest::Reference {
    guest::Reference {
        registry: repository.registry().to_owned(),
        repository: repository.path().to_owned(),
        tag: None,
        digest: None,
    }
}

fn descriptor(own: guest::Descriptor) -> Descriptor {
    Descriptor {
        platform: own.platform.map(Into::into),
        artifact_type: own.artifact_type,
        annotations: own.annotations,
        ..Descriptor::new(own.media_type, own.digest.parse().expect("a digest of the registry"), own.size)
    }
}

fn bare(digest: Digest) -> guest::Descriptor {
    Descriptor::new("", digest, 0).into()
}

fn image(image: guest::Image) -> host::Image<Descriptor> {
    host::Image {
        platform: image.platform.map(Into::into),
        parents: image.parents.into_iter().map(descriptor).collect(),
        manifest: descriptor(image.manifest),
        config: image.config.map(descriptor),
        attestations: image.attestations.into_iter().map(descriptor).collect(),
    }
}

fn to_image(image: host::Image<Digest>) -> guest::Image {
    guest::Image {
        platform: image.platform.map(Into::into),
        parents: image.parents.into_iter().map(bare).collect(),
        manifest: bare(image.manifest),
        config: image.config.map(bare),
        attestations: image.attestations.into_iter().map(bare).collect(),
    }
}

fn absence(absence: guest::Absence) -> Absence {
    match absence {
        guest::Absence::NoMatch => Absence::NoMatch,
        guest::Absence::Failed(error) => Absence::Failed(failure(error)),
        guest::Absence::Denied(denials) => Absence::Denied(denials.into_iter().map(denial).collect()),
    }
}

fn to_absence(absence: Absence) -> guest::Absence {
    match absence {
        Absence::NoMatch => guest::Absence::NoMatch,
        Absence::Failed(failure) => guest::Absence::Failed(error(failure)),
        Absence::Denied(denials) => guest::Absence::Denied(denials.into_iter().map(to_denial).collect()),
    }
}

fn denial(denial: guest::Denial) -> host::Denial {
    let subject = denial.subject.map(|subject| subject.parse().expect("a digest of the registry"));
    host::Denial::new(denial.rule, denial.message, subject)
}

fn to_denial(denial: host::Denial) -> guest::Denial {
    let subject = denial.subject.map(Digest::into_string);
    guest::Denial { rule: denial.rule, message: denial.message, subject }
}

/// The kinds of errors, in the contract's order.
const CODES: [(host::ErrorCode, guest::ErrorCode); 10] = [
    (host::ErrorCode::Invalid, guest::ErrorCode::Invalid),
    (host::ErrorCode::NotFound, guest::ErrorCode::NotFound),
    (host::ErrorCode::Unauthorized, guest::ErrorCode::Unauthorized),
    (host::ErrorCode::NotGranted, guest::ErrorCode::NotGranted),
    (host::ErrorCode::BudgetExhausted, guest::ErrorCode::BudgetExhausted),
    (host::ErrorCode::Unsupported, guest::ErrorCode::Unsupported),
    (host::ErrorCode::RateLimited, guest::ErrorCode::RateLimited),
    (host::ErrorCode::Unavailable, guest::ErrorCode::Unavailable),
    (host::ErrorCode::Timeout, guest::ErrorCode::Timeout),
    (host::ErrorCode::Other, guest::ErrorCode::Other),
];

fn failure(error: guest::Error) -> Failure {
    let code = CODES.iter().find(|(_, code)| *code == error.code).expect("every kind is in the list").0;
    Failure::new(code, error.message)
}

fn error(failure: Failure) -> guest::Error {
    let code = CODES.iter().find(|(code, _)| *code == failure.code).expect("every kind is in the list").1;
    guest::Error { code, message: failure.message }
}
