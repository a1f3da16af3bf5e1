//! `ImageService`: options 1 and 2 of the proposal, explanations, and policies that callers bring.

use refkit_oci::{Algorithm, Digest};
use refkit_server::grpc::pb::image_result::Result as Got;
use refkit_server::grpc::wire::Details;
use refkit_server::grpc::{PIECE, path, pb};
use refkit_tests::components::{ALLOW_LIST, REQUIRE_LABEL};
use refkit_tests::stage::{Stage, component};
use tonic::Code;

use crate::rules::TestRules;
use crate::stand::Stand;

fn request() -> pb::ResolveImageRequest {
    pb::ResolveImageRequest { reference: "registry.test/app:1".to_owned(), ..Default::default() }
}

fn platform(text: &str) -> pb::Platform {
    let (os, architecture) = text.split_once('/').unwrap();
    pb::Platform { os: os.to_owned(), architecture: architecture.to_owned(), ..Default::default() }
}

async fn resolve(stand: &Stand, request: pb::ResolveImageRequest) -> Result<pb::ResolveImageResponse, tonic::Status> {
    stand.call(path::RESOLVE_IMAGE, request).await
}

fn digest_of(content: &pb::Content) -> Digest {
    refkit_content::verify::digest(Algorithm::Sha256, &content.data)
}

/// Option 2: one level by choice, with the manifest's digest, the data and the data's digest.
#[tokio::test]
async fn one_level() {
    let stand = Stand::start(TestRules::over(&Stage::new().memory).await).await;
    let platforms = vec![platform("linux/x86_64"), platform("linux/arm64"), platform("windows/amd64")];
    for level in [pb::Level::Unspecified, pb::Level::Index, pb::Level::Manifest, pb::Level::Config] {
        let request = pb::ResolveImageRequest { level: level.into(), platforms: platforms.clone(), ..request() };
        let found = resolve(&stand, request).await.unwrap();
        let root = found.root.unwrap();
        assert!(found.contents.is_empty());
        let [first, second, third] = &found.images[..] else { panic!("{:?}", found.images) };
        for (image, architecture) in [(first, "amd64"), (second, "arm64")] {
            let Some(Got::Image(image)) = &image.result else { panic!("{image:?}") };
            assert_eq!(image.platform.as_ref().unwrap().architecture, architecture);
            let wanted = match level {
                pb::Level::Unspecified => None,
                pb::Level::Index => Some(&root),
                pb::Level::Manifest => image.manifest.as_ref(),
                pb::Level::Config => image.config.as_ref(),
            };
            let content = image.content.as_ref();
            assert_eq!(content.map(|content| digest_of(content).to_string()), wanted.map(|one| one.digest.clone()));
            assert_eq!(content.and_then(|content| content.descriptor.as_ref()), wanted, "{level:?}");
        }
        let Some(Got::Absence(absence)) = &third.result else { panic!("{third:?}") };
        assert_eq!(absence.platform, Some(platform("windows/amd64")));
        assert_eq!(absence.reason, Some(pb::absence::Reason::NoMatch(true)));
    }
}

/// Option 1: everything that was met, each content once, the root first.
#[tokio::test]
async fn everything() {
    let stand = Stand::start(TestRules::over(&Stage::new().memory).await).await;
    let request = pb::ResolveImageRequest { everything: true, attestations: true, ..request() };
    let found = resolve(&stand, request).await.unwrap();
    let root = found.root.unwrap();
    assert_eq!(found.contents[0].descriptor.as_ref().unwrap().digest, root.digest);
    let mut digests: Vec<String> = found.contents.iter().map(|content| digest_of(content).to_string()).collect();
    let named: Vec<_> = found.contents.iter().map(|content| content.descriptor.clone().unwrap().digest).collect();
    assert_eq!(digests, named);
    for image in &found.images {
        let Some(Got::Image(image)) = &image.result else { panic!("{image:?}") };
        let met = [&image.manifest, &image.config].into_iter().flatten().chain(&image.attestations);
        for descriptor in met {
            assert!(digests.contains(&descriptor.digest), "{descriptor:?}");
        }
    }
    let all = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!((digests.len(), found.images.len()), (all, 3));
}

