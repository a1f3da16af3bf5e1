//! Annotations of manifests: the manifests are new ones, and what belongs to them is at the destination before them.

use refkit::{Annotation, AnnotationTarget, PublishRequest};
use refkit_content::Resolve as _;
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Descriptor, Reference};
use refkit_support::image::ImageBuilder;
use refkit_tests::stage::Stage;

use super::publish::{publish, publisher, reference, whole, writes};

const TITLE: &str = "org.opencontainers.image.title";

fn annotation(platform: Option<&str>) -> Annotation {
    let platform = platform.map(|text| text.parse().unwrap());
    Annotation { target: AnnotationTarget::Manifest, platform, key: TITLE.into(), value: "demo".into() }
}

fn entries(bytes: &[u8]) -> Vec<Descriptor> {
    match document::read(None, bytes, &Limits::default()).unwrap() {
        Document::Index(index) => index.manifests,
        Document::Manifest(_) => Vec::new(),
    }
}

#[tokio::test]
async fn a_new_manifest_is_at_every_destination_before_the_index() {
    let source = reference("registry.test/app:1");
    let in_place = reference("registry.test/app:2");
    let elsewhere = reference("mirror.test/app:1");
    for (platform, destinations, changed) in [
        (None, vec![elsewhere.clone()], 3),
        (Some("linux/amd64"), vec![elsewhere.clone(), reference("mirror.test/app:2"), in_place.clone()], 1),
        (Some("linux/arm"), vec![in_place], 1),
    ] {
        let stage = Stage::new();
        let before = entries(&stage.memory.pull(&source).await.unwrap().value.bytes);
        // A signature of the manifest as it was.
        let mut old = ImageBuilder::new("linux/amd64").build();
        old.descriptor = before[0].clone();
        let signature = ImageBuilder::artifact("application/vnd.dev.cosign.artifact.sig.v1+json", &old).build();
        let at = |of: &Descriptor| reference(&format!("registry.test/app@{}", of.digest));
        signature.push(&stage.memory, &at(&signature.descriptor)).await.unwrap();
        let (publisher, memory) = publisher(stage).await;
        let request = PublishRequest::default().source(source.clone()).annotation(annotation(platform));
        let request = destinations.iter().cloned().fold(request, PublishRequest::destination);
        let (published, session) = publish(&publisher, request).await;
        let after = entries(&published.bytes);
        let is_new = |(old, new): &(&Descriptor, &Descriptor)| old.digest != new.digest;
        assert_eq!(before.iter().zip(&after).filter(is_new).count(), changed, "{platform:?}");
        assert_eq!(after[3].attests(), Some(after[0].digest.as_str()), "{platform:?}");
        for destination in &destinations {
            assert!(whole(&memory, destination).await.is_some(), "{platform:?}: {destination}");
            for (old, new) in before.iter().zip(&after).filter(is_new) {
                let there = Reference::to_digest(destination.repository().clone(), new.digest.clone());
                let bytes = memory.pull(&there).await.unwrap().value.bytes;
                let Ok(Document::Manifest(manifest)) = document::read(None, &bytes, &Limits::default()) else {
                    panic!()
                };
                assert_eq!(manifest.annotations, [(TITLE.to_owned(), "demo".to_owned())]);
                assert_eq!(old.platform, new.platform);
            }
        }
        let signature = Reference::to_digest(elsewhere.repository().clone(), signature.digest().clone());
        let kept = after[0].digest == before[0].digest && destinations.contains(&elsewhere);
        assert_eq!(
            memory.resolve(&signature).await.is_ok(),
            kept,
            "{platform:?}: a signature is about the old manifest"
        );
        let writes = writes(&session);
        // The manifest that was copied for its content alone comes last, where nothing waits for it.
        let first_tag = writes.iter().position(|write| !write.contains('@')).unwrap();
        let tags = writes[first_tag..].iter().take_while(|write| !write.contains('@')).count();
        assert_eq!(tags, destinations.len(), "{writes:#?}");
        let new = |write: &String| after.iter().any(|entry| write.ends_with(entry.digest.as_str()));
        assert!(!writes[first_tag..].iter().any(new), "{writes:#?}");
    }
}
