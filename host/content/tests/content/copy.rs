//! A copy transfers all content once, and stops at endless content.

use refkit_content::{Fetch, MANIFEST_LIMIT, Memory, Resolve, copy, fetch};
use refkit_oci::Repository;
use refkit_support::image::{INDEX, Image, ImageBuilder, IndexBuilder, MANIFEST, attestation, demo};

use crate::support::{Counted, describe, expect, index, pinned, repository, sha256, tagged};

fn elsewhere() -> Repository {
    Repository::new("mirror.test", "copy/of/app").expect("a repository")
}

/// Checks that a repository has all content of an image.
async fn holds(source: &dyn Fetch, repository: &Repository, image: &Image) {
    let blobs = image.blobs().iter().map(|(descriptor, bytes)| (descriptor, bytes));
    for (descriptor, bytes) in blobs.chain([(&image.descriptor, &image.bytes)]) {
        let read = fetch(source, repository, descriptor, MANIFEST_LIMIT).await.expect("content").value;
        assert_eq!(read, bytes);
    }
    for child in image.children() {
        Box::pin(holds(source, repository, child)).await;
    }
}

#[tokio::test]
async fn a_copy_transfers_everything() {
    let (from, to) = (Memory::new(), Memory::new());
    for (tag, image) in demo() {
        image.push(&from, &tagged(&repository(), tag)).await.expect("a push");
        let destination = tagged(&elsewhere(), tag);
        let copied = copy(&from, &tagged(&repository(), tag), &to, &destination).await.expect(tag);
        assert_eq!(&copied.digest, image.digest(), "{tag}");
        assert_eq!(to.resolve(&destination).await.expect(tag).value, copied, "{tag}");
        holds(&to, &elsewhere(), &image).await;
    }
}

#[tokio::test]
async fn present_content_is_not_requested_again() {
    let (from, to) = (Memory::new(), Memory::new());
    let image = ImageBuilder::new("linux/amd64").file("x", b"y").file("z", b"w").build();
    // The same manifest twice, and the same layer twice.
    let index = IndexBuilder::new().add(image.clone()).add(attestation(&image)).add(image.clone()).build();
    index.push(&from, &tagged(&repository(), "1.0")).await.expect("a push");
    let source = Counted::new(from);
    // Index, two manifests, the first one's config and two layers, the attestation's config and layer; then the index.
    for (round, asked) in [("empty", 8), ("filled", 1)] {
        copy(&source, &tagged(&repository(), "1.0"), &to, &tagged(&elsewhere(), "1.0")).await.expect(round);
        assert_eq!(source.asked(), asked, "{round}");
    }
}

#[tokio::test]
async fn a_digest_at_the_destination_is_checked_first() {
    let (from, to) = (Memory::new(), Memory::new());
    let image = ImageBuilder::new("linux/amd64").build();
    image.push(&from, &tagged(&repository(), "1.0")).await.expect("a push");
    let rows = [("right", image.digest().clone(), None), ("wrong", sha256(b"other"), Some("has the digest"))];
    for (name, digest, error) in rows {
        let copied = copy(&from, &tagged(&repository(), "1.0"), &to, &pinned(&elsewhere(), &digest)).await;
        expect(name, copied, error);
    }
}

#[tokio::test]
async fn hostile_sources_are_refused_and_no_tag_moves() {
    let image = ImageBuilder::new("linux/amd64").file("x", b"y").build();
    let config = &image.blobs()[0].0;
    let missing = describe("application/vnd.oci.image.config.v1+json", b"not there");
    let manifest = |config: &str| {
        format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[]}}"#).into_bytes()
    };
    let config_of = |digest: &str, size: &str| {
        manifest(&format!(r#"{{"mediaType":"{}","digest":"{digest}","size":{size}}}"#, config.media_type))
    };
    let mut huge = describe(MANIFEST, &image.bytes);
    huge.size = 1 << 62;
    let rows: Vec<(&str, &str, Vec<u8>, Option<&str>)> = vec![
        ("right", MANIFEST, image.bytes.to_vec(), None),
        ("a config that is not there", MANIFEST, config_of(missing.digest.as_str(), "9"), Some("not found")),
        (
            "a config of 2^62 bytes",
            MANIFEST,
            config_of(config.digest.as_str(), "4611686018427387904"),
            Some("bytes, not"),
        ),
        (
            "a config that is too short",
            MANIFEST,
            config_of(config.digest.as_str(), "100000"),
            Some("bytes, not 100000"),
        ),
        ("a child of 2^62 bytes", INDEX, index(&[(&huge, None)]), Some("limit of 4194304 bytes")),
        ("a child that is not there", INDEX, index(&[(&describe(MANIFEST, b"?"), None)]), Some("not found")),
        ("a digest that is a path", MANIFEST, config_of("sha256:../../../../etc/passwd", "9"), Some("cannot")),
        ("a negative size", MANIFEST, config_of(config.digest.as_str(), "-1"), Some("cannot")),
        ("no manifest", MANIFEST, b"{}".to_vec(), Some("cannot")),
        ("an index that is a manifest", INDEX, image.bytes.to_vec(), Some("cannot")),
    ];
    for (name, media_type, bytes, error) in rows {
        let (from, to) = (Memory::new(), Memory::new());
        image.push(&from, &tagged(&repository(), "good")).await.expect("a push");
        from.insert(&tagged(&repository(), "bad"), media_type, bytes);
        let destination = tagged(&elsewhere(), "bad");
        let copied = copy(&from, &tagged(&repository(), "bad"), &to, &destination).await;
        expect(name, copied, error);
        assert_eq!(to.resolve(&destination).await.is_ok(), error.is_none(), "{name}");
    }
}

/// Adds nested indexes, each of which lists the next one several times.
fn nested(memory: &Memory, depth: usize, times: usize) {
    let bytes = index(&[]);
    let mut below = memory.insert(&tagged(&repository(), "0"), INDEX, bytes);
    for level in 1..=depth {
        let mut entries = Vec::new();
        entries.resize(times, (&below, None));
        let bytes = index(&entries);
        below = memory.insert(&tagged(&repository(), &level.to_string()), INDEX, bytes);
    }
}

#[tokio::test]
async fn the_depth_of_indexes_is_limited() {
    // the depth, how often each index lists the next one, whether the copy succeeds; 10^8 paths lead through the third
    let rows = [(0, 1, true), (8, 1, true), (8, 10, true), (9, 1, false), (500, 2, false)];
    for (depth, times, fine) in rows {
        let (from, to) = (Memory::new(), Memory::new());
        nested(&from, depth, times);
        let source = Counted::new(from);
        let copied = copy(&source, &tagged(&repository(), &depth.to_string()), &to, &tagged(&elsewhere(), "x")).await;
        expect(&format!("{depth} × {times}"), copied, (!fine).then_some("more than 8 deep"));
        assert!(source.asked() <= 9, "{depth} × {times}: each index is asked for once");
    }
}
