//! The cache serves content by digest, keeps within its limit, and accepts only verified content.

use async_trait::async_trait;
use bytes::Bytes;
use refkit_content::{
    Body, Cache, Cached, Content, Error, Fetch, MANIFEST_LIMIT, Memory, Origin, Push, Resolve, WithOrigin, fetch,
};
use refkit_oci::{Descriptor, Reference, Repository};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder, MANIFEST};

use crate::support::{Counted, body, describe, expect, pinned, repository, tagged};

const ROOM: u64 = 1 << 20;

async fn filled() -> (Counted<Memory>, Image) {
    let memory = Memory::new();
    let image = ImageBuilder::new("linux/amd64").file("x", b"y").build();
    let index = IndexBuilder::new().add(image).build();
    index.push(&memory, &tagged(&repository(), "1.0")).await.expect("a push");
    (Counted::new(memory), index)
}

#[tokio::test]
async fn a_warm_cache_serves_a_digest_without_a_request() {
    let (source, index) = filled().await;
    let cached = Cached::new(source.clone(), Cache::new(ROOM));
    let (child, config) = (&index.children()[0], &index.children()[0].blobs()[0].0);
    let root = pinned(&repository(), index.digest());
    for (round, asked, origin) in [("cold", 3, Origin::Memory), ("warm", 0, Origin::Cache), ("warm", 0, Origin::Cache)]
    {
        let pulled = cached.pull(&root).await.expect("a pull");
        assert_eq!((&pulled.value.bytes, &pulled.origin), (&index.bytes, &origin), "{round}");
        for descriptor in [&child.descriptor, config] {
            let answer = fetch(&cached, &repository(), descriptor, MANIFEST_LIMIT).await.expect("content");
            assert_eq!(answer.origin, origin, "{round}");
        }
        assert_eq!(source.asked(), asked, "{round}");
    }
    let resolved = cached.resolve(&root).await.expect("a descriptor");
    assert_eq!((&resolved.value.digest, resolved.origin), (index.digest(), Origin::Cache));
    // The content came by descriptor, and its own bytes confirm the media type.
    let pulled = cached.pull(&pinned(&repository(), child.digest())).await.expect("a pull");
    assert_eq!((pulled.value.descriptor.media_type.as_str(), pulled.origin), (MANIFEST, Origin::Cache));
    assert_eq!(source.asked(), 0);
}

#[tokio::test]
async fn a_tag_costs_a_request_every_time() {
    let (source, index) = filled().await;
    let cached = Cached::new(source.clone(), Cache::new(ROOM));
    let tag = tagged(&repository(), "1.0");
    for _ in 0..2 {
        assert_eq!(cached.pull(&tag).await.expect("a pull").origin, Origin::Memory);
        assert_eq!(cached.resolve(&tag).await.expect("a descriptor").origin, Origin::Memory);
        assert_eq!(source.asked(), 2);
    }
    // The cache serves the content of a tag by digest.
    assert_eq!(cached.pull(&pinned(&repository(), index.digest())).await.expect("a pull").origin, Origin::Cache);
}

#[tokio::test]
async fn content_is_shared_within_repository_and_scope_only() {
    let (source, index) = filled().await;
    let other = Repository::new("registry.test", "private").expect("a repository");
    index.push(&source.source, &tagged(&other, "1.0")).await.expect("a push");
    let cache = Cache::new(ROOM);
    Cached::new(source.clone(), cache.clone()).pull(&tagged(&repository(), "1.0")).await.expect("a pull");
    source.asked();
    let rows = [
        ("same", cache.clone(), repository(), 0),
        ("another handle of the scope", cache.scoped(""), repository(), 0),
        ("another repository", cache.clone(), other, 1),
        ("another scope", cache.scoped("somebody else"), repository(), 1),
    ];
    for (name, cache, repository, asked) in rows {
        Cached::new(source.clone(), cache).pull(&pinned(&repository, index.digest())).await.expect(name);
        assert_eq!(source.asked(), asked, "{name}");
    }
}

#[tokio::test]
async fn the_least_recently_used_goes_first() {
    let memory = Memory::new();
    let blobs: Vec<Vec<u8>> = (0..4).map(|n| vec![n; 4096]).collect();
    let descriptors: Vec<Descriptor> = blobs.iter().map(|bytes| describe("application/x.config", bytes)).collect();
    for (descriptor, bytes) in descriptors.iter().zip(&blobs) {
        memory.push_blob(&repository(), descriptor, body(bytes)).await.expect("a push");
    }
    let source = Counted::new(memory);
    let cache = Cache::new(15 << 10); // three of them, and what they cost beside their bytes
    let cached = Cached::new(source.clone(), cache.clone());
    // The number of the content, and the requests for it.
    let rows = [(0, 1), (1, 1), (2, 1), (0, 0), (3, 1), (0, 0), (2, 0), (1, 1), (3, 1)];
    for (step, (number, asked)) in rows.into_iter().enumerate() {
        fetch(&cached, &repository(), &descriptors[number], MANIFEST_LIMIT).await.expect("content");
        assert_eq!(source.asked(), asked, "step {step}");
        assert!(cache.used() <= 15 << 10, "step {step}: {} bytes", cache.used());
    }
    assert_eq!(cache.len(), 3);
}

