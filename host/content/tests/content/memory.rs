//! The store in memory behaves as a registry does.

use bytes::Bytes;
use refkit_content::{Discover, ErrorCode, MANIFEST_LIMIT, Memory, Origin, Push, Resolve, fetch};
use refkit_oci::Repository;
use refkit_support::image::{DOCKER_MANIFEST, INDEX, ImageBuilder, IndexBuilder, MANIFEST, attestation};

use crate::support::{body, describe, expect, pinned, repository, sha256, tagged};

#[tokio::test]
async fn pushed_content_is_in_its_repository_only() {
    let memory = Memory::new();
    let image = ImageBuilder::new("linux/amd64").label("a", "b").file("x", b"y").build();
    let index = IndexBuilder::new().add(attestation(&image)).add(image.clone()).build();
    let pushed = index.push(&memory, &tagged(&repository(), "1.0")).await.expect("a push");
    assert_eq!(&pushed.digest, index.digest());

    let elsewhere = Repository::new("registry.test", "other").expect("a repository");
    let wrong = sha256(b"something else");
    let rows = [
        ("the tag", tagged(&repository(), "1.0"), true),
        ("the digest", pinned(&repository(), index.digest()), true),
        ("a child", pinned(&repository(), image.digest()), true),
        ("another tag", tagged(&repository(), "2.0"), false),
        ("another digest", pinned(&repository(), &wrong), false),
        ("a config", pinned(&repository(), &image.blobs()[0].0.digest), false),
        ("another repository", tagged(&elsewhere, "1.0"), false),
        ("its digest in another repository", pinned(&elsewhere, index.digest()), false),
    ];
    for (name, reference, there) in rows {
        let (resolved, pulled) = (memory.resolve(&reference).await, memory.pull(&reference).await);
        assert_eq!((resolved.is_ok(), pulled.is_ok()), (there, there), "{name}");
        match (resolved, pulled) {
            (Ok(resolved), Ok(pulled)) => {
                assert_eq!(resolved.value, pulled.value.descriptor, "{name}");
                assert_eq!((resolved.origin, pulled.origin), (Origin::Memory, Origin::Memory), "{name}");
            }
            (Err(one), Err(other)) => {
                assert_eq!((one.code(), other.code()), (ErrorCode::NotFound, ErrorCode::NotFound), "{name}");
            }
            _ => unreachable!(),
        }
    }
    for (descriptor, bytes) in image.blobs() {
        let read = fetch(&memory, &repository(), descriptor, MANIFEST_LIMIT).await.expect("a blob").value;
        assert_eq!(read, bytes);
        let refused =
            fetch(&memory, &elsewhere, descriptor, MANIFEST_LIMIT).await.map(drop).map_err(|error| error.code());
        assert_eq!(refused, Err(ErrorCode::NotFound));
    }
}

