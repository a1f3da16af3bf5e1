//! The host of a policy that describes itself.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_contract::{Content, Decision, ErrorCode, Failure, Level, PublishDecision, PublishRequest, Request};
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use crate::host::Copy;
use crate::{Host, PublishingHost};

/// Answers every call with a failure.
pub(crate) struct Silent;

fn nothing<T>() -> Result<T, Failure> {
    Err(Failure::new(ErrorCode::NotGranted, "the host answers no call while a policy describes itself"))
}

#[async_trait]
impl Host for Silent {
    async fn resolve(&self, _: &Reference) -> Result<Descriptor, Failure> {
        nothing()
    }
    async fn pull(&self, _: &Reference) -> Result<Content, Failure> {
        nothing()
    }
    async fn fetch(&self, _: &Repository, _: &Digest) -> Result<Bytes, Failure> {
        nothing()
    }
    async fn fetch_range(&self, _: &Repository, _: &Digest, _: u64, _: u32) -> Result<Bytes, Failure> {
        nothing()
    }
    async fn referrers(&self, _: &Repository, _: &Digest, _: Option<&str>) -> Result<Arc<Vec<Descriptor>>, Failure> {
        nothing()
    }
    async fn tags(&self, _: &Repository) -> Result<Arc<Vec<String>>, Failure> {
        nothing()
    }
    async fn next(&self, _: Request) -> Result<Decision<Descriptor>, Failure> {
        nothing()
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn settings(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    fn now(&self) -> u64 {
        0
    }
    fn event(&self, _: Level, _: String, _: Vec<(String, String)>) {}
}

#[async_trait]
impl PublishingHost for Silent {
    fn reading(&self) -> &dyn Host {
        self
    }
    async fn push_manifest(&self, _: &Reference, _: &str, _: Bytes) -> Result<Descriptor, Failure> {
        nothing()
    }
    async fn push_blob(&self, _: &Repository, _: &str, _: Bytes) -> Result<Descriptor, Failure> {
        nothing()
    }
    async fn copy(&self, _: Copy) -> Result<(), Failure> {
        nothing()
    }
    async fn publish(&self, _: PublishRequest) -> Result<PublishDecision<Descriptor>, Failure> {
        nothing()
    }
}
