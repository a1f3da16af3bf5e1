//! The cache keeps within its limit, and evicts the least recently used files first.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use refkit_content::{CacheOptions, Cached, DiskCache, Fetch, MANIFEST_LIMIT, fetch, verified};
use refkit_oci::Descriptor;

use crate::registry::Ask::Blob;
use crate::registry::Registry;
use crate::support::repository;

const CONFIG: &str = "application/x.config";
const BLOCK: u64 = 4096;
const HOUR: Duration = Duration::from_secs(3600);

/// Sets the last use of all files from the last hour to some hours ago.
fn age(cache: &Path, hours: u32) {
    let now = SystemTime::now();
    for place in ["blobs/sha256", "grants"] {
        for entry in fs::read_dir(cache.join(place)).expect("a directory") {
            let path = entry.expect("an entry").path();
            let file = File::open(&path).expect("a file");
            let used = file.metadata().and_then(|metadata| metadata.modified()).expect("a time");
            if now.duration_since(used).is_ok_and(|since| since > HOUR) {
                continue;
            }
            file.set_modified(now - HOUR * hours).expect("a time");
        }
    }
}

fn is_there(cache: &Path, of: &Descriptor) -> bool {
    cache.join("blobs/sha256").join(of.digest.hex()).exists()
}

#[tokio::test]
async fn the_least_recently_used_content_is_evicted_first() {
    let registry = Registry::new();
    let mut contents = Vec::new();
    for number in 0..8 {
        contents.push(registry.blob(CONFIG, &vec![number; 10 * BLOCK as usize]).await);
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cache");
    // Each content takes 10 blocks, and its grant one; beyond 64 blocks the cache shrinks to 60.
    let open = || DiskCache::open(path.clone(), 64 * BLOCK);
    // the content that is used, and the contents that remain
    let rows: [(usize, &[usize]); 12] = [
        (0, &[0]),
        (1, &[0, 1]),
        (2, &[0, 1, 2]),
        (3, &[0, 1, 2, 3]),
        (4, &[0, 1, 2, 3, 4]),
        (0, &[0, 1, 2, 3, 4]),
        (5, &[0, 2, 3, 4, 5]),
        (2, &[0, 2, 3, 4, 5]),
        (6, &[0, 2, 4, 5, 6]),
        (7, &[0, 2, 5, 6, 7]),
        (1, &[1, 2, 5, 6, 7]),
        (3, &[1, 2, 3, 6, 7]),
    ];
    let mut there: Vec<usize> = Vec::new();
    for (step, (number, left)) in rows.into_iter().enumerate() {
        // A new process at each step: all state is on the disk.
        let disk = open().await.expect("a cache");
        let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
        fetch(&cached, &repository(), &contents[number], MANIFEST_LIMIT).await.expect("content");
        let asked = if there.contains(&number) { vec![] } else { vec![Blob] };
        assert_eq!(registry.asked(), asked, "step {step}");
        there = (0..8).filter(|number| is_there(&path, &contents[*number])).collect();
        assert_eq!(there, left, "step {step}");
        let info = disk.info().await.expect("info");
        assert!(info.bytes <= 64 * BLOCK, "step {step}");
        let uses = disk.uses().await.expect("uses");
        assert_eq!(uses.iter().map(|(_, cost)| cost).sum::<u64>(), info.bytes, "step {step}");
        assert_eq!(uses.iter().map(|(used, _)| *used).min(), info.oldest_use, "step {step}");
        age(&path, 100 - step as u32);
    }
}

#[tokio::test]
async fn the_last_use_is_recorded_to_the_minute() {
    let registry = Registry::new();
    let content = registry.blob(CONFIG, b"{}").await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cache");
    let disk = DiskCache::open(&path, 1 << 20).await.expect("a cache");
    let cached = Cached::on_disk(registry, disk, CacheOptions::default());
    let here = repository();
    let read = || fetch(&cached, &here, &content, MANIFEST_LIMIT);
    read().await.expect("content");
    let file = File::open(path.join("blobs/sha256").join(content.digest.hex())).expect("a file");
    let now = SystemTime::now();
    let minute = Duration::from_secs(60);
    for (name, used, is_new) in [
        ("just now", now - minute / 6, false),
        ("before", now - minute * 2, true),
        ("long ago", SystemTime::UNIX_EPOCH, true),
        ("in the future", now + HOUR, true),
    ] {
        file.set_modified(used).expect("a time");
        read().await.expect("content");
        let after = file.metadata().and_then(|metadata| metadata.modified()).expect("a time");
        assert_eq!(after != used, is_new, "{name}");
        assert!(after < now + HOUR, "{name}");
    }
}

#[tokio::test]
async fn content_beyond_the_limit_is_not_kept_and_evicts_nothing() {
    let registry = Registry::new();
    let small = registry.blob(CONFIG, b"{}").await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cache");
    // One block more than 15/16 of the limit, and all of it.
    for blocks in [31_usize, 32, 40] {
        let large = registry.blob(CONFIG, &vec![blocks as u8; blocks * BLOCK as usize]).await;
        let disk = DiskCache::open(&path, 32 * BLOCK).await.expect("a cache");
        let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
        fetch(&cached, &repository(), &small, MANIFEST_LIMIT).await.expect("content");
        for _ in 0..2 {
            registry.asked();
            fetch(&cached, &repository(), &large, MANIFEST_LIMIT).await.expect("content");
            assert_eq!(registry.asked(), [Blob], "{blocks}");
        }
        assert!(is_there(&path, &small) && !is_there(&path, &large), "{blocks}");
        assert_eq!(disk.note(), None, "{blocks}");
    }
    let disk = DiskCache::open(directory.path().join("none"), 0).await.expect("a cache");
    let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
    fetch(&cached, &repository(), &small, MANIFEST_LIMIT).await.expect("content");
    assert_eq!((disk.info().await.expect("info").bytes, disk.note()), (0, None), "no room for anything");
}

/// The variable that makes this binary a process whose files cannot grow: its directory.
const FULL: &str = "REFKIT_TEST_FULL";

#[tokio::test]
async fn a_full_disk_does_not_fail_the_run() {
    if let Some(directory) = std::env::var_os(FULL) {
        return use_full_disk(Path::new(&directory)).await;
    }
    let directory = tempfile::tempdir().expect("a directory");
    // Files of this process cannot exceed 32 KiB: a write fails with EFBIG, as with ENOSPC on a full disk.
    let output = Command::new("sh")
        .args(["-c", r#"trap '' XFSZ; ulimit -f 64; exec "$0" "$@""#])
        .arg(std::env::current_exe().expect("a path"))
        .args(["--exact", "disk_limit::a_full_disk_does_not_fail_the_run"])
        .env(FULL, directory.path())
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

/// Requests more content than the disk can hold.
async fn use_full_disk(directory: &Path) {
    let disk = DiskCache::open(directory.join("cache"), 64 << 20).await.expect("a cache");
    let registry = Registry::new();
    let options = CacheOptions::default().blobs(true);
    let cached = Cached::on_disk(registry.clone(), disk.clone(), options);
    let small = registry.blob(CONFIG, b"{}").await;
    let config = registry.blob(CONFIG, &vec![1; 128 << 10]).await;
    let layer = registry.blob("application/octet-stream", &vec![2; 5 << 20]).await;
    fetch(&cached, &repository(), &small, MANIFEST_LIMIT).await.expect("content");
    assert_eq!(disk.note(), None);
    registry.asked();
    // Content that was being written when the disk became full is requested again; later content is not written.
    let rows = [(&layer, vec![Blob, Blob]), (&layer, vec![Blob]), (&config, vec![Blob]), (&config, vec![Blob])];
    for (descriptor, asks) in rows {
        let body = cached.open(&repository(), descriptor).await.expect("a body");
        let bytes: Vec<_> = verified(descriptor, body).stream.try_collect().await.expect("all of it");
        assert_eq!(bytes.concat().len() as u64, descriptor.size);
        assert_eq!(registry.asked(), asks);
    }
    let note = disk.note().expect("a note");
    assert!(note.contains("cannot keep what was fetched: File too large"), "{note}");
    let info = disk.info().await.expect("info");
    assert_eq!((info.contents, info.grants, info.unfinished), (1, 1, 0), "what went before stays");
    assert_eq!(fs::read_dir(disk.path().join("unfinished")).expect("a directory").count(), 1);
}
