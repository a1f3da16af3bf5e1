//! Publishing by the default publisher: what is at the destination in the end, and what the policies decide about it.

use std::sync::Arc;

use refkit::{
    Annotation, AnnotationTarget, Call, Event, PublishOutcome, PublishRequest, PublishSession, Published, Publisher,
};
use refkit_content::{Fetch, Memory, Resolve};
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Descriptor, Reference};
use refkit_tests::components::{ALLOW_LIST, REQUIRE_LABEL};
use refkit_tests::stage::{self, Stage};

pub fn reference(text: &str) -> Reference {
    Reference::parse(text).expect("a test's reference")
}

/// Returns a publisher over the stage that pushes into the stage's own memory.
pub async fn publisher(stage: Stage) -> (Publisher, Memory) {
    let memory = stage.memory.clone();
    (stage::publisher(stage, Vec::new(), Arc::new(memory.clone())).await, memory)
}

pub async fn publish(publisher: &Publisher, request: PublishRequest) -> (Published, PublishSession) {
    let session = publisher.session(request);
    match session.publish().await {
        Ok(PublishOutcome::Published(published)) => (*published, session),
        other => panic!("{other:?}"),
    }
}

/// Returns the calls that wrote, in their order.
pub fn writes(session: &PublishSession) -> Vec<String> {
    let calls = session.trace().spans.into_iter().filter_map(|span| match span.event {
        Event::Call(observation) => Some(observation.call),
        _ => None,
    });
    let writes = calls.filter(|call| matches!(call, Call::PushManifest(..) | Call::PushBlob(..) | Call::Copy(..)));
    writes.map(|call| format!("{} {call}", call.function())).collect()
}

/// Returns whether everything below a document is at a destination, and how many documents and blobs there are.
pub async fn whole(memory: &Memory, at: &Reference) -> Option<usize> {
    let content = memory.pull(at).await.ok()?.value;
    let document = document::read(Some(&content.descriptor.media_type), &content.bytes, &Limits::default()).ok()?;
    let repository = at.repository();
    let there = async |of: &Descriptor| refkit_content::fetch(memory, repository, of, 1 << 20).await.is_ok();
    let mut count = 1;
    match document {
        Document::Index(index) => {
            for entry in &index.manifests {
                let below = Reference::new(repository.clone(), None, Some(entry.digest.clone())).ok()?;
                count += Box::pin(whole(memory, &below)).await?;
            }
        }
        Document::Manifest(manifest) => {
            for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
                if !there(blob).await {
                    return None;
                }
                count += 1;
            }
        }
    }
    Some(count)
}

#[tokio::test]
async fn one_source_is_copied_byte_for_byte_and_the_tags_move_last() {
    let (publisher, memory) = publisher(Stage::new()).await;
    let source = reference("registry.test/app:1");
    let destinations = ["mirror.test/app:1", "mirror.test/app:latest", "other.test/copy:2"].map(reference);
    let mut request = PublishRequest::new(source.clone(), destinations[0].clone());
    request.destinations = destinations.to_vec();
    let (published, session) = publish(&publisher, request).await;
    let original = memory.pull(&source).await.unwrap().value;
    assert_eq!((&published.bytes, &published.root.digest), (&original.bytes, &original.descriptor.digest));
    let all = whole(&memory, &source).await.unwrap();
    for destination in &destinations {
        assert_eq!(memory.pull(destination).await.unwrap().value.bytes, original.bytes, "{destination}");
        assert_eq!(whole(&memory, destination).await, Some(all), "{destination}");
    }
    let writes = writes(&session);
    let first_tag = writes.iter().position(|write| write.ends_with(":1") || write.ends_with(":latest")).unwrap();
    assert_eq!(writes.len() - first_tag, 3, "{writes:#?}");
    assert!(writes[..first_tag].iter().any(|write| write.starts_with("copy other.test/copy@")), "{writes:#?}");
}

