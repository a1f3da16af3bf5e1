//! A refusal of the rest of the chain stays, in whatever spelling an earlier policy returns the refused content. A
//! resolved root is an index or a manifest, under a tag that named it.

use refkit::{Error, Outcome, Parts, Policy, Request, Selection};
use refkit_content::{Memory, verify};
use refkit_oci::{Algorithm, Digest};
use refkit_tests::components::{ALLOW_LIST, EVADER, HOSTILE, REDIRECT};
use refkit_tests::stage::{self, ENGINE, INDEX, MANIFEST, Stage};

const APP: &str = "registry.test/app:1";
const SAME: &str = "registry.test/app:same";
const OTHER: &str = "registry.test/other:1";

/// Returns a stage where `app:same` equals `app:1`, with the policy in a mode.
async fn evading(mode: &str, other: &str) -> Stage {
    let stage = Stage::new().grant("registry.test/other");
    let same = stage::image_index(&stage.memory, "registry.test/app", "one");
    stage::put(&stage.memory, SAME, INDEX, &same);
    stage.policy(EVADER, &[("mode", mode), ("other", other)])
}

fn root_of(reference: &str) -> Request {
    stage::request(reference).with(Parts::NONE)
}

async fn run(stage: Stage, request: Request) -> Result<Outcome, Error> {
    stage.resolver().await.resolve(request).await
}

/// Returns a word for the end of a run.
fn ended(outcome: &Result<Outcome, Error>) -> String {
    match outcome {
        Ok(Outcome::Resolved(resolution)) => format!("resolved {}", resolution.reference),
        Ok(Outcome::Denied { policy, denials }) => format!("denied by {policy}: {}", denials[0].rule),
        Err(error) => error.to_string(),
    }
}

/// Returns the digest of `app:1`.
fn app() -> Digest {
    let index = stage::image_index(&Memory::new(), "registry.test/app", "one");
    verify::digest(Algorithm::Sha256, index.as_bytes())
}

const REFUSED: &str = "which the rest of the chain refused";
const UNASKED: &str = "which the rest did not resolve";

#[tokio::test]
async fn a_refused_reference_is_in_no_outcome() {
    // mode, the other reference, what else the list allows, the end of the run
    let pinned = format!("registry.test/app@{}", app());
    let rows = [
        ("own", APP, "", REFUSED),
        ("own-digest", APP, "", REFUSED),
        ("own-child", APP, "", REFUSED),
        ("own-images", APP, "", REFUSED),
        // Another tag of the same digest, and another image: the rest of the chain has not seen either.
        ("own-other", SAME, "", UNASKED),
        ("own-other", OTHER, "", UNASKED),
        // The rest allows the other spelling, but it has refused the content of the reference.
        ("next-digest", APP, pinned.as_str(), REFUSED),
        ("asked-root", APP, pinned.as_str(), REFUSED),
        // A denial stays, and a redirect to a reference that the rest allows evades nothing.
        ("next-same", APP, "", "denied by allow-list: allow-list"),
        ("next-other", OTHER, "", "denied by allow-list: allow-list"),
        ("next-other", OTHER, OTHER, "resolved registry.test/other:1"),
        ("asked-other", OTHER, OTHER, "resolved registry.test/other:1"),
    ];
    for (mode, other, allowed, wanted) in rows {
        let allow = if allowed.is_empty() { "nowhere.test/*" } else { allowed };
        let stage = evading(mode, other).await.policy(ALLOW_LIST, &[("allow", allow)]);
        let request = if mode == "own-images" { stage::request(APP) } else { root_of(APP) };
        let ended = ended(&run(stage, request).await);
        assert!(ended.contains(wanted), "{mode} {other} {allowed}: {ended}");
    }
}

/// The refusal of one image binds the earlier policies, whatever they request and wherever they put the image.
#[tokio::test]
async fn a_refused_image_is_in_no_outcome() {
    let all = |request: Request| request.select(Selection::All);
    // mode, the request, the end of the run
    let rows = [
        ("own-images", stage::request(APP), "takes away the refusal or failure of image 1"),
        ("own-images", all(stage::request(APP)), "takes away the refusal or failure of image 1"),
        ("own-child", root_of(APP), REFUSED),
        ("asked-whole", root_of(APP), "takes away the refusal or failure of image 1"),
        ("asked-no-match", stage::request(APP), "takes away the refusal or failure of image 1"),
        ("asked-twice", stage::request(APP), "takes away the refusal or failure of image 1"),
        ("own", root_of(APP), "takes away the refusal or failure of image 1"),
    ];
    for (mode, request, wanted) in rows {
        let stage = evading(mode, APP).await.policy(HOSTILE, &[("mode", "deny-image")]);
        let ended = ended(&run(stage, request).await);
        assert!(ended.contains(wanted), "{mode}: {ended}");
    }
    // A second policy in between gets the refusal from the one that refused, and binds the first one in the same way.
    let stage = evading("own-child", APP).await.policy(EVADER, &[("mode", "next-same"), ("quiet", "1")]);
    let stage = stage.policy(HOSTILE, &[("mode", "deny-image")]);
    let ended = ended(&run(stage, root_of(APP)).await);
    assert!(ended.contains(REFUSED), "{ended}");
}

