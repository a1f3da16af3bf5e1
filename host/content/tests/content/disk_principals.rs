//! Principals of a shared cache.

use std::fs;
use std::path::Path;

use refkit_content::{Cache, CacheOptions, Cached, Discover, ErrorCode, ErrorKind, Fetch, Origin, Pull, Resolve};

use crate::disk::{ROOM, open};
use crate::disk_modes::{offline, pull, stale, walk};
use crate::registry::Ask::{Blob, Get, Head, Referrers, Tags};
use crate::registry::Registry;
use crate::support::{pinned, repository, sha256, tagged};

/// Collects the bytes and names of all files in a directory.
fn everything(path: &Path, into: &mut Vec<u8>) {
    for entry in fs::read_dir(path).expect("a directory") {
        let entry = entry.expect("an entry");
        into.extend_from_slice(entry.file_name().as_encoded_bytes());
        match entry.file_type().expect("a type").is_dir() {
            true => everything(&entry.path(), into),
            false => into.extend_from_slice(&fs::read(entry.path()).expect("a file")),
        }
    }
}

#[tokio::test]
async fn a_principal_reads_nothing_of_another_one() {
    let (open_to_all, index) = Registry::filled().await;
    let (alice, bob) = (open_to_all.only(1).by(1), open_to_all.only(1).by(2));
    let directory = tempfile::tempdir().expect("a directory");
    let disk = open(&directory).await;
    let memory = Cache::new(ROOM);
    let child = &index.children()[0];
    let (tag, digest) = (tagged(&repository(), "1.0"), pinned(&repository(), index.digest()));
    let hers = Cached::on_disk(alice.clone(), disk.clone(), stale()).with_memory(memory.clone());
    walk(&hers, &tag).await.expect("hers");
    hers.tags(&repository()).await.expect("hers");
    hers.referrers(&repository(), child.digest(), None).await.expect("hers");
    assert_eq!(alice.asked(), [Get, Blob, Blob, Tags, Referrers]);
    let his = Cached::on_disk(bob.clone(), disk.clone(), stale()).with_memory(memory.clone());
    for options in [CacheOptions::default(), stale(), pull(Pull::Always), pull(Pull::Never), offline()] {
        let run = his.for_run(options);
        let refused = [
            run.resolve(&tag).await.expect_err("a tag"),
            run.pull(&tag).await.expect_err("a tag"),
            run.resolve(&digest).await.expect_err("a digest"),
            run.pull(&digest).await.expect_err("a digest"),
            run.open(&repository(), &child.descriptor).await.expect_err("content"),
            run.open(&repository(), &child.blobs()[0].0).await.expect_err("a config"),
            run.tags(&repository()).await.expect_err("tags"),
            run.referrers(&repository(), child.digest(), None).await.expect_err("referrers"),
        ];
        let closed = options == offline() || options == pull(Pull::Never);
        let code = if closed { ErrorCode::Unavailable } else { ErrorCode::Unauthorized };
        assert!(refused.iter().all(|error| error.code() == code), "{options:?}: {refused:?}");
    }
    // A failing registry gives no access either.
    bob.fail(Some(ErrorKind::Unavailable("no connection".to_owned())));
    let error = his.for_run(stale()).pull(&tag).await.expect_err("a tag");
    assert!(error.to_string().contains("no connection"), "{error}");
    bob.fail(None);
    bob.asked();
    // A principal with access fetches the content once from the registry, and nothing is stored twice.
    let before = disk.info().await.expect("info");
    let carol = Cached::on_disk(open_to_all.by(3), disk.clone(), CacheOptions::default());
    walk(&carol, &digest).await.expect("hers");
    assert_eq!(open_to_all.asked(), [Get, Blob, Blob]);
    walk(&carol, &digest).await.expect("hers");
    assert_eq!(open_to_all.asked(), []);
    let after = disk.info().await.expect("info");
    assert_eq!((before.contents, before.grants), (3, 3));
    assert_eq!((after.contents, after.grants, after.tags, after.lists), (3, 6, 1, 2));
    // The disk reveals nothing about principals that an outsider could recognise.
    let mut all = Vec::new();
    everything(&directory.path().join("cache"), &mut all);
    for whom in [1_u8, 2, 3] {
        let hashed = sha256(&[whom; 32]);
        for secret in [&[whom; 32][..], hashed.hex().as_bytes(), format!("{whom:02x}").repeat(32).as_bytes()] {
            assert!(!all.windows(secret.len()).any(|window| window == secret), "{whom}");
        }
    }
}

#[tokio::test]
async fn a_digest_that_a_registry_only_claims_grants_nothing() {
    let (registry, index) = Registry::filled().await;
    let directory = tempfile::tempdir().expect("a directory");
    let disk = open(&directory).await;
    let alice = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
    alice.pull(&tagged(&repository(), "1.0")).await.expect("hers");
    registry.asked();
    // The owner of a registry can return any digest to a HEAD.
    let bob = Cached::on_disk(registry.by(2), disk, CacheOptions::default());
    let digest = pinned(&repository(), index.digest());
    assert_eq!(bob.resolve(&digest).await.expect("a descriptor").origin, Origin::Memory);
    assert_eq!(bob.pull(&digest).await.expect("a pull").origin, Origin::Memory);
    assert_eq!(registry.asked(), [Head, Get]);
}
