//! `ListTags`, `ListReferrers`, `Exists` and `Mount`.

use refkit_content::{Discover as _, Memory, Push as _};
use refkit_server::grpc::{path, pb};
use refkit_support::image::ImageBuilder;
use tonic::Code;

use crate::rules::TestRules;
use crate::stand::Stand;

#[tokio::test]
async fn lists_are_those_of_the_registry() {
    let memory = Memory::new();
    let image = ImageBuilder::new("linux/amd64").build();
    for tag in ["1", "2"] {
        image.push(&memory, &format!("registry.test/app:{tag}").parse().unwrap()).await.unwrap();
    }
    let about = ImageBuilder::artifact("application/vnd.test.sbom", &image).build();
    let pinned = format!("registry.test/app@{}", about.digest()).parse().unwrap();
    about.push(&memory, &pinned).await.unwrap();
    let stand = Stand::start(TestRules::over(&memory).await).await;
    let remote = stand.remote("one");
    let repository = "registry.test/app".parse().unwrap();
    let tags = remote.tags(&repository).await.unwrap();
    assert_eq!((tags.value, tags.origin), (vec!["1".to_owned(), "2".to_owned()], refkit_content::Origin::Memory));
    let wanted = memory.referrers(&repository, image.digest(), None).await.unwrap();
    assert_eq!(wanted.value.len(), 1);
    for artifact_type in [None, Some("application/vnd.test.sbom")] {
        let found = remote.referrers(&repository, image.digest(), artifact_type).await.unwrap();
        assert_eq!(found, wanted, "the same descriptors, with all their fields");
    }
    let none = remote.referrers(&repository, image.digest(), Some("application/other")).await.unwrap();
    assert_eq!(none.value, []);
}

/// Whoever may not push learns nothing by these calls.
#[tokio::test]
async fn only_a_pusher_asks_what_a_destination_has() {
    let memory = Memory::new();
    let image = ImageBuilder::new("linux/amd64").file("hello", b"hello").build();
    image.push(&memory, &"registry.test/app:1".parse().unwrap()).await.unwrap();
    let (layer, _) = image.blobs().last().unwrap();
    let rules = TestRules::over(&memory).await.push("one", "registry.test/new").hide("registry.test/hidden");
    let stand = Stand::start(rules).await;
    let remote = stand.remote("one");
    let [app, new, hidden] = ["app", "new", "hidden"].map(|name| format!("registry.test/{name}").parse().unwrap());
    assert!(!remote.has(&new, layer).await.unwrap());
    assert!(remote.mount(&new, layer, &app).await.unwrap());
    assert!(remote.has(&new, layer).await.unwrap());
    let refused = [
        remote.has(&app, layer).await.map(drop),
        remote.mount(&app, layer, &new).await.map(drop),
        remote.mount(&new, layer, &hidden).await.map(drop),
        stand.remote("two").has(&new, layer).await.map(drop),
    ];
    for refused in refused {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("forbidden: no rule lets"), "{text}");
    }
    let message = pb::ListTagsRequest { repository: "registry.test/hidden".to_owned() };
    let called = stand.call::<_, pb::ListTagsResponse>(path::LIST_TAGS, message).await;
    assert_eq!(called.unwrap_err().code(), Code::PermissionDenied);
}
