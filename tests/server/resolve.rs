//! `Resolve`: what the policies of a rule make of it.

use refkit_content::Memory;
use refkit_oci::Reference;
use refkit_server::grpc::wire::Details;
use refkit_server::grpc::{path, pb};
use refkit_support::image::{ImageBuilder, IndexBuilder};
use refkit_tests::components::{ALLOW_LIST, REDIRECT, REQUIRE_LABEL};
use refkit_tests::stage::{Stage, component};
use tonic::{Code, Status};

use crate::rules::TestRules;
use crate::stand::Stand;

async fn resolve(stand: &Stand, reference: &str, with_content: bool) -> Result<pb::ResolveResponse, Status> {
    stand.call(path::RESOLVE, pb::ResolveRequest { reference: reference.to_owned(), with_content }).await
}

#[tokio::test]
async fn a_reference_has_a_root() {
    let memory = Stage::new().memory;
    let stand = Stand::start(TestRules::over(&memory).await).await;
    let found = resolve(&stand, "registry.test/app:1", true).await.unwrap();
    assert_eq!(found.reference, "registry.test/app:1");
    assert_eq!(found.origin.unwrap().place, Some(pb::origin::Place::Memory(true)));
    let root = found.root.unwrap();
    assert_eq!(root.size, found.content.len() as u64);
    let pinned = format!("registry.test/app@{}", root.digest);
    let again = resolve(&stand, &pinned, false).await.unwrap();
    assert_eq!((again.reference, again.root, again.content.len()), (pinned.clone(), Some(root.clone()), 0));
    let log = stand.rules.log.lock().clone();
    let digest = &root.digest;
    let wanted = [
        format!("anonymous Resolve registry.test/app:1 everything allowed {digest}"),
        format!("anonymous Resolve {pinned} everything allowed {digest}"),
    ];
    assert_eq!(log, wanted);
    let absent = resolve(&stand, "registry.test/app:2", false).await.unwrap_err();
    assert_eq!(
        (absent.code(), absent.message()),
        (Code::NotFound, "cannot resolve registry.test/app:2 at memory: not found")
    );
    let failures = Details::of(&absent).failures;
    assert_eq!(failures[0].reason(), pb::FailureReason::NotFound);
}

#[tokio::test]
async fn a_policy_redirects() {
    let policy = component(REDIRECT, &[("from", "registry.test/app"), ("to", "registry.test/other")]);
    let rules = TestRules::over(&Stage::new().memory).await.policies([policy]).await.grant("registry.test/other");
    let stand = Stand::start(rules).await;
    let other = resolve(&stand, "registry.test/other:1", false).await.unwrap();
    let found = resolve(&stand, "registry.test/app:1", true).await.unwrap();
    assert_eq!((found.reference.as_str(), &found.root), ("registry.test/other:1", &other.root));
    assert_eq!(stand.rules.runs.lock().len(), 2, "each run is noted, for the metrics");
    assert_eq!(found.content.len() as u64, other.root.unwrap().size);
}

#[tokio::test]
async fn a_policy_denies() {
    let policy = || component(ALLOW_LIST, &[("allow", "registry.test/other")]);
    let memory = Stage::new().memory;
    let stand = Stand::start(TestRules::over(&memory).await.policies([policy()]).await).await;
    resolve(&stand, "registry.test/other:1", false).await.unwrap();
    let denied = resolve(&stand, "registry.test/app:1", false).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let [denial] = &Details::of(&denied).denials[..] else { panic!("{denied:?}") };
    assert_eq!((denial.policy.as_str(), denial.rule.as_str()), ("allow-list", "allow-list"), "{denial:?}");
    assert!(denied.message().contains(&denial.message), "{denied:?}");
    let stand = Stand::start(TestRules::over(&memory).await.policies([policy()]).await.dry_run()).await;
    let root = resolve(&stand, "registry.test/app:1", false).await.unwrap().root.unwrap();
    let log = stand.rules.log.lock().clone();
    assert_eq!(log[0], "anonymous Resolve registry.test/app:1 everything denied by allow-list, dry run true");
    assert_eq!(log[1], format!("anonymous Resolve registry.test/app:1 everything allowed {}", root.digest));
}

