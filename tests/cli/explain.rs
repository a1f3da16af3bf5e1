//! `--explain`.

use refkit_support::filters;

use crate::run::{DEMO, policy, refkit};

#[test]
fn a_run_is_explained() {
    let reference = format!("{DEMO}:1.2.3");
    let arguments = ["resolve", &reference, "--platform", "linux/arm64", "--explain"];
    // The digest and the memory of the default policy, and the host's memory, depend on the build.
    let build = [
        (r"(default [0-9.]+  sha256:)[0-9a-f]+", "$1[POLICY]"),
        (r"(memory of (?:a policy|the host) +)[0-9.]+ kB", "$1[SIZE]"),
    ];
    insta::assert_snapshot!(filters::filtered(&refkit(arguments).all(), &build), @r"
    exit 0
    --- stdout
    oci-layout:tests/fixtures/demo:1.2.3@sha256:37170a085dacbe9e0484383c62cfbbac36678f34fc56606445671ff32d2b16d3
    --- stderr
    policies
    └─ default 0.1.0  sha256:[POLICY]  may ask registry
    run
    └─ policy default: oci-layout/demo:1.2.3  [TIME]
       │  → resolved sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d
       └─ pull oci-layout/demo:1.2.3  [TIME]
             → sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d  4.25 kB  from tests/fixtures/demo
    candidates
    ├─ linux/amd64      sha256:f81b1570bcb3fdd37cc3d8f29690a06c2669d46669b612d6a7563df19b0ded53  passed over: its platform is not wanted
    ├─ linux/arm64      sha256:37170a085dacbe9e0484383c62cfbbac36678f34fc56606445671ff32d2b16d3  taken
    ├─ linux/arm/v7     sha256:4771a00fa5e603aca04a094330e61eef052f09df1d80827633ecf940558c229f  passed over: another suits better or stands before it
    ├─ linux/arm/v6     sha256:2cb15098adc478049d69113d3e2c5cd2cb17ee52cd26fbfd8c9addd9858f907c  passed over: another suits better or stands before it
    ├─ linux/386        sha256:0c5114b0879e40be578ac21eb999eac5db133b9a6ac53803bf15cd71fae2f936  passed over: its platform is not wanted
    ├─ linux/s390x      sha256:4265693d9d1ec3235563330066052dc95f13a35fd4b33a59c4e0a9d86f61de60  passed over: its platform is not wanted
    ├─ unknown/unknown  sha256:3314c89070d93bae7ba336b48430c2a861cc3de8c71423fd265250fd615c524e  passed over: an attestation, about another manifest
    ├─ unknown/unknown  sha256:5939ee44db677fed5fd327502a0f960f8f617765685a80bb488b8fd87ad81679  passed over: an attestation, about another manifest
    ├─ unknown/unknown  sha256:cf8252bf2cd7dd547daca78e814501bfc2307e5107ba357fe899229484b51dc5  passed over: an attestation, about another manifest
    ├─ unknown/unknown  sha256:36d29f5fa6dc2ba4396460e815f2b5f6eb2cdac508a73fac437153f73b5eb979  passed over: an attestation, about another manifest
    ├─ unknown/unknown  sha256:cf9b8610cafac4a9a0e4a5533caab0b090b88c0d38a382c4ecda152bc00ee72c  passed over: an attestation, about another manifest
    ├─ unknown/unknown  sha256:a8ab37a9eda0825b7fdbb4f890cfdcb0240e8c058556d71d70623ddf1d3b5c4c  passed over: an attestation, about another manifest
    └─ no platform      sha256:fc973e283e494e26291c29c170223f132ab8d680d90e7c1261530eade242169b  passed over: it names no platform
    limits
    ├─ calls                       1 / 1000
    ├─ bytes of all contents       4.25 kB / 268 MB
    ├─ bytes of one content        4.25 kB / 4.19 MB
    ├─ time                        [TIME] / [TIME]
    ├─ processor time of a policy  [TIME] / [TIME]
    ├─ memory of a policy          [SIZE] / 67.1 MB
    ├─ memory of the host          [SIZE] / 67.1 MB
    ├─ depth of an index           0 / 8
    └─ messages                    0 / 1000
    ");
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
fn a_denied_image_is_explained() {
    let require_label = policy("require-label");
    let reference = format!("{DEMO}:unlabelled");
    let arguments = ["resolve", &reference, "--platform", "linux/arm64", "--explain"];
    let ran = refkit(arguments.into_iter().chain(["--policy", &require_label, "--set", "label=example.team"]));
    assert_eq!(ran.code, 3);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let manifest = "sha256:b23712b394a81e2f8741f6a7c20c5a2e214f8ea55f6752f5d7c407daaa6b56e4";
    let after = |start: &str| {
        let place = lines.iter().position(|line| line.contains(start)).unwrap_or_else(|| panic!("{start}: {lines:#?}"));
        lines[place + 1]
    };
    let decided = format!(", {manifest} denied by rule require-label");
    assert!(after("policy require-label: ").ends_with(&decided), "{}", ran.stderr);
    let passed = after("policy default: ");
    assert!(passed.contains("→ resolved sha256:") && !passed.contains("denied"), "{}", ran.stderr);
    let wanted = format!(
        "{manifest}  denied by require-label (rule require-label): {manifest} has no label or annotation example.team"
    );
    assert!(lines.iter().any(|line| line.contains("linux/arm64") && line.ends_with(&wanted)), "{}", ran.stderr);
}

#[test]
fn a_failure_is_explained() {
    let ran = refkit(["resolve", &format!("{DEMO}:9.9.9"), "--explain"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("resolve oci-layout/demo:9.9.9") && ran.stderr.contains("limits"), "{}", ran.stderr);
}

#[test]
fn the_output_is_the_same_with_explain() {
    for arguments in [&["resolve", DEMO][..], &["inspect", DEMO], &["inspect", DEMO, "--raw"]] {
        let plain = refkit(arguments.iter().copied());
        let explained = refkit(arguments.iter().copied().chain(["--explain"]));
        assert_eq!(plain.stdout, explained.stdout);
        assert!(plain.stderr.is_empty() && !explained.stderr.is_empty());
    }
}
