//! Large content: kept only with the option, while the caller reads it, whole or not at all.

use std::fs;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use refkit_content::disk::Prune;
use refkit_content::{CacheOptions, Cached, Fetch, MANIFEST_LIMIT};
use refkit_oci::Descriptor;
use tempfile::TempDir;

use crate::disk::open;
use crate::disk_damage::{every_damage, only_file};
use crate::registry::Ask::Blob;
use crate::registry::{Registry, Sends};
use crate::support::{describe, repository};

fn keeping() -> CacheOptions {
    CacheOptions::default().blobs(true)
}

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Returns content that is too large to read whole.
fn large() -> Vec<u8> {
    (0..MANIFEST_LIMIT as u32 + 77).map(|number| (number / 3) as u8).collect()
}

async fn read(cached: &Cached<Registry>, layer: &Descriptor) -> Result<Vec<u8>, refkit_content::Error> {
    let body = cached.open(&repository(), layer).await?;
    let pieces: Vec<_> = body.stream.try_collect().await?;
    Ok(pieces.concat())
}

fn files(directory: &TempDir, place: &str) -> usize {
    fs::read_dir(directory.path().join("cache").join(place)).map_or(0, Iterator::count)
}

#[tokio::test]
async fn layers_are_kept_with_the_option() {
    for (name, bytes) in [("small", b"layer".to_vec()), ("empty", vec![]), ("large", large())] {
        let registry = Registry::new();
        let layer = registry.blob(LAYER, &bytes).await;
        let directory = tempfile::tempdir().expect("a directory");
        let cached = Cached::on_disk(registry.clone(), open(&directory).await, CacheOptions::default());
        for _ in 0..2 {
            assert_eq!(read(&cached, &layer).await.expect(name), bytes, "{name}");
            assert_eq!(registry.asked(), [Blob], "{name}");
        }
        assert_eq!(files(&directory, "blobs/sha256"), 0, "{name}");
        let keeps = cached.for_run(keeping());
        assert_eq!(read(&keeps, &layer).await.expect(name), bytes, "{name}");
        assert_eq!(registry.asked(), [Blob], "{name}");
        // Once the cache has it, it uses it with or without the option.
        for run in [&keeps, &cached] {
            assert_eq!(read(run, &layer).await.expect(name), bytes, "{name}");
            assert_eq!(registry.asked(), [], "{name}");
        }
        let other = Cached::on_disk(registry.by(2), open(&directory).await, keeping());
        read(&other, &layer).await.expect(name);
        assert_eq!(registry.asked(), [Blob], "{name}: another principal");
    }
}

#[tokio::test]
async fn large_content_is_kept_whole_or_not_at_all() {
    let bytes = large();
    let registry = Registry::new();
    let layer = registry.blob(LAYER, &bytes).await;
    let directory = tempfile::tempdir().expect("a directory");
    let disk = open(&directory).await;
    let cached = Cached::on_disk(registry.clone(), disk.clone(), keeping());
    let nothing = |name: &str| assert_eq!(files(&directory, "blobs/sha256"), 0, "{name}");

    for size in [layer.size - 1, layer.size + 1] {
        let lie = Descriptor { size, ..layer.clone() };
        read(&cached, &lie).await.expect_err("a lie");
        nothing("a lie about the size");
    }
    let lie = describe(LAYER, &bytes[1..]);
    let lie = Descriptor { size: layer.size, ..lie };
    registry.lie(&lie.digest, &bytes);
    let error = read(&cached, &lie).await.expect_err("a lie");
    assert!(error.to_string().contains("has the digest"), "{error}");
    nothing("a lie about the digest");
    registry.send(Sends::Cut(60));
    let error = read(&cached, &layer).await.expect_err("cut");
    assert!(error.to_string().contains("the connection broke"), "{error}");
    nothing("cut");
    registry.send(Sends::Whole);
    // A reader that stops at the size has all content.
    let mut body = cached.open(&repository(), &layer).await.expect("a body").stream;
    let mut left = layer.size;
    while left > 0 {
        left -= body.next().await.expect("a piece").expect("a piece").len() as u64;
    }
    drop(body);
    assert_eq!(files(&directory, "blobs/sha256"), 1);
    // Only the lock file of this process remains among the unfinished files.
    assert_eq!((files(&directory, "unfinished"), disk.info().await.expect("info").unfinished), (1, 0));
    assert_eq!(disk.verify(false).await.expect("a check").wrong, []);
    drop(cached);
    drop(disk);
    assert_eq!(files(&directory, "unfinished"), 0);
}

