//! `--explain`.

use crate::run::{DEMO, policy, refkit};

#[test]
fn a_run_is_explained() {
    let reference = format!("{DEMO}:1.2.3");
    let arguments = ["resolve", &reference, "--platform", "linux/arm64", "--explain"];
    insta::assert_snapshot!(refkit(arguments).all(), @"");
}

#[test]
fn a_denial_is_explained() {
    let allow_list = policy("allow-list");
    let reference = format!("{DEMO}:1.2.3");
    let ran = refkit(["inspect", &reference, "--explain", "--policy", &allow_list, "--set", "allow=docker.io/**"]);
    assert_eq!(ran.code, 3);
    for part in ["policies", "allow-list ", "policy allow-list: ", "limits", "calls  ", "0 / 1000", "denied: "] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(ran.stderr.lines().last().is_some_and(|line| line.starts_with("denied: ")), "{}", ran.stderr);
}

#[test]
fn a_failure_is_explained() {
    let ran = refkit(["resolve", &format!("{DEMO}:9.9.9"), "--explain"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("resolve oci-layout/demo:9.9.9") && ran.stderr.contains("limits"), "{}", ran.stderr);
}

#[test]
fn the_answer_is_the_same_with_it() {
    for arguments in [&["resolve", DEMO][..], &["inspect", DEMO], &["inspect", DEMO, "--raw"]] {
        let plain = refkit(arguments.iter().copied());
        let explained = refkit(arguments.iter().copied().chain(["--explain"]));
        assert_eq!(plain.stdout, explained.stdout);
        assert!(plain.stderr.is_empty() && !explained.stderr.is_empty());
    }
}