/// Content that the rest of the chain could not judge is not allowed either; a policy that does not ask decides alone.
#[tokio::test]
async fn a_failure_of_the_rest_binds_earlier_policies() {
    let stage = evading("own", APP).await.policy(HOSTILE, &[("mode", "probe")]);
    let failed = ended(&run(stage, root_of(APP)).await);
    assert!(failed.contains(UNASKED), "{failed}");
    let quiet = [("mode", "own"), ("quiet", "1")];
    let alone = run(Stage::new().policy(EVADER, &quiet), root_of(APP)).await;
    assert_eq!(ended(&alone), "resolved registry.test/app:1");
}

#[tokio::test]
async fn a_root_is_an_index_or_a_manifest() {
    let quiet = |mode: &'static str| [("mode", mode), ("quiet", "1"), ("other", "registry.test/app:99.9")];
    let stage = Stage::new().policy(EVADER, &quiet("own-config"));
    let config = ended(&run(stage, root_of(APP)).await);
    assert!(config.contains("neither an index nor a manifest"), "{config}");

    // An index may list a layer as a manifest: its bytes decide.
    let stage = Stage::new();
    let layer = "a layer".to_owned();
    let digest = verify::digest(Algorithm::Sha256, layer.as_bytes());
    stage::put(&stage.memory, &format!("registry.test/app@{digest}"), MANIFEST, &layer);
    let entry = format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{}}}"#, layer.len());
    let index = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entry}]}}"#);
    stage::put(&stage.memory, "registry.test/app:odd", INDEX, &index);
    let odd = ended(&run(stage.policy(EVADER, &quiet("own-entry")), root_of("registry.test/app:odd")).await);
    assert!(!odd.starts_with("resolved") && odd.contains(digest.as_str()), "{odd}");
    // The host reads a listed manifest before it accepts it as a root.
    let stage = Stage::new().policy(EVADER, &quiet("own-child"));
    let child = ended(&run(stage, root_of(APP)).await);
    assert!(child.starts_with("resolved registry.test/app@sha256:"), "{child}");
}

#[tokio::test]
async fn a_tag_in_an_outcome_named_its_root() {
    for mode in ["own-tag", "next-tag"] {
        // the tag beside the digest of app:1, whether the host accepts it
        for (other, holds) in [("registry.test/app:1", true), ("registry.test/app:99.9-signed-by-nobody", false)] {
            let settings = [("mode", mode), ("other", other), ("quiet", "1")];
            let ended = ended(&run(Stage::new().policy(EVADER, &settings), root_of(APP)).await);
            match holds {
                true => assert!(ended.starts_with("resolved registry.test/app:1@sha256:"), "{mode}: {ended}"),
                false => assert!(ended.contains("has not resolved that tag to that digest"), "{mode}: {ended}"),
            }
        }
    }
    // The caller vouches for a digest in the request, even if a policy redirects it.
    let digest = app();
    let request = root_of(&format!("registry.test/app:5.0@{digest}"));
    let pinned = ended(&run(Stage::new(), request).await);
    assert_eq!(pinned, format!("resolved registry.test/app:5.0@{digest}"));
    let stage = Stage::new().grant("registry.test/moved");
    let same = stage::image_index(&stage.memory, "registry.test/moved", "one");
    stage::put(&stage.memory, "registry.test/moved:1", INDEX, &same);
    let stage = stage.policy(REDIRECT, &[("from", "registry.test/app"), ("to", "registry.test/moved")]);
    let moved = ended(&run(stage, root_of(&format!("registry.test/app:5.0@{digest}"))).await);
    assert_eq!(moved, format!("resolved registry.test/moved:5.0@{digest}"));
}

#[tokio::test]
async fn every_mode_has_a_row() {
    let policy = Policy::load(&ENGINE, EVADER).await.unwrap();
    let names = policy.description().settings.iter().map(|setting| setting.name.as_str());
    let source = include_str!("evader.rs");
    for mode in names.filter(|name| !["mode", "other", "quiet"].contains(name)) {
        assert!(source.contains(&format!("\"{mode}\"")), "the mode {mode} of the evader has no test");
    }
}
