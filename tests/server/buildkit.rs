//! BuildKit's own services: what a BuildKit client is told of an image, and of a source of a build.

use refkit_buildkit::pb;
use refkit_buildkit::pb::check_policy_response::Result as Checked;
use refkit_content::Memory;
use refkit_oci::{Platform, Reference};
use refkit_server::grpc::path;
use refkit_support::image::{Image, ImageBuilder, IndexBuilder, attestation};
use refkit_tests::components::{ALLOW_LIST, REDIRECT, REQUIRE_LABEL};
use refkit_tests::stage::component;
use tonic::{Code, Status};

use crate::rules::TestRules;
use crate::stand::Stand;

const REFERENCE: &str = "registry.test/app:1";

fn platform(text: &str) -> Option<pb::Platform> {
    Some(pb::Platform::from(&text.parse::<Platform>().unwrap()))
}

fn source(reference: &str) -> Option<pb::SourceOp> {
    Some(pb::SourceOp { identifier: format!("docker-image://{reference}"), attrs: Default::default() })
}

fn meta(reference: &str, architecture: &str) -> pb::ResolveSourceMetaRequest {
    let platform = platform(architecture);
    pb::ResolveSourceMetaRequest { source: source(reference), platform, ..Default::default() }
}

async fn resolve(
    stand: &Stand,
    request: pb::ResolveSourceMetaRequest,
) -> Result<pb::ResolveSourceMetaResponse, Status> {
    stand.call(path::RESOLVE_SOURCE_META, request).await
}

/// Returns a stand with images in memory, by their references.
async fn stand(images: &[(&str, &Image)]) -> (Memory, Stand) {
    let memory = Memory::new();
    for (reference, image) in images {
        image.push(&memory, &reference.parse::<Reference>().unwrap()).await.unwrap();
    }
    let stand = Stand::start(TestRules::over(&memory).await).await;
    (memory, stand)
}

fn config(image: &Image) -> bytes::Bytes {
    image.blobs()[0].1.clone()
}

