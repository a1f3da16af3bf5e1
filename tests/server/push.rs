//! `Push`: what a caller writes, and that only those write who may.

use refkit_content::{Body, Error, ErrorKind, Memory, Operation, Origin, Push as _, Resolve as _};
use refkit_oci::Reference;
use refkit_support::image::{ImageBuilder, IndexBuilder};

use crate::rules::TestRules;
use crate::stand::Stand;

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

#[tokio::test]
async fn an_image_is_pushed_byte_for_byte() {
    let memory = Memory::new();
    let stand = Stand::start(TestRules::over(&memory).await.push("one", "registry.test/app")).await;
    // Its layer has several pieces.
    let noise: Vec<u8> = (0..3_000_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let image = ImageBuilder::new("linux/amd64").file("noise", &noise).build();
    let index = IndexBuilder::new().add(image.clone()).build();
    let destination = reference("registry.test/app:1");
    let pushed = index.push(&stand.remote("one"), &destination).await.unwrap();
    assert_eq!(pushed.digest, *index.digest());
    assert_eq!(memory.pull(&destination).await.unwrap().value.bytes, index.bytes);
    for (descriptor, bytes) in image.blobs() {
        let there = refkit_content::fetch(&memory, destination.repository(), descriptor, 1 << 30).await.unwrap();
        assert_eq!(there.value, *bytes);
    }
}

#[tokio::test]
async fn only_who_may_pushes() {
    let memory = Memory::new();
    let image = ImageBuilder::new("linux/amd64").build();
    let stand = Stand::start(TestRules::over(&memory).await.push("one", "registry.test/app:1.*")).await;
    for (caller, destination, may) in [
        ("two", "registry.test/app:1.0", false),
        ("one", "registry.test/other:1.0", false),
        ("one", "registry.test/app:1.0", true),
    ] {
        let pushed = image.push(&stand.remote(caller), &reference(destination)).await;
        assert_eq!(pushed.is_ok(), may, "{caller} {destination}: {pushed:?}");
        if let Err(error) = pushed {
            assert!(error.to_string().contains("forbidden: no rule lets"), "{error}");
        }
    }
    let log = stand.rules.log.lock().clone();
    assert!(log.contains(&"one Push registry.test/app:1.0 everything allowed ".to_owned()), "{log:#?}");
    let (remote, other) = (stand.remote("one"), reference("registry.test/app:2"));
    let moved = remote.push_manifest(&other, &image.descriptor.media_type, image.bytes).await;
    assert!(moved.is_err(), "the blobs are there, and this tag is not the caller's");
    let absent = memory.resolve(&reference("registry.test/app:2")).await;
    assert!(matches!(absent, Err(Error { kind: ErrorKind::NotFound, .. })), "{absent:?}");
}

/// A body that breaks, and one that contradicts its descriptor: the caller gets the body's own error, and nothing is
/// left at the destination.
#[tokio::test]
async fn a_broken_body_leaves_nothing() {
    let memory = Memory::new();
    let stand = Stand::start(TestRules::over(&memory).await.push("one", "registry.test/app")).await;
    let remote = stand.remote("one");
    let image = ImageBuilder::new("linux/amd64").file("hello", b"hello").build();
    let (layer, bytes) = image.blobs().last().unwrap().clone();
    let repository = "registry.test/app".parse().unwrap();
    let broken =
        || Error::new(Operation::Fetch, "far.test/app", ErrorKind::Unavailable("it broke".to_owned())).at("far.test");
    let half = bytes.slice(..bytes.len() / 2);
    let pieces = [Ok(half.clone()), Err(broken())];
    let body = Body { origin: Origin::Memory, stream: Box::pin(futures_util::stream::iter(pieces)) };
    let failed = remote.push_blob(&repository, &layer, body).await.unwrap_err();
    assert_eq!(failed.to_string(), broken().to_string());
    let mut forged = bytes.to_vec();
    forged[0] ^= 1;
    for (body, wanted) in
        [(half.to_vec(), "only"), (forged, "has the digest"), ([&bytes[..], b"x"].concat(), "at least")]
    {
        let body = Body::from_bytes(Origin::Memory, body.into());
        let failed = remote.push_blob(&repository, &layer, body).await.unwrap_err();
        assert_eq!(failed.operation, Operation::Fetch);
        assert!(failed.to_string().contains(wanted), "{failed}");
    }
    assert!(!memory.has(&repository, &layer).await.unwrap());
    remote.push_blob(&repository, &layer, Body::from_bytes(Origin::Memory, bytes)).await.unwrap();
    assert!(memory.has(&repository, &layer).await.unwrap());
}
