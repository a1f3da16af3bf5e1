//! The exact requests of each mode.

use std::time::Duration;

use refkit_content::{
    Cache, CacheOptions, Cached, Discover, Error, ErrorCode, ErrorKind, Fetch, MANIFEST_LIMIT, Origin, Pull, Resolve,
    fetch,
};
use refkit_oci::Reference;
use refkit_oci::document::{Document, Limits, read};
use refkit_support::image::ImageBuilder;

use crate::disk::{ROOM, open};
use crate::registry::Ask::{Blob, Get, Head, Referrers, Tags};
use crate::registry::{Ask, Registry};
use crate::support::{pinned, repository, tagged};

pub fn pull(pull: Pull) -> CacheOptions {
    CacheOptions::default().pull(pull)
}

pub fn offline() -> CacheOptions {
    CacheOptions::default().offline(true)
}

pub fn stale() -> CacheOptions {
    CacheOptions::default().stale_if_error(true)
}

/// The expected origin of a result, or the text of its error.
#[derive(Clone, Copy)]
enum From {
    Registry,
    Cache,
    Seen,
    Nowhere(&'static str),
}

fn matches(name: &str, answer: Result<Origin, Error>, from: From) {
    match (answer, from) {
        (Ok(Origin::Memory), From::Registry) | (Ok(Origin::Cache), From::Cache) => {}
        (Ok(Origin::Seen(at)), From::Seen) => {
            let shown = Origin::Seen(at).to_string();
            assert!(shown.starts_with("cache (seen 2") && shown.ends_with(" UTC)"), "{name}: {shown}");
        }
        (Err(error), From::Nowhere(text)) => assert!(error.to_string().contains(text), "{name}: {error}"),
        (other, _) => panic!("{name}: {other:?}"),
    }
}

type Fails = fn() -> ErrorKind;

/// The state before the requests of a row.
#[derive(Clone, Copy)]
enum Before {
    Cold,
    Warm,
    /// Warm; then the tag names another image.
    Moved,
    /// Warm; then the registry fails in this way.
    Broken(Fails),
}

const NEVER: &str = "it is not in the cache, and the options forbid a request";
const OFFLINE: &str = "it is not in the cache, and no request is sent offline";

#[tokio::test]
async fn the_requests_of_each_mode() {
    use Before::{Broken, Cold, Moved, Warm};
    let (unavailable, timeout, limited): (Fails, Fails, Fails) = (
        || ErrorKind::Unavailable("no connection".to_owned()),
        || ErrorKind::Timeout(Duration::from_secs(1)),
        || ErrorKind::RateLimited { said: String::new(), retry_after: None },
    );
    let (unauthorized, forbidden, missing): (Fails, Fails, Fails) = (
        || ErrorKind::Unauthorized("who are you".to_owned()),
        || ErrorKind::Forbidden("not you".to_owned()),
        || ErrorKind::NotFound,
    );
    let always_stale = stale().pull(Pull::Always);
    // For each row: the requests of resolving and pulling a tag, and of resolving and pulling a digest.
    type Row = (&'static str, CacheOptions, Before, [(&'static [Ask], From); 4]);
    let rows: [Row; 16] = [
        (
            "default, cold",
            pull(Pull::Default),
            Cold,
            [(&[Head], From::Registry), (&[Get], From::Registry), (&[Head], From::Registry), (&[Get], From::Registry)],
        ),
        (
            "default, warm",
            pull(Pull::Default),
            Warm,
            [(&[Head], From::Registry), (&[Head], From::Cache), (&[], From::Cache), (&[], From::Cache)],
        ),
        (
            "default, moved",
            pull(Pull::Default),
            Moved,
            [(&[Head], From::Registry), (&[Head, Get], From::Registry), (&[], From::Cache), (&[], From::Cache)],
        ),
        (
            "default, broken",
            pull(Pull::Default),
            Broken(unavailable),
            [
                (&[Head], From::Nowhere("no connection")),
                (&[Head], From::Nowhere("no connection")),
                (&[], From::Cache),
                (&[], From::Cache),
            ],
        ),
        (
            "always, cold",
            pull(Pull::Always),
            Cold,
            [(&[Head], From::Registry), (&[Get], From::Registry), (&[Head], From::Registry), (&[Get], From::Registry)],
        ),
        (
            "always, warm",
            pull(Pull::Always),
            Warm,
            [(&[Head], From::Registry), (&[Head], From::Cache), (&[Head], From::Registry), (&[Head], From::Cache)],
        ),
        (
            "never, cold",
            pull(Pull::Never),
            Cold,
            [
                (&[], From::Nowhere(NEVER)),
                (&[], From::Nowhere(NEVER)),
                (&[], From::Nowhere(NEVER)),
                (&[], From::Nowhere(NEVER)),
            ],
        ),
        (
            "never, warm",
            pull(Pull::Never),
            Warm,
            [(&[], From::Seen), (&[], From::Seen), (&[], From::Cache), (&[], From::Cache)],
        ),
        (
            "offline, cold",
            offline(),
            Cold,
            [
                (&[], From::Nowhere(OFFLINE)),
                (&[], From::Nowhere(OFFLINE)),
                (&[], From::Nowhere(OFFLINE)),
                (&[], From::Nowhere(OFFLINE)),
            ],
        ),
        (
            "offline, moved",
            offline().pull(Pull::Always),
            Moved,
            [(&[], From::Seen), (&[], From::Seen), (&[], From::Cache), (&[], From::Cache)],
        ),
        (
            "stale, unavailable",
            stale(),
            Broken(unavailable),
            [(&[Head], From::Seen), (&[Head], From::Seen), (&[], From::Cache), (&[], From::Cache)],
        ),
        (
            "stale, too slow",
            always_stale,
            Broken(timeout),
            [(&[Head], From::Seen), (&[Head], From::Seen), (&[Head], From::Cache), (&[Head], From::Cache)],
        ),
        (
            "stale, limited",
            stale(),
            Broken(limited),
            [(&[Head], From::Seen), (&[Head], From::Seen), (&[], From::Cache), (&[], From::Cache)],
        ),
        (
            "stale, unauthorized",
            always_stale,
            Broken(unauthorized),
            [
                (&[Head], From::Nowhere("unauthorized")),
                (&[Head], From::Nowhere("unauthorized")),
                (&[Head], From::Nowhere("unauthorized")),
                (&[Head], From::Nowhere("unauthorized")),
            ],
        ),
        (
            "stale, forbidden",
            stale(),
            Broken(forbidden),
            [
                (&[Head], From::Nowhere("forbidden")),
                (&[Head], From::Nowhere("forbidden")),
                (&[], From::Cache),
                (&[], From::Cache),
            ],
        ),
        (
            "stale, gone",
            stale(),
            Broken(missing),
            [
                (&[Head], From::Nowhere("not found")),
                (&[Head], From::Nowhere("not found")),
                (&[], From::Cache),
                (&[], From::Cache),
            ],
        ),
    ];
    for (name, options, before, expected) in rows {
        for (number, (asks, from)) in expected.into_iter().enumerate() {
            let name = format!("{name}, question {number}");
            let directory = tempfile::tempdir().expect("a directory");
            let (registry, index) = Registry::filled().await;
            let cached = Cached::on_disk(registry.clone(), open(&directory).await, CacheOptions::default());
            let (tag, digest) = (tagged(&repository(), "1.0"), pinned(&repository(), index.digest()));
            if !matches!(before, Before::Cold) {
                cached.pull(&tag).await.expect(&name);
            }
            if matches!(before, Before::Moved) {
                registry.image("1.0", b"second").await;
            }
            if let Before::Broken(kind) = before {
                registry.fail(Some(kind()));
            }
            registry.asked();
            // A new process without a cache in memory.
            let cached = Cached::on_disk(registry.clone(), open(&directory).await, options);
            let answer = match number {
                0 => cached.resolve(&tag).await.map(|answer| answer.origin),
                1 => cached.pull(&tag).await.map(|answer| answer.origin),
                2 => cached.resolve(&digest).await.map(|answer| answer.origin),
                _ => cached.pull(&digest).await.map(|answer| answer.origin),
            };
            matches(&name, answer, from);
            assert_eq!(registry.asked(), asks, "{name}");
        }
    }
}