#[tokio::test]
async fn the_rules_refuse() {
    let stand = Stand::start(TestRules::over(&Stage::new().memory).await.hide("registry.test/app")).await;
    let refused = resolve(&stand, "registry.test/app:1", false).await.unwrap_err();
    let text = "no rule lets anonymous read registry.test/app";
    assert_eq!((refused.code(), refused.message()), (Code::PermissionDenied, text));
}

/// A policy judges each image. The caller gets the root and the images that pass, and no refused one: not by the index,
/// not by its digest. Another caller has not got the root, so the policy decides about each digest that it asks for.
#[tokio::test]
async fn a_refused_image_of_an_index_stays_refused() {
    let good = ImageBuilder::new("linux/amd64").label("team", "blue").build();
    let bad = ImageBuilder::new("linux/arm64").label("team", "red").build();
    let index = IndexBuilder::new().add(good.clone()).add(bad.clone()).build();
    let memory = Memory::new();
    let reference: Reference = "registry.test/app:1".parse().unwrap();
    index.push(&memory, &reference).await.unwrap();
    let only_bad = IndexBuilder::new().add(bad.clone()).build();
    only_bad.push(&memory, &"registry.test/app:2".parse().unwrap()).await.unwrap();
    let policy = component(REQUIRE_LABEL, &[("label", "team=blue")]);
    let stand = Stand::start(TestRules::over(&memory).await.policies([policy]).await).await;
    resolve(&stand, "registry.test/app:1", false).await.unwrap();
    for caller in ["anonymous", "another"] {
        let remote = stand.remote(caller);
        let fetch = async |descriptor| {
            refkit_content::fetch(&remote, reference.repository(), descriptor, 1 << 20).await.map(|found| found.value)
        };
        assert_eq!(fetch(&index.descriptor).await.unwrap(), index.bytes);
        assert_eq!(fetch(&good.descriptor).await.unwrap(), good.bytes);
        let refused = fetch(&bad.descriptor).await.unwrap_err();
        assert!(refused.to_string().contains("denied by policy require-label"), "{caller}: {refused}");
    }
    let denied = resolve(&stand, "registry.test/app:2", false).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied, "{denied:?}");
}

/// An allow-list of tags: the entries of an index that the caller got by an allowed tag have no tag themselves.
#[tokio::test]
async fn entries_come_with_their_index() {
    let memory = Memory::new();
    let image = ImageBuilder::new("linux/amd64").build();
    let index = IndexBuilder::new().add(image.clone()).build();
    let reference: Reference = "registry.test/app:1".parse().unwrap();
    index.push(&memory, &reference).await.unwrap();
    let policy = component(ALLOW_LIST, &[("allow", "registry.test/app:1")]);
    let stand = Stand::start(TestRules::over(&memory).await.policies([policy]).await).await;
    let remote = stand.remote("one");
    let fetch = async |descriptor| refkit_content::fetch(&remote, reference.repository(), descriptor, 1 << 20).await;
    for descriptor in [&index.descriptor, &image.descriptor] {
        let refused = fetch(descriptor).await.unwrap_err();
        assert!(refused.to_string().contains("denied by policy allow-list"), "{refused}");
    }
    refkit_content::Resolve::resolve(&remote, &reference).await.unwrap();
    let before = fetch(&image.descriptor).await;
    assert!(before.is_err(), "the caller has not got the index yet, and nobody knows its entries");
    assert_eq!(fetch(&index.descriptor).await.unwrap().value, index.bytes);
    assert_eq!(fetch(&image.descriptor).await.unwrap().value, image.bytes);
    // An index that comes with the response of Resolve is one that the caller has got.
    let pulling = stand.remote("three");
    refkit_content::Resolve::pull(&pulling, &reference).await.unwrap();
    let pulled = refkit_content::fetch(&pulling, reference.repository(), &image.descriptor, 1 << 20).await;
    assert_eq!(pulled.unwrap().value, image.bytes);
    let other = stand.remote("two");
    let refused = refkit_content::fetch(&other, reference.repository(), &image.descriptor, 1 << 20).await;
    assert!(refused.is_err(), "what one caller has got, another has not");
}