/// Docker's lists, images without attestations, and roots that are manifests are resolved like any other.
#[tokio::test]
async fn both_calls_tell_digest_and_config() {
    let (amd64, arm64) = (ImageBuilder::new("linux/amd64").build(), ImageBuilder::new("linux/arm64").build());
    let docker = ImageBuilder::new("linux/arm64").docker().build();
    let roots = [
        (IndexBuilder::new().add(amd64.clone()).add(arm64.clone()).build(), &arm64),
        (IndexBuilder::new().add(attestation(&arm64)).add(arm64.clone()).build(), &arm64),
        (IndexBuilder::new().docker().add(docker.clone()).build(), &docker),
        (arm64.clone(), &arm64),
        (docker.clone(), &docker),
    ];
    for (root, image) in &roots {
        let (_, stand) = stand(&[(REFERENCE, root)]).await;
        let request = pb::ResolveImageConfigRequest {
            r#ref: REFERENCE.to_owned(),
            platform: platform("linux/arm64"),
            ..Default::default()
        };
        let found: pb::ResolveImageConfigResponse = stand.call(path::RESOLVE_IMAGE_CONFIG, request).await.unwrap();
        assert_eq!((found.digest.as_str(), found.r#ref.as_str()), (root.digest().as_str(), REFERENCE));
        assert_eq!(found.config, config(image));
        for options in [(false, false), (true, false), (false, true), (true, true)] {
            let (no_config, attestation_chain) = options;
            let options = pb::ResolveSourceImageRequest { no_config, attestation_chain, ..Default::default() };
            let request = pb::ResolveSourceMetaRequest { image: Some(options), ..meta(REFERENCE, "linux/arm64") };
            let found = resolve(&stand, request).await.unwrap();
            assert_eq!(found.source, source(REFERENCE));
            let told = found.image.unwrap();
            assert_eq!(told.digest, root.digest().as_str());
            assert_eq!(told.config, if no_config { bytes::Bytes::new() } else { config(image) });
            let is_oci_index = root.descriptor.media_type == refkit_support::image::INDEX;
            assert_eq!(told.attestation_chain.is_some(), attestation_chain && is_oci_index);
        }
    }
}

#[tokio::test]
async fn attestations_come_with_their_content() {
    let image = ImageBuilder::new("linux/amd64").build();
    let statement = attestation(&image);
    let index = IndexBuilder::new().add(statement.clone()).add(image.clone()).build();
    let (_, stand) = stand(&[(REFERENCE, &index)]).await;
    let layer = &statement.blobs().last().unwrap().0;
    let manifest: serde_json::Value = serde_json::from_slice(&statement.bytes).unwrap();
    let predicate = manifest["layers"][0]["annotations"]["in-toto.io/predicate-type"].as_str().unwrap().to_owned();
    for (wanted, is_there) in [(vec![], false), (vec![predicate], true), (vec!["other".to_owned()], false)] {
        let options =
            pb::ResolveSourceImageRequest { attestation_chain: true, resolve_attestations: wanted, no_config: true };
        let request = pb::ResolveSourceMetaRequest { image: Some(options), ..meta(REFERENCE, "linux/amd64") };
        let chain = resolve(&stand, request).await.unwrap().image.unwrap().attestation_chain.unwrap();
        assert_eq!(chain.root, index.digest().as_str());
        assert_eq!(chain.image_manifest, image.digest().as_str());
        assert_eq!(chain.attestation_manifest, statement.digest().as_str());
        assert_eq!(chain.blobs[index.digest().as_str()].data, index.bytes);
        assert_eq!(chain.blobs[statement.digest().as_str()].data, statement.bytes);
        assert_eq!(chain.blobs.contains_key(layer.digest.as_str()), is_there);
        assert!(!chain.blobs.contains_key(image.digest().as_str()), "BuildKit leaves it out as well");
    }
}

#[tokio::test]
async fn what_cannot_be_resolved() {
    let image = ImageBuilder::new("linux/amd64").build();
    let (_, stand) = stand(&[(REFERENCE, &IndexBuilder::new().add(image).build())]).await;
    let other = |identifier: &str| {
        let source = Some(pb::SourceOp { identifier: identifier.to_owned(), attrs: Default::default() });
        pb::ResolveSourceMetaRequest { source, ..Default::default() }
    };
    let rows = [
        (meta(REFERENCE, "linux/s390x"), Code::NotFound, "has no image for linux/s390x"),
        (meta("registry.test/app:2", "linux/amd64"), Code::NotFound, "not found"),
        (meta("registry.test/App", "linux/amd64"), Code::InvalidArgument, "Source.identifier: "),
        (other("git://example.com/repository"), Code::Unimplemented, "and not git://"),
        (pb::ResolveSourceMetaRequest::default(), Code::InvalidArgument, "Source: "),
    ];
    for (request, code, text) in rows {
        let status = resolve(&stand, request).await.unwrap_err();
        assert!(status.code() == code && status.message().contains(text), "{status:?}");
    }
    let solve =
        stand.call::<_, pb::SolveResponse>("/moby.buildkit.v1.frontend.LLBBridge/Solve", pb::SolveRequest::default());
    let solve = solve.await.unwrap_err();
    assert!(solve.code() == Code::Unimplemented && solve.message().contains("does not build"), "{solve:?}");
    let pong: pb::PongResponse = stand.call(path::BRIDGE_PING, pb::PingRequest {}).await.unwrap();
    assert!(pong.frontend_api_caps.iter().any(|cap| cap.id == "source.metaresolver" && cap.enabled), "{pong:?}");
}

async fn check(stand: &Stand, reference: &str, architecture: &str) -> pb::DecisionResponse {
    let known = pb::ResolveSourceMetaResponse { source: source(reference), ..Default::default() };
    let request =
        pb::CheckPolicyRequest { platform: platform(architecture), source: Some(known), ..Default::default() };
    let checked: pb::CheckPolicyResponse = stand.call(path::CHECK_POLICY, request).await.unwrap();
    let Some(Checked::Decision(decision)) = checked.result else { panic!("{checked:?}") };
    decision
}

/// CONVERT to what the policy chose, ALLOW for what a conversion made, DENY with the policy's messages.
#[tokio::test]
async fn sources_of_a_build() {
    let image = ImageBuilder::new("linux/amd64").build();
    let index = IndexBuilder::new().add(image).build();
    let (memory, plain) = stand(&[(REFERENCE, &index), ("registry.test/other:1", &index)]).await;
    let converted = check(&plain, REFERENCE, "linux/amd64").await;
    assert_eq!(converted.action(), pb::PolicyAction::Convert);
    let pinned = format!("{REFERENCE}@{}", index.digest());
    assert_eq!(converted.update, source(&pinned));
    assert_eq!(check(&plain, &pinned, "linux/amd64").await.action(), pb::PolicyAction::Allow);
    // A rule for a tag: the pinned reference is allowed because the caller has got it.
    let only = component(ALLOW_LIST, &[("allow", REFERENCE)]);
    let strict = Stand::start(TestRules::over(&memory).await.policies([only]).await).await;
    let denied = check(&strict, &pinned, "linux/amd64").await;
    assert_eq!(denied.action(), pb::PolicyAction::Deny);
    assert!(denied.deny_messages[0].message.starts_with("denied by policy allow-list (rule "), "{denied:?}");
    assert_eq!(check(&strict, REFERENCE, "linux/amd64").await.update, source(&pinned));
    assert_eq!(check(&strict, &pinned, "linux/amd64").await.action(), pb::PolicyAction::Allow);
    assert_eq!(check(&strict, "registry.test/other:1", "linux/amd64").await.action(), pb::PolicyAction::Deny);
    let redirect = component(REDIRECT, &[("from", "registry.test/app"), ("to", "registry.test/other")]);
    let rules = TestRules::over(&memory).await.policies([redirect]).await.grant("registry.test/other");
    let converted = check(&Stand::start(rules).await, REFERENCE, "linux/amd64").await;
    assert_eq!(converted.update, source(&format!("registry.test/other:1@{}", index.digest())));
    // A blob of a registry is one of the repository's.
    let blob = |reference: &str| {
        let identifier = format!("docker-image+blob://{reference}@{}", index.digest());
        let source = Some(pb::SourceOp { identifier, attrs: Default::default() });
        pb::CheckPolicyRequest {
            source: Some(pb::ResolveSourceMetaResponse { source, ..Default::default() }),
            ..Default::default()
        }
    };
    let hiding = Stand::start(TestRules::over(&memory).await.hide("registry.test/other")).await;
    for (name, wanted) in [("app", pb::PolicyAction::Allow), ("other", pb::PolicyAction::Deny)] {
        let request = blob(&format!("registry.test/{name}"));
        let checked: pb::CheckPolicyResponse = hiding.call(path::CHECK_POLICY, request).await.unwrap();
        let Some(Checked::Decision(decision)) = checked.result else { panic!("{checked:?}") };
        assert_eq!(decision.action(), wanted, "{decision:?}");
    }
    let local = pb::SourceOp { identifier: "local://context".to_owned(), attrs: Default::default() };
    let known = pb::ResolveSourceMetaResponse { source: Some(local), ..Default::default() };
    let request = pb::CheckPolicyRequest { source: Some(known), ..Default::default() };
    let checked: pb::CheckPolicyResponse = plain.call(path::CHECK_POLICY, request).await.unwrap();
    let Some(Checked::Decision(decision)) = checked.result else { panic!("{checked:?}") };
    assert_eq!(decision.action(), pb::PolicyAction::Allow);
}

/// The policies have allowed one image of an index. Neither another image of it nor its entries are allowed by that.
#[tokio::test]
async fn a_conversion_is_about_one_platform() {
    let good = ImageBuilder::new("linux/amd64").label("team", "blue").build();
    let bad = ImageBuilder::new("linux/arm64").label("team", "red").build();
    let index = IndexBuilder::new().add(good.clone()).add(bad.clone()).build();
    let memory = Memory::new();
    let reference: Reference = REFERENCE.parse().unwrap();
    index.push(&memory, &reference).await.unwrap();
    let policy = component(REQUIRE_LABEL, &[("label", "team=blue")]);
    let stand = Stand::start(TestRules::over(&memory).await.policies([policy]).await).await;
    let pinned = format!("{REFERENCE}@{}", index.digest());
    assert_eq!(check(&stand, REFERENCE, "linux/amd64").await.update, source(&pinned));
    assert_eq!(check(&stand, &pinned, "linux/amd64").await.action(), pb::PolicyAction::Allow);
    assert_eq!(check(&stand, &pinned, "linux/arm64").await.action(), pb::PolicyAction::Deny);
    let remote = stand.remote("anonymous");
    for (image, is_allowed) in [(&index, true), (&good, true), (&bad, false)] {
        let fetched = refkit_content::fetch(&remote, reference.repository(), &image.descriptor, 1 << 20).await;
        assert_eq!(fetched.is_ok(), is_allowed, "{:?}", image.descriptor);
    }
}
