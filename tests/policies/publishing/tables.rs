//! The tables of the example publishing policies, in the sandbox: the default publisher and the default policy end the
//! chains.

use std::sync::Arc;

use refkit::{Annotation, AnnotationTarget, PublishRequest};
use refkit_content::Memory;
use refkit_oci::Reference;
use refkit_tests::components;
use refkit_tests::stage::{self, Stage};

use super::publisher::{held, outcome};
use super::table::{BEFORE, Row, contents, unmet};

#[tokio::test]
async fn immutable_tags() {
    check(components::IMMUTABLE_TAGS, super::immutable_tags::ROWS).await;
}

#[tokio::test]
async fn require_annotations() {
    check(components::REQUIRE_ANNOTATIONS, super::require_annotations::ROWS).await;
}

async fn check(component: &'static [u8], rows: &[Row]) {
    let mut failed = Vec::new();
    for row in rows {
        failed.extend(failure(component, row).await);
    }
    assert!(failed.is_empty(), "{} of {} rows failed\n{}", failed.len(), rows.len(), failed.join("\n"));
}

async fn failure(component: &'static [u8], row: &Row) -> Option<String> {
    let at = |repository: &str, tag: &str| Reference::parse(&format!("{repository}:{tag}")).expect("a reference");
    let memory = Memory::new();
    for (name, image) in contents() {
        let before = BEFORE.iter().filter(|(_, held)| *held == name).map(|(tag, _)| at("mirror.test/app", tag));
        for reference in before.chain([at("registry.test/app", name)]) {
            image.push(&memory, &reference).await.expect("an image of the table");
        }
    }
    let stage = Stage { memory: memory.clone(), ..Stage::new() };
    let policy = stage::component(component, row.settings);
    let publisher = stage::publisher(stage, vec![policy], Arc::new(memory.clone())).await;
    let mut request = PublishRequest::default().prefer_index(true);
    for tag in row.sources {
        request = request.source(at("registry.test/app", tag));
    }
    for tag in row.destinations {
        request = request.destination(at("mirror.test/app", tag));
    }
    for (key, value) in row.annotations {
        let (key, value) = ((*key).to_owned(), (*value).to_owned());
        request = request.annotation(Annotation { target: AnnotationTarget::Index, platform: None, key, value });
    }
    let outcome = outcome(&publisher, request).await;
    let mut tags = Vec::new();
    for (tag, _) in row.after {
        tags.push((*tag, held(&memory, &at("mirror.test/app", tag)).await));
    }
    unmet(row, &outcome, |tag| {
        let (_, digest) = tags.iter().find(|(known, _)| *known == tag)?;
        digest.as_ref().map(ToString::to_string)
    })
}
