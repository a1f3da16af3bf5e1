//! One answered host call of a run: the call with its arguments, and the answer with where it came from, or the error.
//!
//! The ledger, the explanation and the attribution of failures are views of these.

mod document;

use std::fmt;
use std::sync::Arc;

use refkit_content::{Error, ErrorKind, Operation, WithOrigin};
use refkit_contract::Failure;
use refkit_oci::{Descriptor, Digest, Footprint, Reference, Repository};

pub use document::{ObservationsDocument, RecordedObservation};

/// A host call with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// What a reference names.
    Resolve(Reference),
    /// The manifest or the index that a reference names.
    Pull(Reference),
    /// Content by digest.
    Fetch(Repository, Digest),
    /// The manifests whose subject is the digest, all or those of one artifact type.
    Referrers(Repository, Digest, Option<String>),
    /// The tags of a repository.
    Tags(Repository),
    /// What the delegate resolves a reference to.
    Delegate(Reference),
    /// The push of a manifest or an index with this digest.
    PushManifest(Reference, Digest),
    /// The push of a blob.
    PushBlob(Repository, Digest),
    /// The copy of a manifest or an index from one repository into another, with referrers of these artifact types.
    Copy(Repository, Repository, Digest, Vec<String>),
}

impl Call {
    /// Returns the name of the contract's function. The delegate is asked in place of a source that resolves.
    pub fn function(&self) -> &'static str {
        match self {
            Self::Resolve(_) | Self::Delegate(_) => "resolve",
            Self::Pull(_) => "pull",
            Self::Fetch(..) => "fetch",
            Self::Referrers(..) => "referrers",
            Self::Tags(_) => "tags",
            Self::PushManifest(..) => "push-manifest",
            Self::PushBlob(..) => "push-blob",
            Self::Copy(..) => "copy",
        }
    }

    /// Returns the repository that the call reads, or writes.
    pub fn repository(&self) -> &Repository {
        match self {
            Self::Resolve(reference) | Self::Pull(reference) | Self::Delegate(reference) => reference.repository(),
            Self::PushManifest(reference, _) => reference.repository(),
            Self::Fetch(repository, _) | Self::Referrers(repository, ..) | Self::Tags(repository) => repository,
            Self::PushBlob(repository, _) | Self::Copy(_, repository, ..) => repository,
        }
    }

    /// Returns the error of this call.
    pub(crate) fn fail(&self, kind: ErrorKind) -> Error {
        let operation = match self {
            Self::Resolve(_) | Self::Delegate(_) => Operation::Resolve,
            Self::Pull(_) => Operation::Pull,
            Self::Fetch(..) => Operation::Fetch,
            Self::Referrers(..) => Operation::Referrers,
            Self::Tags(_) => Operation::Tags,
            Self::PushManifest(..) | Self::PushBlob(..) | Self::Copy(..) => Operation::Push,
        };
        Error::new(operation, self, kind)
    }
}

/// Shows what the call is about: a reference, a repository, or a digest in one.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(reference) | Self::Pull(reference) | Self::Delegate(reference) => reference.fmt(f),
            Self::Fetch(repository, digest) | Self::Referrers(repository, digest, _) => {
                write!(f, "{repository}@{digest}")
            }
            Self::Tags(repository) => repository.fmt(f),
            Self::PushManifest(reference, _) => reference.fmt(f),
            Self::PushBlob(repository, digest) | Self::Copy(_, repository, digest, _) => {
                write!(f, "{repository}@{digest}")
            }
        }
    }
}

impl Footprint for Call {
    fn footprint(&self) -> usize {
        match self {
            Self::Resolve(reference) | Self::Pull(reference) | Self::Delegate(reference) => reference.footprint(),
            Self::Fetch(repository, digest) => repository.footprint() + digest.footprint(),
            Self::Referrers(repository, digest, artifact_type) => {
                repository.footprint() + digest.footprint() + artifact_type.footprint()
            }
            Self::Tags(repository) => repository.footprint(),
            Self::PushManifest(reference, digest) => reference.footprint() + digest.footprint(),
            Self::PushBlob(repository, digest) => repository.footprint() + digest.footprint(),
            Self::Copy(from, to, digest, artifact_types) => {
                from.footprint() + to.footprint() + digest.footprint() + artifact_types.footprint()
            }
        }
    }
}

/// The answer to a call. Bytes are not in it: the run keeps them by their digests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// What the reference names.
    Resolved(Descriptor),
    /// The manifest or the index, which the run has read.
    Pulled(Descriptor),
    /// The content, which the run has read.
    Fetched(Descriptor),
    /// The referrers.
    Referrers(Arc<Vec<Descriptor>>),
    /// The tags.
    Tags(Arc<Vec<String>>),
    /// The manifest, the index or the blob is at the destination.
    Pushed(Descriptor),
    /// The manifest or the index is at the destination, with all that it refers to.
    Copied(Descriptor),
    /// The digest that the delegate resolves to, and the config of the image that it takes of it.
    Delegated {
        /// The root.
        root: Digest,
        /// The config's digest and its size in bytes.
        config: Option<(Digest, u64)>,
    },
}

impl Answer {
    /// Returns the bytes that came with the answer.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Resolved(_) | Self::Referrers(_) | Self::Pushed(_) | Self::Copied(_) => 0,
            Self::Pulled(descriptor) | Self::Fetched(descriptor) => descriptor.size,
            Self::Tags(tags) => tags.iter().map(|tag| tag.len() as u64).sum(),
            Self::Delegated { config, .. } => config.as_ref().map_or(0, |(_, size)| *size),
        }
    }
}

impl Footprint for Answer {
    fn footprint(&self) -> usize {
        match self {
            Self::Resolved(descriptor) | Self::Pulled(descriptor) | Self::Fetched(descriptor) => descriptor.footprint(),
            Self::Pushed(descriptor) | Self::Copied(descriptor) => descriptor.footprint(),
            // The record of answers has the list and counts it.
            Self::Referrers(_) | Self::Tags(_) => size_of::<Self>(),
            Self::Delegated { root, .. } => 2 * root.footprint(),
        }
    }
}

/// A host call, and what came of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Observation {
    /// The call.
    pub call: Call,
    /// The answer or the error; nothing while the call is under way.
    pub result: Option<Result<WithOrigin<Answer>, Error>>,
}

impl Footprint for Observation {
    fn footprint(&self) -> usize {
        let result = match &self.result {
            Some(Ok(answer)) => answer.value.footprint(),
            Some(Err(error)) => footprint(error),
            None => 0,
        };
        size_of::<Self>() + self.call.footprint() + result
    }
}

/// Returns about how many bytes of memory an error takes.
pub(crate) fn footprint(error: &Error) -> usize {
    size_of::<Error>() + 2 * error.to_string().as_str().footprint()
}

/// An error, and the observation that has it.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) error: Box<Error>,
    pub(crate) observation: Option<usize>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error: Box::new(error), observation: None }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        *failed.error
    }
}

/// Returns the failure with which a call is answered to a policy.
impl From<Failed> for Failure {
    fn from(Failed { error, observation }: Failed) -> Self {
        let mut failure = Self::new(error.code(), error.to_string());
        failure.observation = observation;
        failure
    }
}
