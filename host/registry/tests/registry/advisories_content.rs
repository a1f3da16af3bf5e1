//! Advisories of other clients, one test a row: content that contradicts its descriptor. Rows about packets and
//! credentials are in `advisories`, rows about endless content in `advisories_bounds`; the tests of `refkit-content`
//! have the rows about links in layouts.

use refkit_content::{Discover, Error, ErrorCode, ErrorKind, Memory, Resolve, copy, fetch};
use refkit_oci::{Descriptor, Reference};
use refkit_support::image::{DOCKER_LIST, DOCKER_MANIFEST, INDEX, MANIFEST};
use refkit_support::{Fault, Rule, digest};
use serde_json::{Value, json};

use crate::ask::{anonymous, error_of, filled, image, reference, repository};

/// Copies an image into memory, which reads all content that its documents refer to.
pub async fn whole(name: &Reference) -> Result<Descriptor, Error> {
    Ok(copy(&anonymous(), name, &Memory::new(), name).await?)
}

pub fn described(kind: &str, bytes: &str) -> Value {
    json!({"mediaType": kind, "digest": digest(bytes.as_bytes()).as_str(), "size": bytes.len()})
}

pub fn manifest(kind: &str) -> Value {
    json!({"schemaVersion": 2, "mediaType": kind, "config": described("application/vnd.oci.image.config.v1+json", "{}"), "layers": []})
}

#[tokio::test]
async fn cve_2021_41190_ambiguous_documents_are_refused() {
    let registry = filled().await;
    registry.put_blob("app", "{}");
    let name = reference(&registry.host(), ":two");
    let with = |kind: &str, member: &str| {
        let mut both = manifest(kind);
        both[member] = json!([]);
        both
    };
    let index = |kind: &str| json!({"schemaVersion": 2, "mediaType": kind, "manifests": []});
    let mut with_config = index(INDEX);
    with_config["config"] = described("application/vnd.oci.image.config.v1+json", "{}");
    let mut with_layers = index(DOCKER_LIST);
    with_layers["layers"] = json!([]);
    let rows = [
        ("fine", MANIFEST, manifest(MANIFEST), true),
        ("manifests beside layers", MANIFEST, with(MANIFEST, "manifests"), false),
        ("manifests beside layers, Docker's", DOCKER_MANIFEST, with(DOCKER_MANIFEST, "manifests"), false),
        ("manifests beside config", INDEX, with_config, false),
        ("manifests beside layers, in a list", DOCKER_LIST, with_layers, false),
        ("layers of schema 1", MANIFEST, with(MANIFEST, "fsLayers"), false),
        ("a manifest that came as an index", INDEX, manifest(MANIFEST), false),
        ("an index that came as a manifest", MANIFEST, index(INDEX), false),
        ("Docker's that came as OCI's", MANIFEST, manifest(DOCKER_MANIFEST), false),
        ("an index that came as Docker's list", DOCKER_LIST, index(INDEX), false),
        (
            "a manifest of no type that came as an index",
            INDEX,
            {
                let mut bare = manifest(MANIFEST);
                bare["mediaType"].take();
                bare
            },
            false,
        ),
    ];
    for (row, came_as, document, fine) in rows {
        registry.put_manifest("app", Some("two"), came_as, document.to_string());
        let found = whole(&name).await;
        assert_eq!(found.is_ok(), fine, "{row}: {found:?}");
        if let Err(error) = found {
            assert!(matches!(error.code(), ErrorCode::Invalid | ErrorCode::Unsupported), "{row}: {error}");
        }
    }
    // The index and the registry name different media types for the same manifest.
    let child = manifest(MANIFEST).to_string();
    registry.put_manifest("app", None, MANIFEST, child.clone());
    let mut lying = index(INDEX);
    lying["manifests"] = json!([described(INDEX, &child)]);
    registry.put_manifest("app", Some("two"), INDEX, lying.to_string());
    whole(&name).await.unwrap_err();
}

