//! The rows of composing as publications of the default publisher, in the sandbox.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit::settings::Assignment;
use refkit::{Annotation, AnnotationTarget, Components, PublishRequest, PublishSource, Publisher, PublishingChain};
use refkit_content::{Body, Error, Memory, Push};
use refkit_oci::annotation::Level;
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Reference, Repository};
use refkit_tests::stage::{ENGINE, Stage};

use super::asked::{self, Asked, DESTINATION, REPOSITORY};
use super::publisher::{held, outcome};
use super::rows::{Fixtures, rows};

/// A destination that takes an index although its manifests are absent, as many registries do.
struct Loose(Memory);

#[async_trait]
impl Push for Loose {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        self.0.has(repository, descriptor).await
    }

    async fn push_blob(&self, to: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        self.0.push_blob(to, descriptor, body).await
    }

    async fn push_manifest(&self, to: &Reference, media_type: &str, bytes: Bytes) -> Result<Descriptor, Error> {
        match media_type::is_index(media_type) {
            true => Ok(self.0.insert(to, media_type, bytes)),
            false => self.0.push_manifest(to, media_type, bytes).await,
        }
    }
}

#[tokio::test]
async fn publications_become_what_the_table_says() {
    let fixtures = Fixtures::new();
    let rows = rows(&fixtures);
    let asked = asked::asked(&fixtures, &rows);
    let mut failed = Vec::new();
    for one in &asked {
        failed.extend(failure(one).await);
    }
    assert!(failed.is_empty(), "{} of {} rows failed\n{}", failed.len(), asked.len(), failed.join("\n"));
}

async fn failure(asked: &Asked<'_>) -> Option<String> {
    let at = |text: String| Reference::parse(&text).expect("a reference");
    let memory = Memory::new();
    for image in &asked.images {
        image.push(&memory, &at(format!("{REPOSITORY}@{}", image.digest()))).await.expect("an image of the table");
    }
    for document in &asked.documents {
        let descriptor = &document.descriptor;
        let reference = at(format!("{REPOSITORY}@{}", descriptor.digest));
        memory.insert(&reference, &descriptor.media_type, document.bytes.clone());
    }
    let destination = at(DESTINATION.to_owned());
    let mut request = PublishRequest::default().destination(destination.clone()).prefer_index(asked.prefer_index);
    let sources = asked.sources.iter().map(|source| PublishSource {
        reference: at(format!("{REPOSITORY}@{}", source.digest)),
        descriptor: source.descriptor.clone(),
    });
    request.sources = sources.collect();
    request.platforms = asked.platforms.clone();
    request.annotations = asked.annotations.iter().map(|(level, key, value)| annotation(level, key, value)).collect();
    let found = match &*outcome(&publisher(asked, &memory).await, request).await {
        "published" => Ok(held(&memory, &destination).await),
        other => Err(other.to_owned()),
    };
    asked.unmet(&found)
}

async fn publisher(asked: &Asked<'_>, memory: &Memory) -> Publisher {
    let settings: Vec<_> = asked.settings.iter().map(|(name, value)| Assignment::new(*name, *value)).collect();
    let chain = PublishingChain::load(&ENGINE, Components::none(), &settings).await.expect("the chain loads");
    let stage = Stage { memory: memory.clone(), ..Stage::new() };
    let target: Arc<dyn Push> = match asked.sparse {
        true => Arc::new(Loose(memory.clone())),
        false => Arc::new(memory.clone()),
    };
    chain.publisher(stage.resolver().await, target).sparse(asked.sparse)
}

fn annotation(level: &Level, key: &str, value: &str) -> Annotation {
    let (target, platform) = match level {
        Level::Index => (AnnotationTarget::Index, None),
        Level::Manifest(platform) => (AnnotationTarget::Manifest, platform.clone()),
        Level::ManifestDescriptor(platform) => (AnnotationTarget::ManifestDescriptor, platform.clone()),
        Level::IndexDescriptor => panic!("a publication has no such annotation"),
    };
    Annotation { target, platform, key: key.to_owned(), value: value.to_owned() }
}
