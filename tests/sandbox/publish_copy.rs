//! What a policy has the host copy passes through the host, and is no work of the policy.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use refkit::PublishRequest;
use refkit_content::{Body, Error, Memory, Push};
use refkit_oci::{Descriptor, Reference, Repository};
use refkit_tests::stage::{self, Stage};

use super::hostile::compute;
use super::publish::{publish, reference, whole};

/// The processor time that a policy may use.
const LIMIT: Duration = Duration::from_millis(50);

/// A destination that computes for long to take a blob.
struct Busy(Memory);

#[async_trait]
impl Push for Busy {
    async fn push_blob(&self, repository: &Repository, of: &Descriptor, body: Body) -> Result<(), Error> {
        compute(LIMIT * 2);
        self.0.push_blob(repository, of, body).await
    }

    async fn push_manifest(&self, to: &Reference, media_type: &str, bytes: Bytes) -> Result<Descriptor, Error> {
        self.0.push_manifest(to, media_type, bytes).await
    }
}

#[tokio::test]
async fn a_copy_is_no_processor_time_of_the_policy() {
    let stage = Stage::new().budget(|budget| budget.cpu = LIMIT);
    let memory = Memory::new();
    let publisher = stage::publisher(stage, Vec::new(), Arc::new(Busy(memory.clone()))).await;
    let to = reference("mirror.test/app:1");
    publish(&publisher, PublishRequest::new(reference("registry.test/app:1"), to.clone())).await;
    assert!(whole(&memory, &to).await.is_some());
}