#[tokio::test]
async fn cve_2024_3727_digests_are_checked_at_every_descriptor() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":bad");
    let hex = "a".repeat(64);
    let bad = [
        "sha256:../../x".to_owned(),
        format!("sha256:{}/../{}", "a".repeat(30), "a".repeat(30)),
        format!("sha256:{}", "A".repeat(64)),
        format!("SHA256:{hex}"),
        format!("sha256:{}", &hex[1..]),
        format!("sha256:{hex}a"),
        format!("md5:{}", &hex[..32]),
        format!("sha256:{hex} "),
        format!("sha512:{hex}"),
        hex.clone(),
        "sha256:".to_owned(),
        String::new(),
    ];
    let good = |kind: &str| described(kind, "{}");
    for digest in &bad {
        // Another algorithm may be valid: the digest is not malformed, but the client cannot check it, so it fetches
        // nothing.
        let wanted = if digest.starts_with("md5:") { ErrorCode::Unsupported } else { ErrorCode::Invalid };
        let broken = json!({"mediaType": MANIFEST, "digest": digest, "size": 2});
        let (kind, config) =
            ("application/vnd.oci.image.config.v1+json", good("application/vnd.oci.image.config.v1+json"));
        let documents = [
            (
                "config",
                MANIFEST,
                json!({"schemaVersion": 2, "config": json!({"mediaType": kind, "digest": digest, "size": 2}), "layers": []}),
            ),
            ("layers", MANIFEST, json!({"schemaVersion": 2, "config": config, "layers": [good("a/b"), broken]})),
            ("subject", MANIFEST, json!({"schemaVersion": 2, "config": config, "layers": [], "subject": broken})),
            ("manifests", INDEX, json!({"schemaVersion": 2, "manifests": [good(MANIFEST), broken]})),
            ("subject", INDEX, json!({"schemaVersion": 2, "manifests": [], "subject": broken})),
        ];
        for (place, kind, document) in documents {
            registry.put_manifest("app", Some("bad"), kind, document.to_string());
            registry.clear();
            let error = whole(&name).await.unwrap_err();
            assert_eq!(error.code(), wanted, "{place} {digest}: {error}");
            assert_eq!(registry.count("*"), 1, "{place} {digest}: nothing is asked for: {:?}", registry.requests());
        }
        let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [broken]}).to_string();
        registry
            .add(Rule::on("GET */referrers/*", Fault::status(200).header("content-type", INDEX).body(list)).first(1));
        let found = anonymous().referrers(&repository(&registry.host()), image().digest(), None).await;
        match wanted {
            // A list is useful without the entry that nothing can fetch; a malformed list is not.
            ErrorCode::Unsupported => assert!(found.unwrap().value.is_empty(), "referrers {digest}"),
            wanted => assert_eq!(found.unwrap_err().code(), wanted, "referrers {digest}"),
        }
        // Spaces at the end of a header are an accident; an empty header counts as absent.
        let told = digest.trim_end();
        if told.is_empty()
            || told.len() == 71 && told != format!("sha256:{}", "A".repeat(64)) && told.starts_with("sha256:a")
        {
            continue;
        }
        registry.clear_rules();
        registry.add(Rule::on("* */manifests/latest", Fault::normal().header("docker-content-digest", told)));
        let latest = reference(&registry.host(), ":latest");
        assert_eq!(anonymous().pull(&latest).await.unwrap_err().code(), ErrorCode::Invalid, "header {digest}");
        anonymous().resolve(&latest).await.unwrap_err();
        registry.clear_rules();
    }
}

#[tokio::test]
async fn go_2024_3038_and_cve_2025_24882_a_pinned_reference_gets_its_bytes_or_an_error() {
    let registry = filled().await;
    let other = manifest(MANIFEST).to_string();
    let told = digest(other.as_bytes());
    let (root, child) = (image(), image().children()[0].clone());
    let config = child.blobs()[0].0.clone();
    let pinned = reference(&registry.host(), &format!("@{}", root.digest()));
    let both = reference(&registry.host(), &format!(":latest@{}", root.digest()));
    let from = repository(&registry.host());
    for header in [None, Some(root.digest().as_str()), Some(told.as_str())] {
        registry.clear_rules();
        let wrong = Fault::normal().body(other.clone()).without("docker-content-digest");
        let wrong = header.into_iter().fold(wrong, |fault, header| fault.header("docker-content-digest", header));
        registry.add(Rule::on("GET *", wrong));
        for name in [&pinned, &both] {
            let found = error_of(anonymous().pull(name).await);
            assert!(matches!(found, ErrorKind::WrongDigest { .. }), "{header:?} {name}: {found}");
        }
        for what in [&child.descriptor, &config] {
            let found = error_of(fetch(&anonymous(), &from, what, 1 << 20).await);
            let refused = matches!(found, ErrorKind::WrongDigest { .. } | ErrorKind::WrongSize { .. });
            assert!(refused, "{header:?} {what:?}: {found}");
        }
    }
    // The same length, so that only the digest differs.
    registry.clear_rules();
    registry.add(Rule::on("GET *", Fault::normal().body(vec![b' '; config.size as usize])));
    let found = error_of(fetch(&anonymous(), &from, &config, 1 << 20).await);
    assert!(matches!(found, ErrorKind::WrongDigest { .. }), "{found}");
    // A HEAD with another digest: the client accepts the header.
    registry.clear_rules();
    registry.add(Rule::on("HEAD *", Fault::normal().header("docker-content-digest", told.as_str())));
    for name in [&pinned, &both] {
        assert!(matches!(error_of(anonymous().resolve(name).await), ErrorKind::WrongDigest { .. }));
    }
}
