//! What is pinned, by a BuildKit in memory that may read an index in its own way.

use std::collections::BTreeMap;

use prost::Message as _;
use refkit::{Budget, Engine, EngineOptions, Grants, Link, Policy};
use refkit_buildkit::pb;

use super::*;
use crate::images::{self, CONFIG, Images, NAME, descriptor, sha256};
use crate::peer::Reply;

/// Returns the decisions of a build whose frontend has these policies, with their settings.
async fn decisions(images: &Images, policies: &[(&str, &[(&str, &str)])]) -> Decisions {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let mut links = Vec::new();
    for (name, settings) in policies {
        let component = std::fs::read(refkit_support::policy(name).unwrap()).unwrap();
        let policy = Policy::load(&engine, component).await.unwrap();
        let settings: BTreeMap<String, String> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        links.push(Link::new(policy, settings).unwrap());
    }
    links.push(Link::new(refkit::shipped_default_policy(&engine).await.unwrap(), BTreeMap::new()).unwrap());
    let chain = Chain { engine, policies: Vec::new(), links, grants: Grants::default(), budget: Budget::default() };
    let bridge = images.bridge().await;
    let source = BuildkitSource::new(bridge.clone(), refkit_buildkit::Options::default());
    Decisions::new(chain, source, Reporter::new(bridge, false))
}

/// A policy that looks at what the rest of the chain answers, and lets everything pass here.
const LOOKS: [(&str, &[(&str, &str)]); 1] = [("require-label", &[("label", "seen")])];

fn name(text: &str) -> Name {
    Name { reference: text.parse().unwrap(), layout: None }
}

fn wanted(architecture: &str) -> Wanted {
    Wanted { platform: format!("linux/{architecture}").parse().unwrap(), is_named: true }
}

async fn image(decisions: &Decisions, name: &Name, wanted: &Wanted) -> Arc<Decided> {
    match decisions.decide(name, wanted, "").await.unwrap() {
        Chosen::Image(decided) => decided,
        Chosen::NoImage => panic!("no image"),
    }
}

fn manifest(architecture: &str) -> Digest {
    sha256(&images::manifest(&descriptor(CONFIG, &images::config(architecture))))
}

/// Answers questions about the root's image with the config of another platform's: BuildKit reads the index in its own
/// way. Of manifests it answers what they are.
fn reads_otherwise(images: &Images) {
    let root = sha256(&images::index("a"));
    images.instead(move |method, message| {
        let source = pb::ResolveSourceMetaRequest::decode(message.clone()).ok()?.source?;
        let about_root = !source.identifier.contains('@') || source.identifier.contains(root.as_str());
        let image = pb::ResolveSourceImageResponse {
            digest: root.to_string(),
            config: images::config("arm64").into(),
            ..Default::default()
        };
        let answer = pb::ResolveSourceMetaResponse { source: Some(source), image: Some(image), git: None };
        (method == "ResolveSourceMeta" && about_root).then(|| Reply::message(&answer))
    });
}

#[tokio::test]
async fn the_root_is_pinned_where_buildkit_builds_the_same_image_of_it() {
    let images = Images::new("a");
    for policies in [&[][..], &LOOKS] {
        let decisions = decisions(&images, policies).await;
        let decided = image(&decisions, &name("app:1"), &wanted("amd64")).await;
        assert_eq!(decided.digest, sha256(&images::index("a")));
        assert_eq!(decided.config[..], images::config("amd64"));
        let asked = images.calls().into_iter().filter(|call| call.starts_with("ResolveSourceMeta"));
        let asked: Vec<String> = asked.map(|call| call.replace(manifest("amd64").as_str(), "MANIFEST")).collect();
        // The tag; and for a policy that looks, the manifest that the default policy chose. Nothing to confirm it.
        let tag = format!("ResolveSourceMeta docker-image://{NAME}:1 amd64");
        let chosen = format!("ResolveSourceMeta docker-image://{NAME}:1@MANIFEST amd64");
        assert_eq!(asked, [tag, chosen][..=policies.len()]);
    }
}

#[tokio::test]
async fn what_is_judged_is_pinned_where_buildkit_builds_another_image_of_the_root() {
    let images = Images::new("a");
    reads_otherwise(&images);
    let decisions = decisions(&images, &LOOKS).await;
    let decided = image(&decisions, &name("app:1"), &wanted("amd64")).await;
    assert_eq!(decided.config[..], images::config("amd64"));
    assert_eq!((&decided.digest, &decided.root), (&manifest("amd64"), &sha256(&images::index("a"))));
}

/// BuildKit takes its own platform, which need not be the first of a worker's list; policies see that one.
#[tokio::test]
async fn no_platform_is_buildkits_own() {
    let images = Images::new("a");
    let own = Wanted { is_named: false, ..wanted(images::OWN) };
    let decisions = decisions(&images, &LOOKS).await;
    let decided = image(&decisions, &name("app:1"), &own).await;
    assert_eq!((&decided.digest, &decided.config[..]), (&sha256(&images::index("a")), &images::config("amd64")[..]));
    assert!(images.calls().contains(&format!("ResolveSourceMeta docker-image://{NAME}:1 none")));
    // Where that is another one than it seems, what was judged is built all the same.
    let other = Wanted { is_named: false, ..wanted("arm64") };
    let decided = image(&decisions, &name("app:2"), &other).await;
    assert_eq!((&decided.digest, &decided.config[..]), (&manifest("arm64"), &images::config("arm64")[..]));
}

/// The first answer stays for the whole build, and a person reads what became of the tag.
#[tokio::test]
async fn a_tag_that_moves() {
    let images = Images::new("a");
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let heard = warnings.clone();
    images.instead(move |method, message| {
        let warning = pb::WarnRequest::decode(message.clone()).ok().filter(|_| method == "Warn")?;
        lock(&heard).push(String::from_utf8(warning.short.to_vec()).unwrap());
        Some(Reply::message(&pb::WarnResponse {}))
    });
    let decisions = decisions(&images, &[]).await;
    let first = sha256(&images::index("a"));
    assert_eq!(image(&decisions, &name("app:1"), &wanted("amd64")).await.digest, first);
    let moved = images.retag("b");
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
async fn what_a_rule_of_the_build_makes_of_an_image() {
    // what it becomes, and what comes of that where a policy allows the name
    let rows = [("local://context", Ok(Chosen::NoImage)), ("docker-image+blob://a@sha256:0", Err(Code::Unknown))];
    for (identifier, wanted_answer) in rows {
        let images = Images::new("a");
        images.instead(move |method, _| {
            let source = Some(pb::SourceOp { identifier: identifier.to_owned(), ..Default::default() });
            let answer = pb::ResolveSourceMetaResponse { source, ..Default::default() };
            (method == "ResolveSourceMeta").then(|| Reply::message(&answer))
        });
        let allowed = decisions(&images, &[("allow-list", &[("allow", NAME)])]).await;
        let answer = allowed.decide(&name("app:1"), &wanted("amd64"), "").await;
        assert_eq!(answer.map_err(|status| status.code()), wanted_answer, "{identifier}");
        let denied = decisions(&images, &[("allow-list", &[("allow", "ghcr.io/*")])]).await;
        let answer = denied.decide(&name("app:1"), &wanted("amd64"), "").await;
        assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied, "{identifier}");
    }
}