#[tokio::test]
async fn a_run_is_explained_however_it_ends() {
    let policy = component(ALLOW_LIST, &[("allow", "registry.test/other")]);
    let stand = Stand::start(TestRules::over(&Stage::new().memory).await.policies([policy]).await).await;
    for (name, outcome) in [("app", "denied"), ("other", "resolved"), ("absent", "denied")] {
        let reference = format!("registry.test/{name}:1");
        let request = pb::ResolveImageRequest { reference, ..request() };
        let message = pb::ExplainRequest { request: Some(request) };
        let found: pb::ExplainResponse = stand.call(path::EXPLAIN, message).await.unwrap();
        let json: serde_json::Value = serde_json::from_str(&found.json).unwrap();
        assert_eq!(json["outcome"], outcome, "{}", found.json);
        assert!(json["explain"]["policies"][0]["name"] == "allow-list", "{}", found.json);
        assert!(found.text.starts_with("policies\n") && found.text.contains("\nlimits\n"), "{}", found.text);
    }
}

async fn load(stand: &Stand, caller: &str, component: &[u8]) -> Result<pb::LoadPolicyResponse, tonic::Status> {
    let part = |part| pb::LoadPolicyRequest { part: Some(part) };
    let name = part(pb::load_policy_request::Part::Name("mine".to_owned()));
    let pieces = component.chunks(PIECE).map(|piece| part(pb::load_policy_request::Part::Data(piece.to_vec().into())));
    stand.send(path::LOAD_POLICY, caller, [name].into_iter().chain(pieces).collect()).await
}

#[tokio::test]
async fn a_caller_brings_a_policy() {
    let stand = Stand::start(TestRules::over(&Stage::new().memory).await).await;
    let loaded = load(&stand, "anonymous", REQUIRE_LABEL).await.unwrap();
    let digest = refkit_content::verify::digest(Algorithm::Sha256, REQUIRE_LABEL).to_string();
    assert_eq!(loaded.digest, digest);
    assert!(!loaded.description.is_empty() && loaded.imports.contains(&"registry".to_owned()), "{loaded:?}");
    let with = |label: &str| {
        let settings = [("label".to_owned(), label.to_owned())].into();
        let policies = vec![pb::PolicyReference { digest: digest.clone(), settings }];
        pb::ResolveImageRequest { policies, platforms: vec![platform("linux/amd64")], ..request() }
    };
    let found = resolve(&stand, with("label=one")).await.unwrap();
    assert!(matches!(found.images[0].result, Some(Got::Image(_))), "{found:?}");
    let found = resolve(&stand, with("label=two")).await.unwrap();
    let Some(Got::Absence(absence)) = &found.images[0].result else { panic!("{found:?}") };
    let Some(pb::absence::Reason::Denied(pb::Denials { denials })) = &absence.reason else { panic!("{found:?}") };
    assert_eq!(denials[0].policy, "require-label");
    // A setting that is missing, and one that the policy does not have.
    for settings in [vec![], vec![("label", "x"), ("other", "x")]] {
        let mut request = with("");
        request.policies[0].settings =
            settings.iter().map(|(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned())).collect();
        let status = resolve(&stand, request).await.unwrap_err();
        assert_eq!((status.code(), &*Details::of(&status).violations[0].field), (Code::InvalidArgument, "policies"));
    }
}

