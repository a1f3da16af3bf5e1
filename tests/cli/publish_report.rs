//! What the commands report about a publication: lines, JSON, and the explanation.

use refkit_support::image::Image;
use refkit_support::{Fault, FaultRegistry, Rule, filters};
use serde_json::json;

use crate::places::{demo_image, fill};
use crate::run::{Ran, policy, refkit};

/// Returns a registry with `demo/app:single` and `demo/app:1.2.3`, and the name of that repository.
fn registry() -> (FaultRegistry, String) {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single", "1.2.3"]);
    let app = format!("{}/demo/app", registry.host());
    (registry, app)
}

/// Returns the whole output without what depends on the build of the policies.
fn all(ran: &Ran) -> String {
    let build = [
        (r"((?:default|publish|pusher|immutable-tags) [0-9.]+ +sha256:)[0-9a-f]+", "$1[POLICY]"),
        (r"(memory of (?:a policy|the host) +)[0-9.]+ kB", "$1[SIZE]"),
    ];
    filters::filtered(&ran.all(), &build)
}

/// Writes a guest of the tests into a directory.
fn pusher(directory: &tempfile::TempDir) -> String {
    let path = directory.path().join("pusher.wasm");
    std::fs::write(&path, refkit_tests::components::PUSHER).unwrap();
    path.display().to_string()
}

