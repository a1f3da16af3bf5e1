//! The lints that each crate has to enable itself. `clippy.toml` and the table of lints in `Cargo.toml` have the
//! others.

use crate::metadata::Metadata;

/// The text in every crate's manifest.
const LINTS: &str = "[lints]\nworkspace = true\n";

/// The attribute at the top of every library and program, with a condition if only one target needs unsafe code.
const SAFE: &str = "forbid(unsafe_code)";

/// Crates that cannot forbid unsafe code, and why.
const UNSAFE: [(&str, &str); 4] = [
    ("host/sandbox", "it maps compiled code and runs it"),
    ("guest/sdk", "the generated bindings are unsafe code"),
    ("guest/publishing", "the generated bindings are unsafe code"),
    ("guest/examples/", "export! expands to unsafe code"),
];

/// The other lints at the top of every library: it must not panic on any input, and it does not print. A test may do
/// both.
const CALM: &str =
    "cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))";

/// Returns the violations, a sentence each.
fn broken(metadata: &Metadata) -> Vec<String> {
    let mut broken = Vec::new();
    let mut want = |path: &str, attribute: &str| {
        let text = metadata.read(path);
        if !text.lines().any(|line| line.starts_with("#![") && line.contains(attribute)) {
            broken.push(format!("{path} lacks #![{attribute}]"));
        }
    };
    for (directory, package) in metadata.crates() {
        // The guests of the tests misbehave.
        if directory.starts_with("tests/guests/") {
            continue;
        }
        let libraries = metadata.sources(package, &["lib", "rlib"]);
        for path in libraries.iter().copied().chain(metadata.sources(package, &["bin"])) {
            if !UNSAFE.iter().any(|(crates, _)| directory.starts_with(crates)) {
                want(path, SAFE);
            }
        }
        // Authors of policies read the examples, and a panic in their components is a trap.
        if directory.starts_with("tests") || directory.starts_with("guest/examples/") {
            continue;
        }
        for path in libraries {
            want(path, CALM);
        }
    }
    broken
}

/// Returns the manifests without the lints of the workspace.
fn without_lints(metadata: &Metadata) -> Vec<String> {
    let manifests = metadata.crates().into_iter().map(|(directory, _)| format!("{directory}/Cargo.toml"));
    manifests.filter(|manifest| !metadata.read(manifest).contains(LINTS)).collect()
}

#[test]
fn crates_switch_their_lints_on() {
    let broken = broken(&Metadata::of_this_workspace());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn crates_take_the_lints_of_the_workspace() {
    let without = without_lints(&Metadata::of_this_workspace());
    assert!(without.is_empty(), "write [lints] workspace = true in {}", without.join(", "));
}
