//! Destinations that say that they have content, and lack it when the manifest comes: the run sends it again, once.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use refkit::settings::Assignment;
use refkit::{Annotation, AnnotationTarget, PublishOutcome, PublishRequest, PublishingChain};
use refkit_content::{Body, Error, ErrorKind, Memory, Operation, Push, Resolve as _};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};
use refkit_tests::stage::{ENGINE, Stage};

use super::publish::{reference, whole};

/// A registry that says once that it has some content.
struct Forgetful {
    memory: Memory,
    claims: Mutex<HashSet<Digest>>,
    /// A layer that it wants although it may not be distributed.
    wants: Option<Digest>,
}

#[async_trait]
impl Push for Forgetful {
    async fn has(&self, repository: &Repository, of: &Descriptor) -> Result<bool, Error> {
        Ok(self.claims.lock().remove(&of.digest) || self.memory.has(repository, of).await?)
    }

    async fn push_blob(&self, repository: &Repository, of: &Descriptor, body: Body) -> Result<(), Error> {
        if self.claims.lock().remove(&of.digest) {
            return Ok(());
        }
        self.memory.push_blob(repository, of, body).await
    }

    async fn push_manifest(&self, to: &Reference, media_type: &str, bytes: Bytes) -> Result<Descriptor, Error> {
        if let Some(wanted) = self.wants.as_ref().filter(|_| !media_type.contains("index")) {
            let held = Descriptor::new("a/b", wanted.clone(), 8);
            if !self.memory.has(to.repository(), &held).await? {
                let said = format!("MANIFEST_BLOB_UNKNOWN: {wanted}");
                return Err(Error::new(
                    Operation::Push,
                    to,
                    ErrorKind::Lacks { said, digests: [wanted.clone()].into(), withheld: false },
                ));
            }
        }
        self.memory.push_manifest(to, media_type, bytes).await.map_err(|mut error| {
            let said = error.kind.to_string();
            let digests = said.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
            error.kind = ErrorKind::Lacks { said: format!("MANIFEST_BLOB_UNKNOWN: {said}"), digests, withheld: false };
            error
        })
    }
}

fn image(platform: &str) -> Image {
    ImageBuilder::new(platform).layer("a/b", platform.to_owned()).build()
}

/// Publishes to a registry that claims to have content.
async fn run(
    memory: Memory,
    claims: Vec<Digest>,
    settings: &[(&str, &str)],
    request: PublishRequest,
) -> Result<(), String> {
    let stage = Stage { memory: memory.clone(), ..Stage::new() };
    let settings: Vec<_> = settings.iter().map(|(name, value)| Assignment::new(*name, *value)).collect();
    let chain = PublishingChain::load(&ENGINE, Vec::new().into_iter().collect(), &settings).await.unwrap();
    let target = Forgetful { memory, claims: Mutex::new(claims.into_iter().collect()), wants: None };
    let publisher = chain.publisher(stage.resolver().await, Arc::new(target)).sparse(true);
    match publisher.publish(request).await {
        Ok(PublishOutcome::Published(_)) => Ok(()),
        Ok(denied) => Err(format!("{denied:?}")),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn lost_content_of_the_root_is_sent_again() {
    let (one, two) = (image("linux/amd64"), image("linux/arm64"));
    let index = IndexBuilder::new().add(one.clone()).add(two).build();
    let layer = one.blobs()[1].0.digest.clone();
    let annotation =
        || Annotation { target: AnnotationTarget::Index, platform: None, key: "x.v".into(), value: "1".into() };
    let request = |tag: &str| {
        PublishRequest::new(reference(&format!("registry.test/app:{tag}")), reference("mirror.test/app:1"))
            .prefer_index(false)
    };
    for (name, request, claims) in [
        ("a blob of the root", request("one"), vec![layer.clone()]),
        ("the root itself", request("one"), vec![one.digest().clone()]),
        ("a manifest of an index", request("index"), vec![one.digest().clone()]),
        ("a manifest of an index and a blob of it", request("index"), vec![one.digest().clone(), layer.clone()]),
        ("a manifest of a new index", request("index").annotation(annotation()), vec![one.digest().clone()]),
    ] {
        for settings in [&[] as &[(&str, &str)], &[("referrers", "*")]] {
            let memory = Memory::new();
            one.push(&memory, &reference("registry.test/app:one")).await.unwrap();
            index.push(&memory, &reference("registry.test/app:index")).await.unwrap();
            let published = run(memory.clone(), claims.clone(), settings, request.clone()).await;
            assert_eq!(published, Ok(()), "{name}");
            assert!(whole(&memory, &reference("mirror.test/app:1")).await.is_some(), "{name}");
        }
    }
}

/// The registry's words, and why it lacks what it lacks.
#[tokio::test]
async fn the_error_says_what_was_left_out_and_why() {
    let (one, two) = (image("linux/amd64"), image("linux/arm64"));
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).build();
    let to = |source: &str, destination: &str| {
        PublishRequest::new(reference(source), reference(destination)).prefer_index(false)
    };
    let memory = Memory::new();
    index.push(&memory, &reference("registry.test/app:index")).await.unwrap();
    // An index whose second manifest is absent, as after a sparse copy.
    one.push(&memory, &reference("registry.test/sparse:one")).await.unwrap();
    memory.insert(&reference("registry.test/sparse:1"), &index.descriptor.media_type, index.bytes.clone());
    let amd64 = "linux/amd64".parse::<refkit_oci::Platform>().unwrap();
    for (name, request, absent, wanted) in [
        (
            "sparse",
            to("registry.test/app:index", "mirror.test/app:1").platform(amd64),
            two.digest(),
            "the copy left out what was not chosen: ",
        ),
        (
            "within a repository",
            to("registry.test/sparse:1", "registry.test/sparse:2"),
            two.digest(),
            "it cannot be sent again",
        ),
    ] {
        let error = run(memory.clone(), Vec::new(), &[("sparse", "true")], request.clone()).await.unwrap_err();
        for wanted in ["MANIFEST_BLOB_UNKNOWN", absent.as_str(), wanted] {
            assert!(error.contains(wanted), "{name}: {error}");
        }
        assert!(memory.resolve(&request.destinations[0]).await.is_err(), "{name}");
    }
}

/// A registry that wants a layer which stays elsewhere: the error names the layer, as the root's and as a child's.
#[tokio::test]
async fn the_error_names_layers_that_may_not_be_distributed() {
    const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let image = ImageBuilder::new("windows/amd64").layer(FOREIGN, "licensed").build();
    let index = IndexBuilder::new().add(image.clone()).build();
    let layer = image.blobs()[1].0.digest.clone();
    for root in [&image, &index] {
        for copied in [false, true] {
            let memory = Memory::new();
            root.push(&memory, &reference("registry.test/app:1")).await.unwrap();
            let stage = Stage { memory: memory.clone(), ..Stage::new() };
            let target = Forgetful { memory, claims: Mutex::default(), wants: Some(layer.clone()) };
            let publisher = refkit_tests::stage::publisher(stage, Vec::new(), Arc::new(target)).await;
            let request = PublishRequest::new(reference("registry.test/app:1"), reference("mirror.test/app:1"));
            let published = publisher.nondistributable(copied).publish(request.prefer_index(false)).await;
            match published {
                Ok(PublishOutcome::Published(_)) => assert!(copied),
                Ok(denied) => panic!("{denied:?}"),
                Err(error) => {
                    let wanted = format!("may not be distributed: {layer} ({FOREIGN})");
                    assert!(!copied && error.to_string().contains(&wanted), "{error}");
                }
            }
        }
    }
}
