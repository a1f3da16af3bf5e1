//! The digests to pin, against a BuildKit in memory that may read an index in its own way.

use prost::Message as _;
use refkit::settings::Assignment;
use refkit::{Budget, Chain, Component, Components, Engine, EngineOptions, Grants};
use refkit_buildkit::pb;
use refkit_support::buildkit::documents::{self, manifest_of, sha256};
use refkit_support::buildkit::{FakeBuildkit, NAME, OWN, Reply};

use super::*;

/// Returns the decisions of a build whose frontend has these policies with these settings.
async fn decisions(fake: &FakeBuildkit, policies: &[(&str, &[(&str, &str)])]) -> Decisions {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let components = policies.iter().map(|(name, settings)| {
        let bytes = std::fs::read(refkit_support::policy(name).unwrap()).unwrap();
        let settings = settings.iter().map(|(name, value)| Assignment::new(*name, *value)).collect();
        Component::new(*name, bytes).with_settings(settings)
    });
    let program = std::env::current_exe().unwrap();
    let components = components.collect::<Components>().default_code(refkit::default_code_beside(&program));
    let chain = Chain::load(&engine, components, &[]).await.unwrap();
    let chain = BuildChain { chain, grants: Grants::default(), budget: Budget::default() };
    let bridge = fake.bridge().await;
    let source = BuildkitSource::new(bridge.clone(), refkit_buildkit::Options::default());
    Decisions::new(chain, source, Reporter::new(bridge, false))
}

/// A policy that reads the outcome of the rest of the chain, and allows every image of these tests.
const LOOKS: [(&str, &[(&str, &str)]); 1] = [("require-label", &[("label", "seen")])];

fn name(text: &str) -> ImageName {
    ImageName { reference: text.parse().unwrap(), layout: None }
}

fn wanted(architecture: &str) -> WantedPlatform {
    WantedPlatform { platform: format!("linux/{architecture}").parse().unwrap(), is_named: true }
}

async fn image(decisions: &Decisions, name: &ImageName, wanted: &WantedPlatform) -> Arc<DecidedImage> {
    match decisions.decide(name, wanted, "").await.unwrap() {
        Decision::Image(decided) => decided,
        Decision::NoImage => panic!("no image"),
    }
}

fn manifest(architecture: &str) -> Digest {
    sha256(&manifest_of(architecture))
}

/// Responds to requests for the root with the config of another platform: BuildKit reads the index in its own way.
fn reads_otherwise(fake: &FakeBuildkit) {
    let root = sha256(&documents::index("a"));
    fake.replace(move |method, message| {
        let source = pb::ResolveSourceMetaRequest::decode(message.clone()).ok()?.source?;
        let about_root = !source.identifier.contains('@') || source.identifier.contains(root.as_str());
        let image = pb::ResolveSourceImageResponse {
            digest: root.to_string(),
            config: documents::config("arm64").into(),
            ..Default::default()
        };
        let answer = pb::ResolveSourceMetaResponse { source: Some(source), image: Some(image), git: None };
        (method == "ResolveSourceMeta" && about_root).then(|| Reply::message(&answer))
    });
}

#[tokio::test]
async fn the_root_is_pinned_where_buildkit_builds_the_same_image_from_it() {
    let fake = FakeBuildkit::new("a");
    for policies in [&[][..], &LOOKS] {
        let decisions = decisions(&fake, policies).await;
        let decided = image(&decisions, &name("app:1"), &wanted("amd64")).await;
        assert_eq!(decided.digest, sha256(&documents::index("a")));
        assert_eq!(decided.config[..], documents::config("amd64"));
        let asked = fake.calls().into_iter().filter(|call| call.starts_with("ResolveSourceMeta"));
        let asked: Vec<String> = asked.map(|call| call.replace(manifest("amd64").as_str(), "MANIFEST")).collect();
        // The tag; and for a policy that reads the outcome, the manifest that the default policy chose.
        let tag = format!("ResolveSourceMeta docker-image://{NAME}:1 amd64");
        let chosen = format!("ResolveSourceMeta docker-image://{NAME}:1@MANIFEST amd64");
        assert_eq!(asked, [tag, chosen][..=policies.len()]);
    }
}