/// What one caller has loaded, another cannot name.
#[tokio::test]
async fn a_policy_is_its_callers() {
    let stand = Stand::start(TestRules::over(&Stage::new().memory).await).await;
    let loaded = load(&stand, "one", REQUIRE_LABEL).await.unwrap();
    let policies =
        vec![pb::PolicyReference { digest: loaded.digest, settings: [("label".into(), "label".into())].into() }];
    let status = resolve(&stand, pb::ResolveImageRequest { policies, ..request() }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
}

#[tokio::test]
async fn malformed_requests() {
    let stand = Stand::start(TestRules::over(&Stage::new().memory).await).await;
    let field = |status: tonic::Status| {
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        Details::of(&status).violations[0].field.clone()
    };
    let policy = |digest: &str| pb::PolicyReference { digest: digest.to_owned(), settings: Default::default() };
    let rows = [
        (pb::ResolveImageRequest { reference: "A".to_owned(), ..request() }, "reference"),
        (pb::ResolveImageRequest { level: 99, ..request() }, "level"),
        (pb::ResolveImageRequest { platforms: vec![platform("linux/")], ..request() }, "platforms[0]"),
        (pb::ResolveImageRequest { platforms: vec![platform("linux/amd64"); 257], ..request() }, "platforms"),
        (pb::ResolveImageRequest { policies: vec![policy("x")], ..request() }, "policies[0].digest"),
        (pb::ResolveImageRequest { policies: vec![policy("x"); 9], ..request() }, "policies"),
    ];
    for (request, wanted) in rows {
        assert_eq!(field(resolve(&stand, request.clone()).await.unwrap_err()), wanted);
        let message = pb::ExplainRequest { request: Some(request) };
        let explained = stand.call::<_, pb::ExplainResponse>(path::EXPLAIN, message).await;
        assert_eq!(field(explained.unwrap_err()), wanted);
    }
    let missing = stand.call::<_, pb::ExplainResponse>(path::EXPLAIN, pb::ExplainRequest::default()).await;
    assert_eq!(field(missing.unwrap_err()), "request");
    let part = |part| pb::LoadPolicyRequest { part: Some(part) };
    let name = || part(pb::load_policy_request::Part::Name("n".to_owned()));
    let data = |length: usize| part(pb::load_policy_request::Part::Data(vec![0; length].into()));
    let rows = [
        (vec![], "name"),
        (vec![data(1)], "name"),
        (vec![name(), data(1), name()], "name"),
        (vec![name(), pb::LoadPolicyRequest { part: None }], "data"),
        (vec![name(), data(PIECE + 1)], "data"),
        (vec![name(), data(8)], "data"),
        (vec![name()], "data"),
    ];
    for (messages, wanted) in rows {
        let loaded = stand.send::<_, pb::LoadPolicyResponse>(path::LOAD_POLICY, "one", messages).await;
        assert_eq!(field(loaded.unwrap_err()), wanted);
    }
}

/// A rule that only notes denials lets an image pass that a policy refuses, but not one that the caller's own policy does.
#[tokio::test]
async fn a_dry_run_refuses_no_image() {
    let policy = component(REQUIRE_LABEL, &[("label", "label=two")]);
    let stand = Stand::start(TestRules::over(&Stage::new().memory).await.policies([policy]).await.dry_run()).await;
    let plain = pb::ResolveImageRequest { platforms: vec![platform("linux/amd64")], ..request() };
    let found = resolve(&stand, plain.clone()).await.unwrap();
    assert!(matches!(found.images[0].result, Some(Got::Image(_))), "{found:?}");
    let log = stand.rules.log.lock().clone();
    let wanted = "anonymous ResolveImage registry.test/app:1 everything denied by require-label, dry run true";
    assert!(log.len() == 2 && log[0] == wanted, "{log:#?}");
    let digest = load(&stand, "anonymous", REQUIRE_LABEL).await.unwrap().digest;
    let settings = [("label".to_owned(), "label=three".to_owned())].into();
    let policies = vec![pb::PolicyReference { digest, settings }];
    let found = resolve(&stand, pb::ResolveImageRequest { policies, ..plain }).await.unwrap();
    assert!(matches!(&found.images[0].result, Some(Got::Absence(_))), "{found:?}");
}
