//! What the caller of a publisher switches on, and the settings of the default publisher: neither suffices alone.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit::settings::Assignment;
use refkit::{Component, PublishOutcome, PublishRequest, Publisher, PublishingChain};
use refkit_content::{Body, Discover, Error as ContentError, Memory, Push, Resolve};
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Descriptor, Reference, Repository};
use refkit_support::image::{Image, ImageBuilder};
use refkit_tests::components::{ALLOW_LIST, PUSHER};
use refkit_tests::stage::{self, ENGINE, INDEX, Stage};

use super::publish::{publish, reference, writes};

/// A registry that takes an index although its manifests are absent.
struct Loose(Memory);

#[async_trait]
impl Push for Loose {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, ContentError> {
        self.0.has(repository, descriptor).await
    }

    async fn push_blob(&self, to: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), ContentError> {
        self.0.push_blob(to, descriptor, body).await
    }

    async fn push_manifest(&self, to: &Reference, media_type: &str, bytes: Bytes) -> Result<Descriptor, ContentError> {
        match media_type {
            INDEX => Ok(self.0.insert(to, media_type, bytes)),
            _ => self.0.push_manifest(to, media_type, bytes).await,
        }
    }
}

/// Returns a publisher whose default publisher has these settings.
async fn publisher(stage: Stage, policies: Vec<Component>, settings: &[(&str, &str)]) -> (Publisher, Memory) {
    let settings: Vec<_> = settings.iter().map(|(name, value)| Assignment::new(*name, *value)).collect();
    let chain = PublishingChain::load(&ENGINE, policies.into_iter().collect(), &settings).await.unwrap();
    let memory = stage.memory.clone();
    (chain.publisher(stage.resolver().await, Arc::new(Loose(memory.clone()))), memory)
}

fn request() -> PublishRequest {
    PublishRequest::new(reference("registry.test/app:1"), reference("mirror.test/app:1"))
}

fn amd64() -> PublishRequest {
    request().platform("linux/amd64".parse().unwrap()).prefer_index(false)
}

async fn entries(memory: &Memory, at: &Reference) -> Vec<Descriptor> {
    let content = memory.pull(at).await.unwrap().value;
    match document::read(None, &content.bytes, &Limits::default()).unwrap() {
        Document::Index(index) => index.manifests,
        Document::Manifest(_) => Vec::new(),
    }
}

fn at(repository: &str, digest: &refkit_oci::Digest) -> Reference {
    reference(&format!("{repository}@{digest}"))
}

#[tokio::test]
async fn an_index_stays_sparse_only_where_the_caller_and_the_setting_say_so() {
    let source = reference("registry.test/app:1");
    for (setting, switch, wanted) in [
        ("false", false, "an index of two"),
        ("false", true, "an index of two"),
        ("true", false, "refused"),
        ("true", true, "sparse"),
    ] {
        for dry_run in [false, true] {
            let (publisher, memory) = publisher(Stage::new(), Vec::new(), &[("sparse", setting)]).await;
            let outcome = publisher.sparse(switch).dry_run(dry_run).publish(amd64()).await;
            let original = memory.pull(&source).await.unwrap().value.bytes;
            let there = reference("mirror.test/app:1");
            let about = format!("{setting}, {switch}, dry run {dry_run}: {outcome:?}");
            assert_eq!(memory.resolve(&there).await.is_ok(), wanted != "refused" && !dry_run, "{about}");
            let published = match outcome {
                Ok(PublishOutcome::Published(published)) => published,
                Err(error) => {
                    assert!(wanted == "refused" && error.to_string().contains("is not in mirror.test/app"), "{about}");
                    continue;
                }
                Ok(_) => panic!("{about}"),
            };
            assert_eq!(published.bytes == original, wanted == "sparse", "{about}");
            let entries = entries(&memory, &source).await;
            for (place, entry) in entries.iter().enumerate() {
                let held = memory.resolve(&at("mirror.test/app", &entry.digest)).await.is_ok();
                // The first one's attestation is the last entry.
                assert_eq!(held, !dry_run && matches!(place, 0 | 3), "{place}: {about}");
            }
        }
    }
}