#[tokio::test]
async fn the_manifest_is_pinned_where_buildkit_builds_another_image_of_the_root() {
    let fake = FakeBuildkit::new("a");
    reads_otherwise(&fake);
    let decisions = decisions(&fake, &LOOKS).await;
    let decided = image(&decisions, &name("app:1"), &wanted("amd64")).await;
    assert_eq!(decided.config[..], documents::config("amd64"));
    assert_eq!((&decided.digest, &decided.root), (&manifest("amd64"), &sha256(&documents::index("a"))));
}

/// BuildKit takes its own platform where a request has none, and policies see that platform.
#[tokio::test]
async fn no_platform_is_buildkits_own() {
    let fake = FakeBuildkit::new("a");
    let own = WantedPlatform { is_named: false, ..wanted(OWN) };
    let decisions = decisions(&fake, &LOOKS).await;
    let decided = image(&decisions, &name("app:1"), &own).await;
    assert_eq!(
        (&decided.digest, &decided.config[..]),
        (&sha256(&documents::index("a")), &documents::config("amd64")[..])
    );
    assert!(fake.calls().contains(&format!("ResolveSourceMeta docker-image://{NAME}:1 none")));
    // Where BuildKit's platform is another one than RefKit takes it for, the decided image is pinned nevertheless.
    let other = WantedPlatform { is_named: false, ..wanted("arm64") };
    let decided = image(&decisions, &name("app:2"), &other).await;
    assert_eq!((&decided.digest, &decided.config[..]), (&manifest("arm64"), &documents::config("arm64")[..]));
}

/// The first decision stays for the whole build, and the build gets a warning.
#[tokio::test]
async fn a_tag_that_moves() {
    let fake = FakeBuildkit::new("a");
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let heard = warnings.clone();
    fake.replace(move |method, message| {
        let warning = pb::WarnRequest::decode(message.clone()).ok().filter(|_| method == "Warn")?;
        lock(&heard).push(String::from_utf8(warning.short.to_vec()).unwrap());
        Some(Reply::message(&pb::WarnResponse {}))
    });
    let decisions = decisions(&fake, &[]).await;
    let first = sha256(&documents::index("a"));
    assert_eq!(image(&decisions, &name("app:1"), &wanted("amd64")).await.digest, first);
    let moved = fake.retag("b");
    assert_eq!(image(&decisions, &name("app:1"), &wanted("arm64")).await.digest, first);
    let pinned = format!("app:1@{first}");
    assert_eq!(image(&decisions, &name(&pinned), &wanted("arm64")).await.digest, first);
    let warnings = lock(&warnings);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in [NAME, "moved while this build ran", first.as_str(), moved.as_str(), "linux/arm64"] {
        assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
    }
}

#[tokio::test]
async fn a_source_policy_of_the_build_converts_an_image() {
    // the converted identifier, the decision where a policy allows the requested name
    let rows = [("local://context", Ok(Decision::NoImage)), ("docker-image+blob://a@sha256:0", Err(Code::Unknown))];
    for (identifier, wanted_answer) in rows {
        let fake = FakeBuildkit::new("a");
        fake.replace(move |method, _| {
            let source = Some(pb::SourceOp { identifier: identifier.to_owned(), ..Default::default() });
            let answer = pb::ResolveSourceMetaResponse { source, ..Default::default() };
            (method == "ResolveSourceMeta").then(|| Reply::message(&answer))
        });
        let allowed = decisions(&fake, &[("allow-list", &[("allow", NAME)])]).await;
        let answer = allowed.decide(&name("app:1"), &wanted("amd64"), "").await;
        assert_eq!(answer.map_err(|status| status.code()), wanted_answer, "{identifier}");
        let denied = decisions(&fake, &[("allow-list", &[("allow", "ghcr.io/*")])]).await;
        let answer = denied.decide(&name("app:1"), &wanted("amd64"), "").await;
        assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied, "{identifier}");
    }
}
