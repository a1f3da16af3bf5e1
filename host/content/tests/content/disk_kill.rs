//! Four processes fill one cache and are killed at random times.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use refkit_content::disk::Prune;
use refkit_content::{CacheOptions, Cached, Discover as _, DiskCache, ErrorKind, Pull, Resolve as _, fetch};

use crate::registry::{Ask, Registry};
use crate::support::{describe, repository, tagged};

/// The variable that makes this binary a process that fills a cache until it is killed: the cache's directory.
const FILL: &str = "REFKIT_TEST_FILL";

const LIMIT: u64 = 16 << 20;
const CONTENTS: u64 = 64;
const TYPE: &str = "application/octet-stream";

/// The sizes of the contents, in turn. Only some have the last size, because it costs the most.
const SIZES: [usize; 8] = [0, 1, 100, 4096, 5000, 60_000, 700_000, 3_500_000];
const LARGE: usize = (4 << 20) + 1;

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn content(number: u64) -> Vec<u8> {
    let size = if number % 16 == 15 { LARGE } else { SIZES[number as usize % SIZES.len()] };
    let mut state = number + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..size).map(|_| next()).collect()
}

/// Fills a cache and prunes it, forever.
async fn fill(directory: &Path) {
    let disk = DiskCache::open(directory, LIMIT).await.expect("a cache");
    let registry = Registry::new().by((random() % 3) as u8);
    registry.image("1.0", b"image").await;
    let options = CacheOptions::default().blobs(true);
    let cached = Cached::on_disk(registry.clone(), disk.clone(), options);
    loop {
        match random() % 16 {
            0 => drop(disk.prune(Prune::To(LIMIT / 2)).await.expect("pruned")),
            1 => assert_eq!(disk.verify(false).await.expect("a check").wrong, []),
            2 => drop(cached.pull(&tagged(&repository(), "1.0")).await.expect("a pull")),
            3 => drop(cached.tags(&repository()).await.expect("tags")),
            _ => {
                let bytes = content(random() % CONTENTS);
                let descriptor = registry.blob(TYPE, &bytes).await;
                let read = fetch(&cached, &repository(), &descriptor, LIMIT).await.expect("content");
                assert_eq!(read.value, bytes);
            }
        }
        assert_eq!(disk.note(), None);
    }
}

fn start(cache: &Path) -> Child {
    Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "disk_kill::a_cache_survives_killed_processes"])
        .env(FILL, cache)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_survives_killed_processes() {
    if let Some(directory) = std::env::var_os(FILL) {
        return fill(Path::new(&directory)).await;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cache");
    let disk = DiskCache::open(&path, LIMIT).await.expect("a cache");
    for round in 0..100 {
        for mut child in [(); 4].map(|()| start(&path)) {
            thread::sleep(Duration::from_micros(random() % 40_000));
            child.kill().expect("killed");
            let output = child.wait_with_output().expect("reaped");
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.signal(), Some(9), "round {round}: it ended by itself: {said}");
        }
        // Another process may repair damage, so this checks each time.
        assert_eq!(disk.verify(false).await.expect("a check").wrong, [], "round {round}");
    }
    // This process has opened the cache, and keeps a file there while it may write.
    drop(disk);
    let disk = DiskCache::open(&path, LIMIT).await.expect("a cache");
    let checked = disk.verify(false).await.expect("a check");
    assert_eq!((checked.wrong, disk.note()), (vec![], None));
    let info = disk.info().await.expect("info");
    assert!(info.contents > 8 && info.grants > 8, "little was done: {info:?}");
    // Each of the four may exceed the limit by its share, and by the content that it was about to add.
    assert!(info.bytes < LIMIT + 4 * (LIMIT / 16 + 2 * LARGE as u64), "{info:?}");
    // A process that another test starts inherits all locks of this one until it executes another program.
    let unfinished = || fs::read_dir(path.join("unfinished")).expect("a directory").count();
    for _ in 0..1000 {
        disk.prune(Prune::To(LIMIT)).await.expect("pruned");
        if unfinished() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(unfinished(), 0);
    let info = disk.info().await.expect("info");
    assert!(info.bytes <= LIMIT && info.unfinished == 0, "{info:?}");

    let never = CacheOptions::default().pull(Pull::Never);
    let mut there = 0;
    for whom in 0..3 {
        let cached = Cached::on_disk(Registry::new().by(whom), disk.clone(), never);
        for number in 0..CONTENTS {
            let bytes = content(number);
            match fetch(&cached, &repository(), &describe(TYPE, &bytes), LIMIT).await {
                Ok(read) => {
                    assert_eq!(read.value, bytes, "{number}");
                    there += 1;
                }
                Err(error) => assert!(matches!(error.kind, ErrorKind::NotCached(_)), "{number}: {error}"),
            }
        }
    }
    assert!(there > 8, "{there} contents");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_survives_a_kill_during_its_creation() {
    for round in 0..20 {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("cache");
        for mut child in [(); 4].map(|()| start(&path)) {
            thread::sleep(Duration::from_micros(random() % 12_000));
            child.kill().expect("killed");
            let output = child.wait_with_output().expect("reaped");
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.signal(), Some(9), "round {round}: it ended by itself: {said}");
        }
        let registry = Registry::new();
        let index = registry.image("1.0", b"image").await;
        for _ in 0..2 {
            let disk = DiskCache::open(&path, LIMIT).await.expect("a cache");
            assert_eq!(disk.verify(false).await.expect("a check").wrong, [], "round {round}");
            let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
            let pulled = cached.pull(&tagged(&repository(), "1.0")).await.expect("a pull");
            assert_eq!((pulled.value.bytes, disk.note()), (index.bytes.clone(), None), "round {round}");
        }
        // The first request left content that the second one used, whichever process was killed before.
        assert!(registry.asked().ends_with(&[Ask::Head]), "round {round}");
    }
}