/// Reads an image from its reference to the config.
pub async fn walk(cached: &Cached<Registry>, reference: &Reference) -> Result<(), Error> {
    let index = cached.pull(reference).await?.value;
    let Ok(Document::Index(index)) = read(Some(&index.descriptor.media_type), &index.bytes, &Limits::default()) else {
        panic!("it is no index")
    };
    let child = &index.manifests[0];
    let manifest = fetch(cached, &repository(), child, MANIFEST_LIMIT).await?.value;
    let Ok(Document::Manifest(manifest)) = read(Some(&child.media_type), &manifest, &Limits::default()) else {
        panic!("it is no manifest")
    };
    fetch(cached, &repository(), &manifest.config, MANIFEST_LIMIT).await.map(drop)
}

#[tokio::test]
async fn a_whole_image_costs_three_requests_once_and_one_or_none_afterwards() {
    let (registry, index) = Registry::filled().await;
    let (tag, digest) = (tagged(&repository(), "1.0"), pinned(&repository(), index.digest()));
    let directory = tempfile::tempdir().expect("a directory");
    let rows: [(&str, &Reference, CacheOptions, &[Ask]); 6] = [
        ("cold", &tag, pull(Pull::Default), &[Get, Blob, Blob]),
        ("by tag", &tag, pull(Pull::Default), &[Head]),
        ("by digest", &digest, pull(Pull::Default), &[]),
        ("always by tag", &tag, pull(Pull::Always), &[Head]),
        ("always by digest", &digest, pull(Pull::Always), &[Head]),
        ("offline", &tag, offline(), &[]),
    ];
    for (name, reference, options, asks) in rows {
        let cached = Cached::on_disk(registry.clone(), open(&directory).await, options);
        walk(&cached, reference).await.expect(name);
        assert_eq!(registry.asked(), asks, "{name}");
    }
}