/// No policy names at a destination what the destination lacks, but for an index of a source, byte for byte.
#[tokio::test]
async fn a_policy_makes_no_sparse_index_of_its_own() {
    let stage = || Stage::new().policy(ALLOW_LIST, &[("allow", "registry.test/other")]);
    let memory = Stage::new().memory;
    let entry = entries(&memory, &reference("registry.test/app:1")).await.remove(0);
    let nowhere = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let push = |digest: &str, size: u64| {
        let manifest = format!(r#"{{"mediaType":"{}","digest":"{digest}","size":{size}}}"#, entry.media_type);
        let index = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{manifest}]}}"#);
        format!("tags mirror.test/app\nchain registry.test/app:1\npush mirror.test/app:1 {INDEX} {index}")
    };
    for (about, stage, sparse, steps, wanted) in [
        ("the source's index", Stage::new(), true, "tag mirror.test/app:1".to_owned(), "ok sha256:"),
        ("not switched on", Stage::new(), false, "tag mirror.test/app:1".to_owned(), "NotGranted"),
        ("another tag", Stage::new(), true, "tag mirror.test/app:2".to_owned(), "NotGranted"),
        ("an index of its own", Stage::new(), true, push(entry.digest.as_str(), entry.size), "NotGranted"),
        ("what was never met", Stage::new(), true, push(nowhere, 3), "NotGranted"),
        ("refused", stage(), true, "chain registry.test/app:1\ntag mirror.test/app:1".to_owned(), "NotGranted"),
    ] {
        let policy = stage::component(PUSHER, &[("do", &steps), ("then", "denied")]);
        let (publisher, memory) = publisher(stage, vec![policy], &[]).await;
        let session = publisher.sparse(sparse).session(request());
        let _ = session.publish().await;
        let messages = session.trace().spans.into_iter().filter_map(|span| match span.event {
            refkit::Event::Message { message, .. } => Some(message),
            _ => None,
        });
        let last = messages.last().unwrap();
        let ok = wanted.starts_with("ok");
        assert!(last.contains(&format!(": {}{wanted}", if ok { "" } else { "ErrorCode::" })), "{about}: {last}");
        assert_eq!(memory.resolve(&reference("mirror.test/app:1")).await.is_ok(), ok, "{about}");
    }
}

#[tokio::test]
async fn one_manifest_that_is_left_is_published_itself_with_unwrap() {
    for (setting, platform, manifest) in [
        ("false", "linux/arm64", false),
        ("true", "linux/arm64", true),
        // It has an attestation, which comes along in an index.
        ("true", "linux/amd64", false),
    ] {
        let (publisher, memory) = publisher(Stage::new(), Vec::new(), &[("unwrap", setting)]).await;
        let request = request().platform(platform.parse().unwrap()).prefer_index(false);
        let (published, _) = publish(&publisher, request).await;
        let all = entries(&memory, &reference("registry.test/app:1")).await;
        assert_eq!(all.iter().any(|entry| entry.digest == published.root.digest), manifest, "{setting}, {platform}");
        assert_eq!(published.root.media_type == INDEX, !manifest, "{setting}, {platform}");
        let there = memory.pull(&reference("mirror.test/app:1")).await.unwrap().value;
        assert_eq!(there.bytes, published.bytes, "{setting}, {platform}");
    }
}

/// Puts what refers to the index and to its first image into the source: referrers, and what cosign attached.
async fn attach(memory: &Memory) -> Vec<(String, Image)> {
    let source = reference("registry.test/app:1");
    let index = memory.resolve(&source).await.unwrap().value;
    let first = entries(memory, &source).await.remove(0);
    let mut all = Vec::new();
    for (name, of) in [("index", index), ("first", first)] {
        let mut subject = ImageBuilder::new("linux/amd64").build();
        subject.descriptor = of.clone();
        let referrer = ImageBuilder::artifact("application/x.any", &subject).layer("a/b", name.to_owned()).build();
        referrer.push(memory, &at("registry.test/app", referrer.digest())).await.unwrap();
        all.push((format!("@{}", referrer.digest()), referrer));
        for suffix in ["sig", "att", "sbom"] {
            let attached = ImageBuilder::new("linux/amd64").layer("a/b", format!("{suffix} of {name}")).build();
            let tag = format!(":sha256-{}.{suffix}", of.digest.hex());
            attached.push(memory, &reference(&format!("registry.test/app{tag}"))).await.unwrap();
            all.push((tag, attached));
        }
    }
    all
}