#[tokio::test]
async fn layers_and_large_content_are_not_cached() {
    let large = vec![7; MANIFEST_LIMIT as usize + 1];
    let rows: [(&str, &str, &[u8], usize); 6] = [
        ("a config", "application/vnd.oci.image.config.v1+json", b"{}", 1),
        ("an attestation", "application/vnd.in-toto+json", b"{}", 1),
        ("a layer", "application/vnd.oci.image.layer.v1.tar+gzip", b"{}", 0),
        ("Docker's layer", "application/vnd.docker.image.rootfs.diff.tar.gzip", b"{}", 0),
        ("anything", "application/octet-stream", b"{}", 0),
        ("large", "application/vnd.oci.image.config.v1+json", &large, 0),
    ];
    for (name, media_type, bytes, kept) in rows {
        let memory = Memory::new();
        let descriptor = describe(media_type, bytes);
        memory.push_blob(&repository(), &descriptor, body(bytes)).await.expect(name);
        let cache = Cache::new(16 << 20);
        let cached = Cached::new(memory, cache.clone());
        let read = fetch(&cached, &repository(), &descriptor, 8 << 20).await.expect(name).value;
        assert_eq!((read.as_ref(), cache.len()), (bytes, kept), "{name}");
    }
    let (source, index) = filled().await;
    let cache = Cache::new(100);
    Cached::new(source, cache.clone()).pull(&pinned(&repository(), index.digest())).await.expect("a pull");
    assert_eq!((cache.len(), cache.used(), cache.is_empty()), (0, 0, true), "no room for any item");
}

/// A source that returns the same bytes for every request, under a given media type.
#[derive(Clone)]
struct Liar {
    descriptor: Descriptor,
    bytes: &'static [u8],
}

#[async_trait]
impl Resolve for Liar {
    async fn resolve(&self, _: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        Ok(WithOrigin { value: self.descriptor.clone(), origin: Origin::Memory })
    }

    async fn pull(&self, _: &Reference) -> Result<WithOrigin<Content>, Error> {
        let value = Content { descriptor: self.descriptor.clone(), bytes: Bytes::from_static(self.bytes) };
        Ok(WithOrigin { value, origin: Origin::Memory })
    }
}

#[async_trait]
impl Fetch for Liar {
    async fn open(&self, _: &Repository, _: &Descriptor) -> Result<Body, Error> {
        Ok(body(self.bytes))
    }
}

#[tokio::test]
async fn only_verified_bytes_enter() {
    let truth = describe(MANIFEST, b"{}");
    let rows: [(&str, &'static [u8], Option<&str>); 3] = [
        ("another content", b"[]", Some("has the digest")),
        ("more", b"{} ", Some("at least 3 bytes")),
        ("less", b"{", Some("only 1 bytes")),
    ];
    for (name, bytes, error) in rows {
        let cache = Cache::new(ROOM);
        let cached = Cached::new(Liar { descriptor: truth.clone(), bytes }, cache.clone());
        expect(name, cached.pull(&pinned(&repository(), &truth.digest)).await, error);
        expect(name, cached.open(&repository(), &truth).await, error);
        assert!(cache.is_empty(), "{name}");
    }
    // Valid content, but not the requested one.
    let cache = Cache::new(ROOM);
    let cached = Cached::new(Liar { descriptor: describe(MANIFEST, b"[]"), bytes: b"[]" }, cache.clone());
    expect("another", cached.pull(&pinned(&repository(), &truth.digest)).await, Some("has the digest"));
    assert!(cache.is_empty());
}

#[tokio::test]
async fn errors_are_not_kept_and_inline_data_is_no_grant() {
    let source = Counted::new(Memory::new());
    let cache = Cache::new(ROOM);
    let cached = Cached::new(source.clone(), cache.clone());
    let config = describe("application/x.config", b"{}").with_data(b"{}");
    for _ in 0..2 {
        cached.open(&repository(), &config).await.expect_err("the registry has not handed it out");
        assert_eq!((source.asked(), cache.len()), (1, 0));
    }
    source.source.push_blob(&repository(), &config, body(b"{}")).await.expect("a push");
    cached.open(&repository(), &config).await.expect("now it is there");
    assert_eq!((source.asked(), cache.len()), (1, 1));
}

#[tokio::test]
async fn a_descriptor_cannot_rename_what_is_cached() {
    let (source, index) = filled().await;
    let cached = Cached::new(source.clone(), Cache::new(ROOM));
    let child = &index.children()[0];
    // A hostile index of the same repository lists the manifest as a config.
    let called = Descriptor { media_type: "application/x.config".to_owned(), ..child.descriptor.clone() };
    fetch(&cached, &repository(), &called, MANIFEST_LIMIT).await.expect("content");
    let pulled = cached.pull(&pinned(&repository(), child.digest())).await.expect("a pull");
    assert_eq!((pulled.value.descriptor.media_type.as_str(), pulled.origin), (MANIFEST, Origin::Memory));
    assert_eq!(cached.pull(&pinned(&repository(), child.digest())).await.expect("a pull").origin, Origin::Cache);
}
