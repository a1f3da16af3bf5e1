//! `--format json`: a shape that programs can rely on.

use serde_json::json;

use crate::places::demo_image;
use crate::run::{DEMO, policy, refkit};

#[test]
fn a_resolution() {
    let (reference, image) = (format!("{DEMO}:1.2.3"), demo_image("1.2.3"));
    let json = refkit(["resolve", &reference, "--format", "json"]).json();
    let root = json!({
        "mediaType": image.descriptor.media_type, "digest": image.digest().as_str(), "size": image.bytes.len(),
    });
    let pinned = format!("{reference}@{}", image.digest());
    let wanted = json!({
        "outcome": "resolved", "requested": reference, "reference": reference, "pinned": pinned, "root": root,
        "images": [],
    });
    assert_eq!(json, wanted);
    let arguments = ["resolve", &reference, "--format", "json", "--platform", "linux/arm", "--platform", "plan9/mips"];
    let ran = refkit(arguments);
    let json = ran.json();
    let arm = &image.children()[2];
    assert_eq!(ran.code, 1);
    assert_eq!(json["images"][0]["platform"], json!({ "os": "linux", "architecture": "arm", "variant": "v7" }));
    assert_eq!(json["images"][0]["manifest"]["digest"], arm.digest().as_str());
    assert_eq!(json["images"][0]["pinned"], format!("{reference}@{}", arm.digest()));
    let absent = json!({ "platform": { "os": "plan9", "architecture": "mips" }, "absence": "no-match" });
    assert_eq!(json["images"][1], absent);
    // One missing image is a failure of the whole, as the exit code says; the command prints the other one.
    assert_eq!((&json["outcome"], &json["error"]["code"]), (&json!("failed"), &json!("not-found")));
}

/// The outcome equals the exit code: one refusal among resolved images is a refusal.
#[test]
fn one_refused_image_is_a_refusal() {
    let reference = format!("{DEMO}:1.2.3");
    let directory = tempfile::tempdir().unwrap();
    let hostile = directory.path().join("hostile.wasm");
    std::fs::write(&hostile, refkit_tests::components::HOSTILE).unwrap();
    let hostile = hostile.display().to_string();
    let policy = ["--policy", &hostile, "--set", "mode=deny-image"];
    let arguments =
        ["resolve", &reference, "--format", "json", "--platform", "linux/amd64", "--platform", "linux/arm64"];
    let ran = refkit(arguments.into_iter().chain(policy));
    let (json, image) = (ran.json(), demo_image("1.2.3"));
    assert_eq!((ran.code, &json["outcome"]), (3, &json!("denied")));
    let amd64 = image.children()[0].digest().to_string();
    let denial = json!({
        "policy": "hostile", "rule": "deny-image", "message": "not this one", "subject": amd64, "manifest": amd64,
        "platform": { "os": "linux", "architecture": "amd64" },
    });
    assert_eq!(json["denials"], json!([denial]));
    assert_eq!((&json["images"][0]["absence"], &json["images"][0]["denials"][0]), (&json!("denied"), &denial));
    assert_eq!(json["images"][1]["manifest"]["digest"], image.children()[1].digest().as_str());
    // The root leads to the refused image, so it is not printed.
    assert!(json.get("pinned").is_none() && json.get("error").is_none(), "{json}");
    let ran = refkit(["inspect", &reference, "--format", "json"].into_iter().chain(policy));
    assert_eq!((ran.code, &ran.json()["outcome"]), (3, &json!("denied")));
}

/// If the command prints the root alone, programs can read which of its images a policy has judged.
#[test]
fn the_report_names_the_judged_images() {
    let (reference, require_label) = (format!("{DEMO}:1.2.3"), policy("require-label"));
    let policy = ["--policy", &require_label, "--set", "label=example.team"];
    let ran = refkit(["resolve", &reference, "--format", "json"].into_iter().chain(policy));
    let judged = &ran.json()["judged"];
    let amd64 = demo_image("1.2.3").children()[0].digest().to_string();
    let platform = json!({ "os": "linux", "architecture": "amd64" });
    if cfg!(target_arch = "x86_64") {
        assert_eq!(*judged, json!([{ "policy": "require-label", "platform": platform, "manifest": amd64 }]));
    }
    assert_eq!(judged.as_array().map(Vec::len), Some(1));
}

#[test]
fn an_inspection() {
    let (reference, image) = (format!("{DEMO}:1.2.3"), demo_image("1.2.3"));
    let json = refkit(["inspect", &reference, "--format", "json", "--layers"]).json();
    let images = json["images"].as_array().unwrap();
    assert_eq!(images.len(), 8);
    assert_eq!(json["annotations"]["org.opencontainers.image.title"], "demo");
    let (first, of_first) = (&images[0], &image.children()[0]);
    assert_eq!(first["manifest"]["annotations"]["example.tier"], "production");
    assert_eq!(first["annotations"]["org.opencontainers.image.version"], "1.2.3");
    assert_eq!(first["config"]["digest"], of_first.blobs()[0].0.digest.as_str());
    assert_eq!(first["layers"][0]["digest"], of_first.blobs()[1].0.digest.as_str());
    let size: u64 = of_first.blobs().iter().map(|(blob, _)| blob.size).sum::<u64>() + of_first.descriptor.size;
    assert_eq!(first["size"], size);
    let about = &image.children()[6];
    assert_eq!(first["attestations"][0]["digest"], about.digest().as_str());
    assert_eq!(images[7]["parents"][0]["digest"], image.children().last().unwrap().digest().as_str());
    assert_eq!(images[7]["platform"]["os.version"], "10.0.26100.2033");
}

#[test]
fn a_denial_and_a_failure() {
    let allow_list = policy("allow-list");
    let reference = format!("{DEMO}:1.2.3");
    let allow = ["--policy", allow_list.as_str(), "--set", "allow=docker.io/**"];
    let ran = refkit(["resolve", &reference, "--format", "json"].into_iter().chain(allow));
    let json = ran.json();
    assert_eq!(
        (ran.code, &json["outcome"], &json["denials"][0]["policy"]),
        (3, &json!("denied"), &json!("allow-list"))
    );
    let ran = refkit(["inspect", &format!("{DEMO}:9.9.9"), "--format", "json"]);
    let json = ran.json();
    assert_eq!((ran.code, &json["outcome"], &json["error"]["code"]), (1, &json!("failed"), &json!("not-found")));
    let ran = refkit(["inspect", "oci-layout:no/such", "--format", "json"]);
    let json = ran.json();
    assert_eq!(
        (ran.code, &json["requested"], &json["error"]["code"]),
        (1, &json!("oci-layout:no/such"), &json!("not-found"))
    );
}

#[test]
fn an_explanation() {
    let reference = format!("{DEMO}:1.2.3");
    let arguments = ["resolve", &reference, "--platform", "linux/arm64", "--format", "json", "--explain"];
    let ran = refkit(arguments);
    let explain = &ran.json()["explain"];
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    assert_eq!(explain["policies"].as_array().unwrap().len(), 1);
    assert_eq!(explain["spans"][0]["kind"], "policy");
    let calls = explain["limits"].as_array().unwrap().iter().find(|limit| limit["name"] == "calls").unwrap();
    assert_eq!((calls["limit"].as_u64(), calls["used"].as_u64().is_some_and(|used| used > 0)), (Some(1000), true));
    let verdicts = explain["candidates"].as_array().unwrap().iter().map(|candidate| &candidate["verdict"]);
    assert_eq!(verdicts.filter(|verdict| **verdict == "taken").count(), 1);
}
