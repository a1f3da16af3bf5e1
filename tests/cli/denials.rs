//! Denials by policies: exit code 3, with the policy, the rule and the reason.

use crate::run::{DEMO, policy, refkit};

#[test]
fn a_reference_is_refused() {
    let allow_list = policy("allow-list");
    let reference = format!("{DEMO}:1.2.3");
    let arguments = |allow: &'static str| ["resolve", &reference, "--policy", &allow_list, "--set", allow];
    insta::assert_snapshot!(refkit(arguments("allow=docker.io/**")).all(), @r"
    exit 3
    --- stdout
    --- stderr
    denied: oci-layout:tests/fixtures/demo:1.2.3 by policy allow-list (rule allow-list): oci-layout/demo:1.2.3 matches none of the allowed patterns: docker.io/**
    ");
    assert_eq!(refkit(arguments("allow=docker.io/**,oci-layout/demo")).code, 0);
}

#[test]
fn every_level_of_a_refused_reference_is_refused() {
    let allow_list = policy("allow-list");
    let reference = format!("{DEMO}:1.2.3");
    for level in ["--raw", "--index", "--manifest", "--config", "--layers"] {
        let ran = refkit(["inspect", &reference, level, "--policy", &allow_list, "--set", "allow=docker.io/**"]);
        assert!(ran.code == 3 && ran.stdout.is_empty() && ran.stderr.starts_with("denied: "), "{level}: {}", ran.all());
    }
}

#[test]
fn images_are_refused_for_a_label() {
    let require_label = policy("require-label");
    let ask = |more: &[&str]| {
        let policy = ["--policy", &require_label, "--set", "label=example.team"];
        refkit(more.iter().copied().chain(policy))
    };
    let (labelled, unlabelled) = (format!("{DEMO}:1.2.3"), format!("{DEMO}:unlabelled"));
    assert_eq!(ask(&["resolve", &labelled, "--platform", "linux/arm64"]).code, 0);
    insta::assert_snapshot!(ask(&["resolve", &unlabelled]).all(), @r"
    exit 3
    --- stdout
    --- stderr
    denied: oci-layout:tests/fixtures/demo:unlabelled by policy require-label (rule require-label): sha256:7112f42855829a7dcd5d6034ba4591dc118d4002316e3308e3b2c347e559906b has no label or annotation example.team
    ");
    insta::assert_snapshot!(ask(&["resolve", &unlabelled, "--platform", "linux/arm64"]).all(), @r"
    exit 3
    --- stdout
    --- stderr
    denied: oci-layout:tests/fixtures/demo:unlabelled (linux/arm64, sha256:b23712b394a81e2f8741f6a7c20c5a2e214f8ea55f6752f5d7c407daaa6b56e4) by policy require-label (rule require-label): sha256:b23712b394a81e2f8741f6a7c20c5a2e214f8ea55f6752f5d7c407daaa6b56e4 has no label or annotation example.team
    ");
    insta::assert_snapshot!(ask(&["inspect", &unlabelled]).all(), @r"
    exit 3
    --- stdout
    reference   oci-layout:tests/fixtures/demo:unlabelled
    digest      sha256:b71f97034932fd6185483b14c6d8b18704c118a000fe4c3c294a1d0352c58967
    media type  application/vnd.oci.image.index.v1+json
    size        491 B

    index
    ├─ linux/amd64  sha256:7112f42855829a7dcd5d6034ba4591dc118d4002316e3308e3b2c347e559906b  denied by require-label
    └─ linux/arm64  sha256:b23712b394a81e2f8741f6a7c20c5a2e214f8ea55f6752f5d7c407daaa6b56e4  denied by require-label
    --- stderr
    denied: oci-layout:tests/fixtures/demo:unlabelled (linux/amd64, sha256:7112f42855829a7dcd5d6034ba4591dc118d4002316e3308e3b2c347e559906b) by policy require-label (rule require-label): sha256:7112f42855829a7dcd5d6034ba4591dc118d4002316e3308e3b2c347e559906b has no label or annotation example.team
    denied: oci-layout:tests/fixtures/demo:unlabelled (linux/arm64, sha256:b23712b394a81e2f8741f6a7c20c5a2e214f8ea55f6752f5d7c407daaa6b56e4) by policy require-label (rule require-label): sha256:b23712b394a81e2f8741f6a7c20c5a2e214f8ea55f6752f5d7c407daaa6b56e4 has no label or annotation example.team
    ");
    for level in ["--raw", "--index", "--manifest", "--config"] {
        let ran = ask(&["inspect", &unlabelled, level, "--platform", "linux/arm64"]);
        assert!(ran.code == 3 && ran.stdout.is_empty(), "{level}: {}", ran.all());
    }
}

/// A policy before the refusing one cannot evade the refusal, whatever it returns.
#[test]
fn a_refusal_stays() {
    let directory = tempfile::tempdir().unwrap();
    let evader = directory.path().join("evader.wasm");
    std::fs::write(&evader, refkit_tests::components::EVADER).unwrap();
    let (evader, allow_list) = (evader.display().to_string(), policy("allow-list"));
    let reference = format!("{DEMO}:1.2.3");
    for mode in ["own", "own-digest", "own-child"] {
        let (mode, chain) = (format!("mode={mode}"), ["--policy", &evader, "--policy", &allow_list]);
        let settings = ["--set", &mode, "--set", "allow=docker.io/**"];
        let ran = refkit(["resolve", &reference].into_iter().chain(chain).chain(settings));
        assert!(ran.code == 1 && ran.stdout.is_empty(), "{mode}: {}", ran.all());
        assert!(ran.stderr.contains("which the rest of the chain refused"), "{mode}: {}", ran.all());
    }
}