#[tokio::test]
async fn two_sources_become_one_index_with_annotations() {
    let (publisher, memory) = publisher(Stage::new()).await;
    let annotation = Annotation {
        target: AnnotationTarget::Index,
        platform: None,
        key: "org.opencontainers.image.title".into(),
        value: "both".into(),
    };
    let request = PublishRequest::new(reference("registry.test/app:1"), reference("mirror.test/both:1"))
        .source(reference("registry.test/other:1"))
        .annotation(annotation);
    let (published, _) = publish(&publisher, request).await;
    let Document::Index(index) = document::read(None, &published.bytes, &Limits::default()).unwrap() else { panic!() };
    assert_eq!(index.annotations, [("org.opencontainers.image.title".to_owned(), "both".to_owned())]);
    let at = reference("mirror.test/both:1");
    assert!(whole(&memory, &at).await.unwrap() > index.manifests.len());
    assert_eq!(memory.pull(&at).await.unwrap().value.bytes, published.bytes);
}

#[tokio::test]
async fn a_dry_run_answers_the_same_and_sends_nothing() {
    let request = || {
        PublishRequest::new(reference("registry.test/app:1"), reference("mirror.test/both:1"))
            .source(reference("registry.test/other:1"))
            .platform("linux/amd64".parse().unwrap())
    };
    let stage = Stage::new();
    let empty = Memory::new();
    let dry = stage::publisher(stage, Vec::new(), Arc::new(empty.clone())).await.dry_run(true);
    let (dry, dry_session) = publish(&dry, request()).await;
    assert!(dry.dry_run);
    for at in ["mirror.test/both:1".to_owned(), format!("mirror.test/both@{}", dry.root.digest)] {
        assert!(empty.resolve(&reference(&at)).await.is_err(), "{at} is there");
    }
    let child = &dry_child(&dry);
    assert!(empty.open(reference("mirror.test/both:1").repository(), child).await.is_err());
    let (publisher, _) = publisher(Stage::new()).await;
    let (real, session) = publish(&publisher, request()).await;
    assert_eq!((dry.root, dry.bytes), (real.root, real.bytes));
    assert_eq!(writes(&dry_session), writes(&session));
}

fn dry_child(published: &Published) -> Descriptor {
    match document::read(None, &published.bytes, &Limits::default()).unwrap() {
        Document::Index(index) => index.manifests[0].clone(),
        Document::Manifest(manifest) => manifest.config,
    }
}

#[tokio::test]
async fn resolution_policies_decide_about_the_sources() {
    let stage = Stage::new().policy(ALLOW_LIST, &[("allow", "registry.test/other")]);
    let (publisher, memory) = publisher(stage).await;
    let request = PublishRequest::new(reference("registry.test/app:1"), reference("mirror.test/app:1"));
    match publisher.publish(request).await {
        Ok(PublishOutcome::Denied { policy, denials }) => {
            assert_eq!((policy.as_str(), denials[0].rule.as_str()), ("allow-list", "allow-list"));
        }
        other => panic!("{other:?}"),
    }
    assert!(memory.resolve(&reference("mirror.test/app:1")).await.is_err());
    // The images of the second lack the label's value.
    let stage = Stage::new().policy(REQUIRE_LABEL, &[("label", "label=one")]);
    let (publisher, memory) = self::publisher(stage).await;
    let request = |source: &str| PublishRequest::new(reference(source), reference("mirror.test/app:1"));
    let outcome = publisher.publish(request("registry.test/other:1")).await;
    assert!(matches!(&outcome, Ok(PublishOutcome::Denied { policy, .. }) if policy == "require-label"), "{outcome:?}");
    assert!(memory.resolve(&reference("mirror.test/app:1")).await.is_err());
    let outcome = publisher.publish(request("registry.test/app:1")).await;
    assert!(matches!(outcome, Ok(PublishOutcome::Published(_))), "{outcome:?}");
}