#[tokio::test]
async fn a_push_is_checked_as_a_registry_checks_it() {
    let image = ImageBuilder::new("linux/amd64").file("x", b"y").build();
    let index = IndexBuilder::new().add(image.clone()).build();
    let config = image.blobs()[0].0.clone();
    let lies = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}",
        "config":{{"mediaType":"{}","digest":"{}","size":7}},"layers":[]}}"#,
        config.media_type, config.digest
    );
    let foreign = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"{}","digest":"{}","size":{}}},
        "layers":[{{"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip","digest":"{}","size":3,
        "urls":["https://elsewhere.test/layer"]}}]}}"#,
        config.media_type,
        config.digest,
        config.size,
        sha256(b"far")
    );
    let to = tagged(&repository(), "t");
    let rows = [
        ("complete", to.clone(), MANIFEST, image.bytes.to_vec(), None),
        ("by its digest", pinned(&repository(), image.digest()), MANIFEST, image.bytes.to_vec(), None),
        ("a layer that stays elsewhere", to.clone(), MANIFEST, foreign.into_bytes(), None),
        (
            "another digest",
            pinned(&repository(), index.digest()),
            MANIFEST,
            image.bytes.to_vec(),
            Some("has the digest"),
        ),
        ("a child that is not there", to.clone(), INDEX, index.bytes.to_vec(), Some("which is absent")),
        ("a wrong size", to.clone(), MANIFEST, lies.into_bytes(), Some("but the content has")),
        ("no manifest", to.clone(), MANIFEST, b"[]".to_vec(), Some("cannot push")),
        ("no media type of a manifest", to.clone(), "text/plain", image.bytes.to_vec(), Some("cannot push")),
        ("another media type", to.clone(), DOCKER_MANIFEST, image.bytes.to_vec(), Some("cannot push")),
        ("too large", to.clone(), MANIFEST, vec![b' '; MANIFEST_LIMIT as usize + 1], Some("limit of 4194304 bytes")),
    ];
    for (name, to, media_type, bytes, error) in rows {
        let memory = Memory::new();
        for (descriptor, bytes) in image.blobs() {
            memory.push_blob(&repository(), descriptor, body(bytes)).await.expect(name);
        }
        let pushed = memory.push_manifest(&to, media_type, Bytes::from(bytes)).await;
        let failed = expect(name, pushed, error).is_none();
        let found = memory.resolve(&to).await.map(drop).map_err(|error| error.code());
        let wanted = if failed { Err(ErrorCode::NotFound) } else { Ok(()) };
        assert_eq!(found, wanted, "{name}: something is left behind");
    }
}

#[tokio::test]
async fn a_blob_that_contradicts_its_descriptor_leaves_nothing() {
    let rows: [(&str, &[u8], Option<&str>); 4] = [
        ("right", b"content", None),
        ("short", b"conten", Some("only 6 bytes")),
        ("long", b"content!", Some("at least 8 bytes")),
        ("another", b"contend", Some("has the digest")),
    ];
    for (name, bytes, error) in rows {
        let memory = Memory::new();
        let descriptor = describe("application/octet-stream", b"content");
        expect(name, memory.push_blob(&repository(), &descriptor, body(bytes)).await, error);
        let there = fetch(&memory, &repository(), &descriptor, MANIFEST_LIMIT).await.is_ok();
        assert_eq!(there, error.is_none(), "{name}");
    }
}

#[tokio::test]
async fn tags_and_referrers_are_listed() {
    let memory = Memory::new();
    let image = ImageBuilder::new("linux/amd64").build();
    assert_eq!(memory.tags(&repository()).await.expect_err("no repository").code(), ErrorCode::NotFound);
    for tag in ["b", "a", "c"] {
        image.push(&memory, &tagged(&repository(), tag)).await.expect("a push");
    }
    assert_eq!(memory.tags(&repository()).await.expect("tags").value, ["a", "b", "c"]);

    let sbom = ImageBuilder::artifact("application/x.sbom", &image).annotation("made-by", "a test").build();
    let signature = ImageBuilder::artifact("application/x.signature", &image).build();
    for artifact in [&sbom, &signature, &sbom] {
        artifact.push(&memory, &pinned(&repository(), artifact.digest())).await.expect("a push");
    }
    let rows = [
        (None, vec![&sbom, &signature]),
        (Some("application/x.sbom"), vec![&sbom]),
        (Some("application/x.other"), vec![]),
    ];
    for (artifact_type, wanted) in rows {
        let found = memory.referrers(&repository(), image.digest(), artifact_type).await.expect("referrers").value;
        let digests: Vec<_> = found.iter().map(|of| &of.digest).collect();
        assert_eq!(digests, wanted.iter().map(|image| image.digest()).collect::<Vec<_>>(), "{artifact_type:?}");
    }
    let found = memory.referrers(&repository(), image.digest(), Some("application/x.sbom")).await.expect("referrers");
    assert_eq!(found.value[0].annotations, [("made-by".to_owned(), "a test".to_owned())]);
    let none = memory.referrers(&repository(), sbom.digest(), None).await.expect("an empty list").value;
    assert!(none.is_empty());
}
