//! Policies that refuse: exit code 3, and who, by which rule, and why.

use refkit_support::FaultRegistry;

use crate::places::fill;
use crate::run::{DEMO, policy, refkit};

#[test]
fn a_reference_is_refused() {
    let allow_list = policy("allow-list");
    let reference = format!("{DEMO}:1.2.3");
    let arguments = |allow: &'static str| ["resolve", &reference, "--policy", &allow_list, "--set", allow];
    insta::assert_snapshot!(refkit(arguments("allow=docker.io/**")).all(), @"");
    assert_eq!(refkit(arguments("allow=docker.io/**,oci-layout/demo")).code, 0);
    // Refused before anything was asked of the registry.
    let registry = FaultRegistry::start().unwrap();
    let image = format!("{}/demo/app:1.0.0", registry.host());
    let ran = refkit(["inspect", &image, "--policy", &allow_list, "--set", "allow=docker.io/**"]);
    assert_eq!((ran.code, ran.text(), registry.count("*")), (3, "", 0), "{}", ran.all());
}

#[test]
fn every_level_is_refused_where_the_reference_is() {
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
    insta::assert_snapshot!(ask(&["resolve", &unlabelled]).all(), @"");
    insta::assert_snapshot!(ask(&["resolve", &unlabelled, "--platform", "linux/arm64"]).all(), @"");
    insta::assert_snapshot!(ask(&["inspect", &unlabelled]).all(), @"");
    for level in ["--raw", "--index", "--manifest", "--config"] {
        let ran = ask(&["inspect", &unlabelled, level, "--platform", "linux/arm64"]);
        assert!(ran.code == 3 && ran.stdout.is_empty(), "{level}: {}", ran.all());
    }
}

#[test]
fn a_grant_opens_another_repository() {
    let redirect = policy("redirect");
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.0.0"]);
    let (host, image) = (registry.host(), "mirrored.example/demo/app:1.0.0");
    let to = format!("to={host}");
    let arguments = ["resolve", image, "--policy", &redirect, "--set", "from=mirrored.example", "--set", &to];
    let ran = refkit(arguments);
    assert!(ran.code == 1 && ran.stderr.contains("--grant"), "{}", ran.all());
    assert_eq!(registry.count("*"), 0);
    let grant = format!("{host}/demo/*");
    let ran = refkit(arguments.into_iter().chain(["--grant", &grant]));
    let pinned = format!("{host}/demo/app:1.0.0@{}", crate::places::demo_image("1.0.0").digest());
    assert_eq!(ran.line(), pinned);
}
