//! Advisories of other clients, one test a row: endless bodies, sizes and indexes.

use refkit_content::{Discover, ErrorCode, ErrorKind, Resolve, fetch};
use refkit_oci::Descriptor;
use refkit_oci::document::{self, Limits};
use refkit_support::image::{INDEX, MANIFEST};
use refkit_support::{Access, Fault, Rule, TokenServer, digest};
use serde_json::{Value, json};

use crate::advisories_content::{described, manifest, whole};
use crate::ask::{anonymous, error_of, filled, image, reference, repository};

/// The bytes that a system may buffer after the reader has gone: at most 32 MiB with high limits.
const BUFFERED: u64 = 32 << 20;

#[tokio::test]
async fn cve_2020_1702_endless_bodies_stop_at_a_limit() {
    const MANIFEST_CAP: u64 = 4 << 20;
    const TOKEN_CAP: u64 = 64 << 10;
    let registry = filled().await;
    let (name, from) = (reference(&registry.host(), ":latest"), repository(&registry.host()));
    let config = image().children()[0].blobs()[0].0.clone();
    let asking = anonymous();
    let end = || registry.requests().last().expect("a request").bytes_sent;
    for fault in [
        Fault::normal().endless(),
        Fault::normal().body("{\"schemaVersion\":2,\"x\":\"").endless(),
        Fault::normal().endless().claim_length(1 << 62),
    ] {
        registry.clear_rules();
        registry.add(Rule::on("GET *", fault));
        error_of(asking.pull(&name).await);
        assert!(end() < MANIFEST_CAP + BUFFERED, "a manifest: {}", end());
        error_of(fetch(&asking, &from, &config, 1 << 20).await);
        assert!(end() < config.size + BUFFERED, "a config: {}", end());
        error_of(asking.tags(&from).await);
        assert!(end() < MANIFEST_CAP + BUFFERED, "tags: {}", end());
        error_of(asking.referrers(&from, image().digest(), None).await);
        assert!(end() < MANIFEST_CAP + BUFFERED, "referrers: {}", end());
    }
    registry.clear_rules();
    registry.add(Rule::on("*", Fault::status(403).body("{\"errors\":[{\"message\":\"x").endless()));
    assert!(matches!(error_of(asking.pull(&name).await), ErrorKind::Forbidden(_)));
    assert!(end() < MANIFEST_CAP + BUFFERED, "an error: {}", end());

    registry.clear_rules();
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    let padded = format!("{{\"token\":\"x\",\"padding\":\"{}\"}}", "x".repeat(TOKEN_CAP as usize));
    for fault in
        [Fault::normal().body("{\"token\":\"").endless(), Fault::status(400).endless(), Fault::status(200).body(padded)]
    {
        tokens.clear_rules();
        tokens.add(Rule::on("*", fault));
        error_of(anonymous().pull(&name).await);
        let sent = tokens.requests().last().expect("a request").bytes_sent;
        assert!(sent < TOKEN_CAP + BUFFERED, "a token: {sent}");
    }
}

#[tokio::test]
async fn ghsa_f36w_mj3v_6jqv_claimed_sizes_allocate_nothing() {
    let registry = filled().await;
    let (from, name) = (repository(&registry.host()), reference(&registry.host(), ":huge"));
    for size in [1 << 62, u64::MAX, (4 << 20) + 1] {
        let huge = Descriptor::new("a/b", digest(b"{}"), size);
        let found = error_of(fetch(&anonymous(), &from, &huge, 4 << 20).await);
        assert!(matches!(found, ErrorKind::TooLarge { .. }), "{size}: {found}");
    }
    assert_eq!(registry.count("*"), 0);
    registry.put_blob("app", "{}");
    let sizes = [json!(1_u64 << 62), json!(u64::MAX), json!(-1), json!(i64::MIN), json!(1e30), json!("2"), json!(null)];
    for size in sizes {
        for (place, kind) in [("config", MANIFEST), ("layers", MANIFEST), ("manifests", INDEX)] {
            let mut one = described(if kind == INDEX { MANIFEST } else { "a/b" }, "{}");
            one["size"] = size.clone();
            let mut document = if kind == INDEX { json!({"schemaVersion": 2}) } else { manifest(MANIFEST) };
            document[place] = if place == "config" { one } else { json!([one]) };
            let bytes = document.to_string();
            registry.put_manifest("app", Some("huge"), kind, bytes.clone());
            let read = document::read(Some(kind), bytes.as_bytes(), &Limits::default());
            assert_eq!(read.is_ok(), size.as_u64().is_some_and(|size| size <= i64::MAX as u64), "{place} {size}");
            whole(&name).await.unwrap_err();
        }
    }
    for length in [1 << 62, 1 << 40] {
        registry.clear_rules();
        registry.add(Rule::on("*", Fault::normal().claim_length(length)));
        let found = error_of(anonymous().pull(&reference(&registry.host(), ":latest")).await);
        assert!(matches!(found, ErrorKind::TooLarge { .. }), "{length}: {found}");
        error_of(anonymous().resolve(&reference(&registry.host(), ":latest")).await);
    }
}

#[tokio::test]
async fn image_spec_780_deeply_nested_indexes_are_refused() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":deep");
    // Each index lists the next one twice: 2^40 paths.
    let mut below = json!({"schemaVersion": 2, "manifests": []}).to_string();
    registry.put_manifest("app", None, INDEX, below.clone());
    for _ in 0..40 {
        let one = described(INDEX, &below);
        below = json!({"schemaVersion": 2, "manifests": [one, one]}).to_string();
        registry.put_manifest("app", Some("deep"), INDEX, below.clone());
    }
    let error = whole(&name).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Invalid, "{error}");
    assert!(registry.count("*") <= 9, "{}", registry.count("*"));

    let entries: Vec<Value> = (0..100_000).map(|n| described(MANIFEST, &n.to_string())).collect();
    let wide = json!({"schemaVersion": 2, "manifests": entries}).to_string();
    registry.put_manifest("app", Some("deep"), INDEX, wide);
    registry.clear();
    let found = error_of(whole(&name).await);
    assert!(matches!(found, ErrorKind::TooLarge { .. }), "{found}");
    assert_eq!(registry.count("*"), 1);
    // The limit of entries is lower than that of bytes, and the client stops at the first error.
    let entries: Vec<Value> = (0..30_000).map(|n| described(MANIFEST, &n.to_string())).collect();
    let wide = json!({"schemaVersion": 2, "manifests": entries}).to_string();
    registry.put_manifest("app", Some("deep"), INDEX, wide);
    registry.clear();
    whole(&name).await.unwrap_err();
    assert!(registry.count("*") <= 2, "{}", registry.count("*"));
}