#[test]
fn a_copy_is_explained() {
    let (registry, app) = registry();
    let mirror = format!("{}/demo/mirror:1", registry.host());
    let ran = refkit(["copy", &format!("{app}:single"), &mirror, "--explain", "--no-cache"]);
    insta::assert_snapshot!(all(&ran), @r"
    exit 0
    --- stdout
    127.0.0.1:[PORT]/demo/mirror:1@sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b
    --- stderr
    publishing policies
    └─ publish 0.1.0  sha256:[POLICY]  may ask registry, registry-write, chain, settings, trace
    policies
    └─ default 0.1.0  sha256:[POLICY]  may ask registry
    run
    └─ policy publish: 127.0.0.1:[PORT]/demo/mirror:1  [TIME]
       │  → published sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b
       ├─ policy default: 127.0.0.1:[PORT]/demo/app:single  [TIME]
       │  │  → resolved sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b
       │  └─ pull 127.0.0.1:[PORT]/demo/app:single  [TIME]
       │        → sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b  525 B  from 127.0.0.1:[PORT]
       ├─ copy 127.0.0.1:[PORT]/demo/mirror@sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b from 127.0.0.1:[PORT]/demo/app  [TIME]
       │     with referrers application/vnd.docker.attestation.manifest.v1+json, application/vnd.dev.cosign.artifact.sig.v1+json, application/vnd.dev.sigstore.bundle.v0.3+json
       │     → sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b  525 B
       └─ push-manifest 127.0.0.1:[PORT]/demo/mirror:1  [TIME]
             → sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b  525 B
    limits
    ├─ calls                       5 / 65536
    ├─ bytes of all contents       525 B / 268 MB
    ├─ bytes of one content        525 B / 4.19 MB
    ├─ time                        [TIME] / [TIME]
    ├─ processor time of a policy  [TIME] / [TIME]
    ├─ memory of a policy          [SIZE] / 67.1 MB
    ├─ memory of the host          [SIZE] / 67.1 MB
    ├─ depth of an index           0 / 8
    └─ messages                    0 / 1000
    ");
}

#[test]
fn a_dry_run_says_that_nothing_is_sent() {
    let (_registry, app) = registry();
    let ran = refkit(["tag", &format!("{app}:single"), "new", "--dry-run", "--explain"]);
    assert!(ran.code == 0 && ran.stderr.lines().any(|line| line == "run, dry: nothing is sent"), "{}", ran.all());
    let ran = refkit(["tag", &format!("{app}:single"), "new", "--explain"]);
    assert!(ran.code == 0 && ran.stderr.lines().any(|line| line == "run"), "{}", ran.all());
}

#[test]
fn a_publication_as_json() {
    let (_registry, app) = registry();
    let image = demo_image("1.2.3");
    let source = format!("{app}:1.2.3");
    let destination =
        |tag: &str| json!({ "reference": format!("{app}:{tag}"), "pinned": format!("{app}:{tag}@{}", image.digest()) });
    for (flag, dry_run) in [("--dry-run", true), ("--no-cache", false)] {
        let json = refkit(["tag", &source, "new", "stable", "--format", "json", flag]).json();
        let wanted = json!({
            "outcome": "published",
            "requested": source,
            "root": {
                "mediaType": image.descriptor.media_type,
                "digest": image.digest().as_str(),
                "size": image.bytes.len(),
            },
            "destinations": [destination("new"), destination("stable")],
            "dry-run": dry_run,
        });
        assert_eq!(json, wanted);
    }
}

#[test]
fn all_tags_as_json_are_a_document_each() {
    let (registry, app) = registry();
    let mirror = format!("{}/demo/mirror", registry.host());
    let ran = refkit(["copy", &app, &mirror, "--all-tags", "--format", "json"]);
    let documents = serde_json::Deserializer::from_slice(&ran.stdout).into_iter::<serde_json::Value>();
    let documents: Vec<_> = documents.map(|document| document.unwrap_or_else(|_| panic!("{}", ran.all()))).collect();
    let requested: Vec<_> = documents.iter().map(|document| document["requested"].as_str().unwrap()).collect();
    assert_eq!(requested, [format!("{app}:1.2.3"), format!("{app}:single")]);
    assert!(documents.iter().all(|document| document["outcome"] == "published"), "{}", ran.all());
}

#[test]
fn the_explanation_as_json_names_both_chains_and_the_source_of_a_copy() {
    let (registry, app) = registry();
    let mirror = format!("{}/demo/mirror", registry.host());
    let (source, destination) = (format!("{app}:single"), format!("{mirror}:1"));
    let json = refkit(["copy", &source, &destination, "--format", "json", "--explain"]).json();
    let explain = &json["explain"];
    assert_eq!(
        (&explain["publishing"][0]["name"], &explain["policies"][0]["name"]),
        (&json!("publish"), &json!("default"))
    );
    let calls: Vec<_> = explain["spans"].as_array().unwrap().iter().filter(|span| span["kind"] == "call").collect();
    let of =
        |name: &str| calls.iter().find(|call| call["question"] == name).unwrap_or_else(|| panic!("{name}: {json}"));
    let image = demo_image("single");
    let copy = of("copy");
    assert_eq!(copy["subject"], format!("{mirror}@{}", image.digest()));
    assert_eq!((&copy["source"], &copy["answer"]), (&json!(app), &json!(image.digest().as_str())));
    let push = of("push-manifest");
    assert_eq!((&push["subject"], &push["bytes"]), (&json!(destination), &json!(image.bytes.len())));
    // The run itself has what it writes.
    assert!(push.get("from").is_none() && push.get("source").is_none() && push["took"].is_u64(), "{push}");
}

#[test]
fn what_the_platforms_chose_is_explained() {
    let (registry, app) = registry();
    let mirror = format!("{}/demo/mirror:1", registry.host());
    let source = format!("{app}:1.2.3");
    let index = demo_image("1.2.3");
    let verdicts = |ran: &Ran| {
        let explain = &ran.json()["explain"];
        let candidates = explain["candidates"].as_array().unwrap().clone();
        candidates.iter().map(|one| (one["digest"].clone(), one["verdict"].clone())).collect::<Vec<_>>()
    };
    let copy = |more: &[&str]| {
        let arguments = ["copy", &source, &mirror, "--format", "json", "--explain"];
        refkit(arguments.into_iter().chain(more.iter().copied()))
    };
    assert_eq!(verdicts(&copy(&[])), [], "nothing was chosen");
    for more in [&["-p", "linux/arm64"][..], &["-p", "linux/arm64", "--sparse"]] {
        let found = verdicts(&copy(more));
        let of = |image: &Image| found.iter().find(|(digest, _)| digest == image.digest().as_str()).unwrap().1.clone();
        let children = index.children();
        // The image for arm64 and its attestation. A sparse index keeps the index in it, which states no platform.
        assert_eq!(
            (of(&children[0]), of(&children[1])),
            (json!("passed over: its platform is not wanted"), json!("taken"))
        );
        assert_eq!(
            (of(&children[6]), of(&children[7])),
            (json!("passed over: an attestation, about another manifest"), json!("taken"))
        );
        let windows = children.last().unwrap();
        let verdicts = match more.contains(&"--sparse") {
            true => ["taken", "taken"],
            false => ["passed over: it names no platform", "passed over: its platform is not wanted"],
        };
        assert_eq!((of(windows), of(&windows.children()[0])), (json!(verdicts[0]), json!(verdicts[1])));
        assert_eq!(found.len(), children.len() + windows.children().len());
    }
    let ran = refkit(["copy", &source, &mirror, "-p", "linux/arm64,linux/mips", "-p", "windows/amd64"]);
    let left = "note: no image is for linux/mips\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, left), "{}", ran.all());
    let ran = refkit(["copy", &source, &mirror, "-p", "linux/arm64", "--explain"]);
    let line =
        |platform: &str| ran.stderr.lines().find(|line| line.contains(&format!("─ {platform} "))).unwrap().to_owned();
    assert!(line("linux/arm64").ends_with("taken") && line("linux/amd64").contains("passed over"), "{}", ran.stderr);
}

#[test]
fn the_denial_of_a_publishing_policy() {
    let (registry, app) = registry();
    let (source, immutable_tags) = (format!("{app}:single"), policy("immutable-tags"));
    let arguments = ["tag", &source, "1.2.3", "--publish-policy", &immutable_tags];
    let ran = refkit(arguments);
    insta::assert_snapshot!(all(&ran), @r"
    exit 3
    --- stdout
    --- stderr
    denied: 127.0.0.1:[PORT]/demo/app:single by policy immutable-tags (rule immutable-tags): 127.0.0.1:[PORT]/demo/app:1.2.3 exists, and does not move: the content has the digest sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b, not sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d
    ");
    let ran = refkit(arguments.into_iter().chain(["--format", "json"]));
    let (there, other) = (demo_image("1.2.3").digest().clone(), demo_image("single").digest().clone());
    let message = format!("{app}:1.2.3 exists, and does not move: the content has the digest {other}, not {there}");
    let denial = json!({ "policy": "immutable-tags", "rule": "immutable-tags", "message": message });
    let wanted = json!({ "outcome": "denied", "requested": source, "denials": [denial] });
    assert_eq!((ran.code, ran.json()), (3, wanted));
    let ran = refkit(arguments.into_iter().chain(["--explain"]));
    assert!(ran.stderr.contains("→ denied by rule immutable-tags\n"), "{}", ran.stderr);
    assert_eq!(registry.count("PUT *"), 0);
}

#[test]
fn what_was_not_granted_is_hinted_at() {
    let (registry, app) = registry();
    let directory = tempfile::tempdir().unwrap();
    let (source, pusher) = (format!("{app}:single"), pusher(&directory));
    let other = format!("{}/demo/other", registry.host());
    for (step, grant) in [(format!("tag {app}:mine"), format!("{app}:mine")), (format!("copy {other}"), other.clone())]
    {
        let steps = format!("do={step}");
        let options = ["--publish-policy", &pusher, "--publish-set", &steps, "--publish-set", "then=failed"];
        let arguments = ["tag", &source, "new"].into_iter().chain(options);
        let ran = refkit(arguments.clone());
        let hint = format!("  grant it with --grant-write {grant}");
        assert!(ran.code == 1 && ran.stderr.lines().last() == Some(&hint), "{}", ran.all());
        assert_eq!(registry.count("PUT *"), 0);
        // The hint is right: with the grant the policy gets further.
        let ran = refkit(arguments.clone().chain(["--grant-write", &grant]));
        assert_eq!(ran.code, 0, "{}", ran.all());
        let json = refkit(["tag", &source, "new", "--format", "json"].into_iter().chain(options)).json();
        assert_eq!((&json["outcome"], &json["error"]["code"]), (&json!("failed"), &json!("not-granted")));
        registry.clear();
    }
    let ran = refkit([
        "tag",
        &source,
        "new",
        "--publish-policy",
        &pusher,
        "--publish-set",
        "then=failed",
        "--publish-set",
        &format!("do=tag {app}:mine"),
        "--explain",
    ]);
    insta::assert_snapshot!(all(&ran), @r"
    exit 1
    --- stdout
    --- stderr
    publishing policies
    ├─ pusher 0.0.0   sha256:[POLICY]  may ask registry, registry-write, chain, publishing-chain, settings, trace
    └─ publish 0.1.0  sha256:[POLICY]  may ask registry, registry-write, chain, settings, trace
    policies
    └─ default 0.1.0  sha256:[POLICY]  may ask registry
    run
    └─ policy pusher: 127.0.0.1:[PORT]/demo/app:new  [TIME]
       │  → failed (not granted): cannot push 127.0.0.1:[PORT]/demo/app:mine: this run may not move the tag mine of 127.0.0.1:[PORT]/demo/app
       ├─ pull 127.0.0.1:[PORT]/demo/app:single  [TIME]
       │     → sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b  525 B  from cache
       ├─ push-manifest 127.0.0.1:[PORT]/demo/app:mine  [TIME]
       │     → cannot push 127.0.0.1:[PORT]/demo/app:mine: this run may not move the tag mine of 127.0.0.1:[PORT]/demo/app
       └─ info: tag 127.0.0.1:[PORT]/demo/app:mine: ErrorCode::NotGranted: cannot push 127.0.0.1:[PORT]/demo/app:mine: this run may not move the tag mine of 127.0.0.1:[PORT]/demo/app
    limits
    ├─ calls                       2 / 65536
    ├─ bytes of all contents       525 B / 268 MB
    ├─ bytes of one content        525 B / 4.19 MB
    ├─ time                        [TIME] / [TIME]
    ├─ processor time of a policy  [TIME] / [TIME]
    ├─ memory of a policy          [SIZE] / 67.1 MB
    ├─ memory of the host          [SIZE] / 67.1 MB
    ├─ depth of an index           0 / 8
    └─ messages                    1 / 1000
    error: cannot push 127.0.0.1:[PORT]/demo/app:mine: this run may not move the tag mine of 127.0.0.1:[PORT]/demo/app
      grant it with --grant-write 127.0.0.1:[PORT]/demo/app:mine
    ");
}

#[test]
fn the_refusal_of_a_registry() {
    let (registry, app) = registry();
    let body = r#"{"errors":[{"code":"DENIED","message":"tags are immutable here"}]}"#;
    registry.add(Rule::on("PUT */manifests/new", Fault::status(403).body(body)));
    let source = format!("{app}:single");
    let ran = refkit(["tag", &source, "new", "--explain", "--no-cache"]);
    insta::assert_snapshot!(all(&ran), @r"
    exit 1
    --- stdout
    --- stderr
    publishing policies
    └─ publish 0.1.0  sha256:[POLICY]  may ask registry, registry-write, chain, settings, trace
    policies
    └─ default 0.1.0  sha256:[POLICY]  may ask registry
    run
    └─ policy publish: 127.0.0.1:[PORT]/demo/app:new  [TIME]
       │  → failed: cannot push 127.0.0.1:[PORT]/demo/app:new at 127.0.0.1:[PORT]: forbidden: 403: DENIED, tags are immutable here
       ├─ policy default: 127.0.0.1:[PORT]/demo/app:single  [TIME]
       │  │  → resolved sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b
       │  └─ pull 127.0.0.1:[PORT]/demo/app:single  [TIME]
       │        → sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b  525 B  from 127.0.0.1:[PORT]
       └─ push-manifest 127.0.0.1:[PORT]/demo/app:new  [TIME]
             → cannot push 127.0.0.1:[PORT]/demo/app:new at 127.0.0.1:[PORT]: forbidden: 403: DENIED, tags are immutable here
    limits
    ├─ calls                       4 / 65536
    ├─ bytes of all contents       525 B / 268 MB
    ├─ bytes of one content        525 B / 4.19 MB
    ├─ time                        [TIME] / [TIME]
    ├─ processor time of a policy  [TIME] / [TIME]
    ├─ memory of a policy          [SIZE] / 67.1 MB
    ├─ memory of the host          [SIZE] / 67.1 MB
    ├─ depth of an index           0 / 8
    └─ messages                    0 / 1000
    error: cannot push 127.0.0.1:[PORT]/demo/app:new at 127.0.0.1:[PORT]: forbidden: 403: DENIED, tags are immutable here
      try: docker login 127.0.0.1:[PORT]
    ");
    let json = refkit(["tag", &source, "new", "--format", "json"]).json();
    assert_eq!((&json["outcome"], &json["error"]["code"]), (&json!("failed"), &json!("unauthorized")));
    assert_eq!(json["requested"], source);
    assert!(json["error"]["message"].as_str().unwrap().contains("tags are immutable here"), "{json}");
    assert!(json.get("destinations").is_none() && json.get("root").is_none(), "{json}");
}
