//! Which crates of the workspace a crate may use: the table of ARCHITECTURE.md.

use crate::metadata::{Kind, Metadata};

/// A crate, or all crates of a directory (`guest/examples/*`), and the crates that it may use.
type Row = (&'static str, &'static [&'static str]);

/// Lower crates come first, and use only crates above their line. A row may exist before its crate.
const LAYERS: &[Row] = &[
    ("guest/oci", &[]),
    ("guest/sdk", &["guest/oci"]),
    ("guest/default", &["guest/oci", "guest/sdk"]),
    ("guest/publishing", &["guest/oci", "guest/sdk"]),
    ("guest/publish", &["guest/oci", "guest/sdk", "guest/publishing"]),
    ("guest/rego", &["guest/oci", "guest/sdk"]),
    ("guest/examples/*", &["guest/oci", "guest/sdk", "guest/publishing"]),
    ("host/componentize", &[]),
    ("host/contract", &["guest/oci"]),
    ("host/content", &["guest/oci"]),
    ("host/config", &["guest/oci"]),
    ("host/registry", &["guest/oci", "host/content", "host/config"]),
    ("host/sandbox", &["guest/oci", "host/contract"]),
    ("host/refkit", &["guest/oci", "host/contract", "host/content", "host/sandbox"]),
    ("host/images", &["guest/oci", "host/content"]),
    ("host/dockerfile", &["guest/oci"]),
    ("host/report", &["guest/oci", "host/contract", "host/content", "host/refkit"]),
    ("host/buildkit", &["guest/oci", "host/content"]),
    ("host/frontend", &["guest/oci", "host/contract", "host/content", "host/refkit", "host/report", "host/buildkit"]),
    (
        "host/server",
        &[
            "guest/oci",
            "host/contract",
            "host/content",
            "host/config",
            "host/registry",
            "host/refkit",
            "host/report",
            "host/buildkit",
        ],
    ),
    (
        "host/cli",
        &[
            "guest/oci",
            "host/contract",
            "host/content",
            "host/config",
            "host/registry",
            "host/refkit",
            "host/images",
            "host/dockerfile",
            "host/report",
            "host/buildkit",
            "host/server",
        ],
    ),
    ("tests/guests/*", &["guest/oci", "guest/sdk", "guest/publishing"]),
];

/// Crates that only tests use. They may use every crate; the crates of the table use them in their tests alone.
const OF_TESTS: &[&str] = &["tests", "tests/support", "tests/e2e", "tests/peers"];

/// The crates that a build script may use as well: they build components.
const OF_BUILDS: &[&str] = &["host/componentize"];

fn is_in(directory: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(parent) => directory.strip_prefix(parent).is_some_and(|name| !name.contains('/')),
        None => directory == pattern,
    }
}

fn row(directory: &str) -> Option<&'static Row> {
    LAYERS.iter().find(|(pattern, _)| is_in(directory, pattern))
}

/// Returns the violations, a sentence each.
fn broken(metadata: &Metadata) -> Vec<String> {
    let mut broken = Vec::new();
    for (directory, package) in metadata.crates() {
        if OF_TESTS.contains(&directory) {
            continue;
        }
        let Some((_, may_use)) = row(directory) else {
            broken.push(format!("{directory} has no row in the table of tests/rules/layers.rs and in ARCHITECTURE.md"));
            continue;
        };
        for (used, kind) in metadata.uses(package) {
            let allowed = match kind {
                Kind::Normal => may_use.contains(&used),
                Kind::Build => may_use.contains(&used) || OF_BUILDS.contains(&used),
                // A test may compare a guest with another one. The second line covers the crate's own other features.
                Kind::Dev => {
                    may_use.contains(&used)
                        || used == directory
                        || OF_TESTS.contains(&used)
                        || (directory.starts_with("guest/") && used.starts_with("guest/"))
                }
            };
            if !allowed {
                broken.push(format!("{directory} may not use {used} ({kind:?}); it may use {}", may_use.join(", ")));
            }
        }
    }
    broken
}

#[test]
fn crates_use_what_the_table_allows() {
    let broken = broken(&Metadata::of_this_workspace());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn rows_use_only_rows_above_them() {
    for (place, (pattern, may_use)) in LAYERS.iter().enumerate() {
        for used in *may_use {
            assert!(LAYERS[..place].iter().any(|(above, _)| above == used), "{used} does not stand above {pattern}");
        }
    }
}

/// The rules find a violation.
#[test]
fn a_wrong_dependency_is_found() {
    let cases = [
        ("host/registry", "host/sandbox", "null", Some("host/registry may not use host/sandbox (Normal)")),
        ("host/registry", "host/content", "null", None),
        ("host/registry", "tests/support", "null", Some("host/registry may not use tests/support (Normal)")),
        ("host/registry", "tests/support", "\"dev\"", None),
        ("host/cli", "host/sandbox", "null", Some("host/cli may not use host/sandbox (Normal)")),
        ("host/refkit", "host/componentize", "\"build\"", None),
        ("host/refkit", "host/componentize", "null", Some("host/refkit may not use host/componentize (Normal)")),
        ("guest/examples/any", "guest/default", "\"dev\"", None),
        ("guest/examples/any", "guest/default", "null", Some("guest/examples/any may not use guest/default (Normal)")),
        ("host/helpers", "guest/oci", "null", Some("host/helpers has no row")),
    ];
    for (directory, used, kind, wanted) in cases {
        let text = format!(
            r#"{{"workspace_root":"/r","packages":[{{"manifest_path":"/r/{directory}/Cargo.toml",
                "dependencies":[{{"name":"used","kind":{kind},"path":"/r/{used}"}}]}}]}}"#
        );
        let found = broken(&serde_json::from_str(&text).expect("it is JSON"));
        match wanted {
            Some(wanted) => assert!(found.len() == 1 && found[0].starts_with(wanted), "{directory} {used}: {found:?}"),
            None => assert!(found.is_empty(), "{directory} {used}: {found:?}"),
        }
    }
}
