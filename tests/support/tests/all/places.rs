//! Things are where they are said to be, and filters leave the rest alone.

use refkit_support::filters::{DIGESTS, filtered, usual};
use refkit_support::{command, fixture, policy, tool, workspace_root};

#[test]
fn the_workspace_is_found() {
    assert!(workspace_root().join("rust-toolchain.toml").is_file());
    assert!(fixture("vectors/references.json").is_file());
}

#[test]
fn what_is_missing_says_what_to_run() {
    let missing = |outcome: anyhow::Result<std::path::PathBuf>| outcome.unwrap_err().to_string();
    assert!(missing(tool("no-such-tool")).ends_with("run: make tools"));
    assert_eq!(
        missing(policy("no-such-policy")),
        "target/policies/no-such-policy.wasm is not there; run: make policies"
    );
    // Built or not, according to what was made before.
    match command() {
        Ok(path) => assert!(path.ends_with("target/release/refkit")),
        Err(problem) => assert_eq!(problem.to_string(), "target/release/refkit is not there; run: make"),
    }
}

#[test]
fn filters_change_what_differs_and_nothing_else() {
    let digest = "a".repeat(64);
    let rows = [
        ("127.0.0.1:40123/app:1.5", "127.0.0.1:[PORT]/app:1.5"),
        ("localhost:5000 [::1]:5000", "localhost:[PORT] [::1]:[PORT]"),
        ("registry.test:5000/app:2024", "registry.test:5000/app:2024"),
        ("12 ms, 1.5s, 450µs, 3 ns", "[TIME], [TIME], [TIME], [TIME]"),
        ("2 seconds, 3 MiB, v1.2s3, 12 months", "2 seconds, 3 MiB, v1.2s3, 12 months"),
        ("/tmp/refkit-Ab12/x/y:z", "[TEMP]/x/y:z"),
        ("oci-layout:/tmp/refkit-Ab12:latest", "oci-layout:[TEMP]:latest"),
        ("/home/user/tmp.txt", "/home/user/tmp.txt"),
    ];
    for (text, expected) in rows {
        assert_eq!(usual(text), expected, "{text}");
    }
    let text = format!("app@sha256:{digest} sha256:{}", &digest[1..]);
    assert_eq!(usual(&text), text);
    assert_eq!(filtered(&text, DIGESTS), format!("app@sha256:[DIGEST] sha256:{}", &digest[1..]));
    assert_eq!(filtered("a1b2", &[("[0-9]", "N"), ("aN", "<$0>")]), "<aN>bN");
}
