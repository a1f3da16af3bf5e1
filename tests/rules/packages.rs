//! Which packages of registries a crate may use.

use crate::metadata::{Kind, Metadata};

/// Packages, the crates that may use them, and why no other crate may.
type Row = (&'static [&'static str], &'static [&'static str], &'static str);

/// Tests may use all of these but wasmtime.
const OWNERS: &[Row] = &[
    (&["wasmtime"], &["host/sandbox"], "the sandbox knows wasmtime, and its callers know the sandbox"),
    (&["clap"], &["host/cli", "host/frontend", "host/server"], "only programs parse arguments"),
    (&["mimalloc"], &["host/cli", "host/frontend", "host/server"], "a program chooses its allocator"),
    (&["reqwest", "rustls"], &["host/registry", "host/server"], "in a build, BuildKit is the network"),
    (&["tonic", "prost"], &["host/buildkit", "host/frontend", "host/server"], "only these speak gRPC"),
    (
        &["anyhow"],
        &["host/cli", "host/frontend", "host/server", "host/componentize"],
        "an error of a library has a type that its callers can match",
    ),
];

fn broken(metadata: &Metadata) -> Vec<String> {
    let mut broken = Vec::new();
    for (directory, package) in metadata.crates() {
        for dependency in package.outside() {
            let owned = OWNERS.iter().find(|(packages, _, _)| packages.contains(&&*dependency.name));
            let Some((packages, owners, reason)) = owned else { continue };
            // A build script is a program.
            let of_tests = directory.starts_with("tests") || dependency.kind != Kind::Normal;
            if !owners.contains(&directory) && (packages.contains(&"wasmtime") || !of_tests) {
                broken.push(format!("{directory} may not use {}: {reason}", dependency.name));
            }
        }
    }
    broken
}

#[test]
fn packages_stay_with_their_crates() {
    let broken = broken(&Metadata::of_this_workspace());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The rules find a violation.
#[test]
fn a_wrong_package_is_found() {
    let cases = [
        ("host/sandbox", "wasmtime", "null", true),
        ("host/refkit", "wasmtime", "null", false),
        ("tests", "wasmtime", "null", false),
        ("host/registry", "anyhow", "null", false),
        ("host/refkit", "anyhow", "\"build\"", true),
        ("host/frontend", "reqwest", "null", false),
        ("host/content", "serde", "null", true),
    ];
    for (directory, name, kind, allowed) in cases {
        let text = format!(
            r#"{{"workspace_root":"/r","packages":[{{"manifest_path":"/r/{directory}/Cargo.toml",
                "dependencies":[{{"name":"{name}","kind":{kind},"path":null}}]}}]}}"#
        );
        let found = broken(&serde_json::from_str(&text).expect("it is JSON"));
        assert_eq!(found.is_empty(), allowed, "{directory} {name}: {found:?}");
    }
}