#[tokio::test]
async fn damaged_large_content_is_never_returned_whole() {
    for (kind, _, damage) in every_damage() {
        let bytes = large();
        let registry = Registry::new();
        let layer = registry.blob(LAYER, &bytes).await;
        let directory = tempfile::tempdir().expect("a directory");
        let disk = open(&directory).await;
        let cached = Cached::on_disk(registry.clone(), disk.clone(), keeping());
        read(&cached, &layer).await.expect(kind);
        registry.asked();
        damage(&only_file(disk.path().join("blobs/sha256")));
        // If the length is right, only reading detects the damage.
        if kind == "flipped" || kind == "zeros" {
            let error = read(&cached, &layer).await.expect_err(kind);
            assert!(error.to_string().contains("at cache: the content has the digest"), "{kind}: {error}");
        }
        assert_eq!(read(&cached, &layer).await.expect(kind), bytes, "{kind}");
        assert_eq!(registry.asked(), [Blob], "{kind}");
        assert_eq!(read(&cached, &layer).await.expect(kind), bytes, "{kind}");
        assert_eq!(registry.asked(), [], "{kind}");
        assert_eq!(disk.verify(false).await.expect(kind).wrong, [], "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_concurrent_readers_make_one_request() {
    for bytes in [b"small".to_vec(), large()] {
        let registry = Registry::new();
        let layer = registry.blob(LAYER, &bytes).await;
        let directory = tempfile::tempdir().expect("a directory");
        let cached = Cached::on_disk(registry.clone(), open(&directory).await, keeping());
        let runs: Vec<_> = (0..50)
            .map(|number: u32| {
                let (cached, layer) = (cached.for_run(keeping()), layer.clone());
                tokio::spawn(async move {
                    // Some requests come during the download, some after it.
                    tokio::time::sleep(Duration::from_millis(1) * number).await;
                    read(&cached, &layer).await
                })
            })
            .collect();
        for run in runs {
            assert!(run.await.expect("a run").expect("content") == bytes);
        }
        assert_eq!(registry.asked(), [Blob]);
    }
}

#[tokio::test]
async fn a_slow_or_dropped_reader_does_not_affect_others() {
    let bytes = large();
    let registry = Registry::new();
    let layer = registry.blob(LAYER, &bytes).await;
    let directory = tempfile::tempdir().expect("a directory");
    let disk = open(&directory).await;
    let cached = Cached::on_disk(registry.clone(), disk.clone(), keeping());
    registry.send(Sends::Stalled(9));
    let mut leaves = cached.open(&repository(), &layer).await.expect("a body").stream;
    leaves.next().await.expect("a piece").expect("a piece");
    let mut stays = cached.open(&repository(), &layer).await.expect("a body").stream;
    drop(leaves);
    let mut first = Vec::new();
    while first.len() < 9 * (64 << 10) {
        first.extend_from_slice(&stays.next().await.expect("a piece").expect("a piece"));
    }
    assert!(bytes.starts_with(&first));
    assert_eq!((registry.asked(), files(&directory, "unfinished")), (vec![Blob], 2));
    // The download ends with its last reader, and leaves nothing.
    drop(stays);
    for _ in 0..1000 {
        if files(&directory, "unfinished") == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((files(&directory, "unfinished"), files(&directory, "blobs/sha256")), (1, 0));

    registry.send(Sends::Whole);
    let mut slow = cached.open(&repository(), &layer).await.expect("a body").stream;
    let mut read_slowly = slow.next().await.expect("a piece").expect("a piece").to_vec();
    assert!(read(&cached, &layer).await.expect("content") == bytes);
    // Even if the content is removed during the download.
    disk.prune(Prune::All).await.expect("pruned");
    while let Some(piece) = slow.next().await {
        read_slowly.extend_from_slice(&piece.expect("a piece"));
    }
    assert!(read_slowly == bytes);
    assert_eq!(registry.asked(), [Blob]);
}