#[tokio::test]
async fn all_referrers_and_the_tags_of_cosign_come_along_where_both_say_so() {
    for (about, settings, switch, sparse, wanted) in [
        ("nothing", &[] as &[(&str, &str)], false, false, [0, 0, 0, 0]),
        ("the caller alone", &[], true, false, [0, 0, 0, 0]),
        ("the setting alone", &[("referrers", "*")], false, false, [1, 0, 1, 0]),
        ("both", &[("referrers", "a/b, *")], true, false, [1, 3, 1, 3]),
        ("sparse", &[("referrers", "*"), ("sparse", "true")], true, true, [1, 3, 1, 3]),
        ("a new index", &[("referrers", "*")], true, true, [0, 0, 1, 3]),
    ] {
        let stage = Stage::new();
        let attached = attach(&stage.memory).await;
        let (publisher, memory) = publisher(stage, Vec::new(), settings).await;
        let publisher = publisher.cosign_tags(switch).sparse(sparse);
        let (_, session) = publish(&publisher, if sparse { amd64() } else { request() }).await;
        let mut found = [0; 4];
        for (place, (name, image)) in attached.iter().enumerate() {
            let held = memory.resolve(&reference(&format!("mirror.test/app{name}"))).await;
            let held = held.is_ok_and(|held| held.value.digest == *image.digest());
            found[place / 4 * 2 + usize::from(place % 4 > 0)] += usize::from(held);
        }
        assert_eq!(found, wanted, "{about}");
        let tags = memory.tags(reference("mirror.test/app:1").repository()).await.unwrap().value;
        assert_eq!(tags.len(), 1 + wanted[1] + wanted[3], "{about}: {tags:?}");
        assert!(writes(&session).last().unwrap().ends_with("mirror.test/app:1"), "{about}");
    }
}

/// CVE-2026-50195 is tag poisoning: the switch is no grant for a policy's own pushes.
#[tokio::test]
async fn the_tags_of_cosign_are_no_grant() {
    let stage = Stage::new();
    attach(&stage.memory).await;
    let digest = stage.memory.resolve(&reference("registry.test/app:1")).await.unwrap().value.digest;
    let steps = format!("copy mirror.test/app:1\ntag mirror.test/app:sha256-{}.sig", digest.hex());
    let policy = stage::component(PUSHER, &[("do", &steps), ("then", "next")]);
    let (publisher, memory) = publisher(stage, vec![policy], &[("referrers", "a/b")]).await;
    let session = publisher.cosign_tags(true).session(request());
    let outcome = session.publish().await;
    assert!(matches!(outcome, Ok(PublishOutcome::Published(_))), "{outcome:?}");
    let tags = memory.tags(reference("mirror.test/app:1").repository()).await.unwrap().value;
    assert_eq!(tags, ["1"]);
}

#[tokio::test]
async fn layers_that_may_not_be_distributed_are_copied_where_the_caller_says_so() {
    const FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    for copied in [false, true] {
        let stage = Stage::new();
        let image = ImageBuilder::new("windows/amd64").docker().layer(FOREIGN, "licensed").build();
        image.push(&stage.memory, &reference("registry.test/app:2")).await.unwrap();
        let (publisher, memory) = publisher(stage, Vec::new(), &[]).await;
        let request = PublishRequest::new(reference("registry.test/app:2"), reference("mirror.test/app:2"));
        publish(&publisher.nondistributable(copied), request).await;
        let layer = &image.blobs()[1].0;
        let held = refkit_content::fetch(&memory, reference("mirror.test/app:2").repository(), layer, 99).await;
        assert_eq!(held.is_ok(), copied);
    }
}
