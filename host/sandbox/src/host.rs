//! The calls that the sandbox makes to its embedder.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_contract::{Content, Decision, Failure, Level, PublishDecision, PublishRequest, Request};
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use crate::Hold;

/// The answers to the questions of one policy in one run. Arguments were checked for their form; whether the run may
/// ask them at all is decided behind this trait.
#[async_trait]
pub trait Host: Send + Sync {
    /// Returns what the reference names now.
    async fn resolve(&self, reference: &Reference) -> Result<Descriptor, Failure>;

    /// Returns the manifest or the index that the reference names now.
    async fn pull(&self, reference: &Reference) -> Result<Content, Failure>;

    /// Returns content that this run has met in the repository.
    async fn fetch(&self, repository: &Repository, digest: &Digest) -> Result<Bytes, Failure>;

    /// Returns at most `length` bytes of a blob that this run has met, from `offset` on.
    async fn fetch_range(
        &self,
        repository: &Repository,
        digest: &Digest,
        offset: u64,
        length: u32,
    ) -> Result<Bytes, Failure>;

    /// Returns the manifests whose subject is the digest.
    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Arc<Vec<Descriptor>>, Failure>;

    /// Returns the tags of the repository.
    async fn tags(&self, repository: &Repository) -> Result<Arc<Vec<String>>, Failure>;

    /// Returns what the rest of the chain decides.
    async fn next(&self, request: Request) -> Result<Decision<Descriptor>, Failure>;

    /// Returns the value of a setting.
    fn setting(&self, name: &str) -> Option<String>;

    /// Returns all settings.
    fn settings(&self) -> Vec<(String, String)>;

    /// Returns the seconds since the Unix epoch at which the run started.
    fn now(&self) -> u64;

    /// Sets memory aside for the copy of an answer that is on its way to the policy, until what is returned is dropped.
    ///
    /// # Errors
    /// When the run may not hold as much: the policy gets the failure in the answer's place.
    fn hold(&self, _bytes: u64) -> Result<Hold, Failure> {
        Ok(Hold::default())
    }

    /// Takes a message for the run's trace.
    fn event(&self, level: Level, message: String, fields: Vec<(String, String)>);
}

/// What a policy wants copied from one repository into another, by digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Copy {
    /// The repository that has the content.
    pub source: Repository,
    /// The manifests and indexes, with all that they refer to.
    pub digests: Vec<Digest>,
    /// The repository that gets the content.
    pub destination: Repository,
    /// The artifact types of the referrers that come along.
    pub with_referrers: Vec<String>,
}

/// The answers to the questions of one publishing policy in one run.
#[async_trait]
pub trait PublishingHost: Send + Sync {
    /// Returns the host of the calls that a policy of the other world has as well.
    fn reading(&self) -> &dyn Host;

    /// Pushes a manifest or an index under the destination's tag, or under its digest alone where there is no tag.
    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Failure>;

    /// Pushes a blob.
    async fn push_blob(&self, destination: &Repository, media_type: &str, bytes: Bytes) -> Result<Descriptor, Failure>;

    /// Copies manifests, indexes and all that they refer to.
    async fn copy(&self, copy: Copy) -> Result<(), Failure>;

    /// Returns what the rest of the publishing chain makes of a publication.
    async fn publish(&self, request: PublishRequest) -> Result<PublishDecision<Descriptor>, Failure>;
}