#[tokio::test]
async fn pull_always_asks_the_registry_in_each_run() {
    let (registry, index) = Registry::filled().await;
    let directory = tempfile::tempdir().expect("a directory");
    let cached = Cached::on_disk(registry.clone(), open(&directory).await, pull(Pull::Always));
    let child = &index.children()[0].descriptor;
    let root = pinned(&repository(), index.digest());
    cached.pull(&root).await.expect("a pull");
    fetch(&cached, &repository(), child, MANIFEST_LIMIT).await.expect("content");
    assert_eq!(registry.asked(), [Get, Blob]);
    fetch(&cached, &repository(), child, MANIFEST_LIMIT).await.expect("content");
    assert_eq!(registry.asked(), []);
    let next = cached.for_run(pull(Pull::Always));
    fetch(&next, &repository(), child, MANIFEST_LIMIT).await.expect("content");
    assert_eq!(registry.asked(), [Blob], "nobody has said anything in this run");
    let next = cached.for_run(pull(Pull::Always));
    next.resolve(&root).await.expect("a descriptor");
    fetch(&next, &repository(), child, MANIFEST_LIMIT).await.expect("content");
    assert_eq!(registry.asked(), [Head]);
    registry.fail(Some(ErrorKind::Forbidden("not any more".to_owned())));
    let next = cached.for_run(pull(Pull::Always));
    assert_eq!(next.open(&repository(), child).await.expect_err("refused").code(), ErrorCode::Unauthorized);
}

#[tokio::test]
async fn lists_are_remembered_for_use_without_a_registry() {
    let (registry, index) = Registry::filled().await;
    let subject = &index.children()[0];
    let signature = ImageBuilder::artifact("application/vnd.example.signature", subject).build();
    signature.push(&registry.memory, &pinned(&repository(), signature.digest())).await.expect("a push");
    let directory = tempfile::tempdir().expect("a directory");
    let cached = Cached::on_disk(registry.clone(), open(&directory).await, CacheOptions::default());
    let off = cached.for_run(offline());
    for error in [
        off.tags(&repository()).await.expect_err("nothing is known"),
        off.referrers(&repository(), subject.digest(), None).await.expect_err("nothing is known"),
    ] {
        assert!(error.to_string().contains(OFFLINE), "{error}");
    }
    let tags = cached.tags(&repository()).await.expect("tags");
    let all = cached.referrers(&repository(), subject.digest(), None).await.expect("referrers");
    assert_eq!((tags.value.len(), all.value.len(), registry.asked()), (1, 1, vec![Tags, Referrers]));
    registry.fail(Some(ErrorKind::Unavailable("no connection".to_owned())));
    for (options, asks) in [(offline(), vec![]), (stale(), vec![Tags, Referrers, Referrers, Referrers])] {
        let run = cached.for_run(options);
        let known = run.tags(&repository()).await.expect("tags");
        assert_eq!(known.value, tags.value);
        matches("tags", Ok(known.origin), From::Seen);
        for (of, some) in [(None, true), (Some("application/vnd.example.signature"), true), (Some("a/b"), false)] {
            let known = run.referrers(&repository(), subject.digest(), of).await.expect("referrers");
            assert_eq!(known.value, if some { all.value.clone() } else { vec![] }, "{of:?}");
            matches("referrers", Ok(known.origin), From::Seen);
        }
        assert_eq!(registry.asked(), asks);
    }
    assert_eq!(cached.tags(&repository()).await.expect_err("no connection").code(), ErrorCode::Unavailable);
}

#[tokio::test]
async fn a_get_follows_an_unsupported_head() {
    let (registry, index) = Registry::filled().await;
    let directory = tempfile::tempdir().expect("a directory");
    let cached = Cached::on_disk(registry.clone(), open(&directory).await, CacheOptions::default());
    let tag = tagged(&repository(), "1.0");
    cached.pull(&tag).await.expect("a pull");
    registry.asked();
    registry.fail_at(Head, ErrorKind::Unsupported("405".to_owned()));
    assert_eq!(cached.pull(&tag).await.expect("a pull").value.bytes, index.bytes);
    assert_eq!(registry.asked(), [Head, Get]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_concurrent_readers_make_one_request_for_each_content() {
    for memory in [false, true] {
        let (registry, index) = Registry::filled().await;
        let directory = tempfile::tempdir().expect("a directory");
        let cached = Cached::on_disk(registry.clone(), open(&directory).await, CacheOptions::default());
        let cached = if memory { cached.with_memory(Cache::new(ROOM)) } else { cached };
        let digest = pinned(&repository(), index.digest());
        let runs: Vec<_> = (0..200)
            .map(|number: u32| {
                let (cached, digest) = (cached.for_run(CacheOptions::default()), digest.clone());
                tokio::spawn(async move {
                    // Some requests come after others have ended.
                    tokio::time::sleep(Duration::from_micros(200) * number).await;
                    walk(&cached, &digest).await
                })
            })
            .collect();
        for run in runs {
            run.await.expect("a run").expect("an image");
        }
        let mut asked = registry.asked();
        asked.sort();
        assert_eq!(asked, [Get, Blob, Blob], "memory: {memory}");
    }
}
