//! Builds guests of this workspace for wasm32-unknown-unknown and encodes them as components. For build scripts, and
//! for `make policies` (the binary of this crate).
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "it is a part of the build, and cargo tells it where things are")]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The one target of guests. It has no WASI, so neither has what is built for it.
const TARGET: &str = "wasm32-unknown-unknown";

/// Stack of a guest, 48 KiB: enough for the strict reader's deepest document, and small, because what a run touches has
/// to be cleared for the next one. With 16 KiB of data behind it, it fills one page of memory.
const STACK: &str = "-Clink-arg=-zstack-size=49152";

/// Variables by which cargo and its wrappers tell the outer build's settings; the inner build has its own.
const OUTER: [&str; 8] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_MAKEFLAGS",
    "RUSTDOCFLAGS",
    "CARGO_BUILD_TARGET_DIR",
];

/// Returns the components of the named packages, in their order, encoded. The workspace's guests share one target
/// directory, so that each is compiled once for all builds.
///
/// # Errors
/// When cargo or the target is not there, a package does not compile, or its module is no guest.
pub fn build(workspace: &Path, packages: &[&str]) -> Result<Vec<Vec<u8>>> {
    run(workspace, packages, &["--quiet"])?;
    packages.iter().map(|package| encode(&module(&target_dir(workspace), package))).collect()
}

/// Builds the named packages and returns cargo's messages: one JSON document a line.
///
/// # Errors
/// As [`build`].
pub fn messages(workspace: &Path, packages: &[&str]) -> Result<Vec<u8>> {
    run(workspace, packages, &["--message-format=json"])
}

fn target_dir(workspace: &Path) -> PathBuf {
    workspace.join("target").join("guests")
}

/// Runs cargo for the packages, and returns its standard output.
fn run(workspace: &Path, packages: &[&str], options: &[&str]) -> Result<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace).args(["build", "--locked", "--profile", "guest", "--target", TARGET]).args(options);
    for name in OUTER {
        command.env_remove(name);
    }
    // The same source is the same component, wherever this machine keeps the sources of crates.
    let unpacked = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let unpacked = unpacked.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let remap = unpacked.map(|home| format!("--remap-path-prefix={}=crates", home.join("registry/src").display()));
    let flags: Vec<String> = [STACK.to_owned()].into_iter().chain(remap).collect();
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).arg("--target-dir").arg(target_dir(workspace));
    for package in packages {
        command.args(["--package", package]);
    }
    let output = command.output().context("cannot start cargo for the guests")?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let advice = if errors.contains("target may not be installed") {
            format!("\nrun: rustup target add {TARGET}")
        } else {
            String::new()
        };
        bail!("the guests {} do not build:\n{errors}{advice}", packages.join(", "));
    }
    Ok(output.stdout)
}

fn module(target_dir: &Path, package: &str) -> PathBuf {
    target_dir.join(TARGET).join("guest").join(package.replace('-', "_")).with_extension("wasm")
}

/// Returns the component of a core module that was built against the contract.
///
/// # Errors
/// When it cannot be read, or its imports and exports do not fit the contract in its custom section.
pub fn encode(module: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|mut encoder| encoder.encode())
        .with_context(|| format!("{} cannot be encoded as a component", module.display()))
}

/// Returns what a build script prints so that it runs again when a guest's source changes.
pub fn rerun_if_changed(workspace: &Path, folders: &[&str]) -> String {
    let line = |folder: &&str| format!("cargo::rerun-if-changed={}\n", workspace.join(folder).display());
    ["wit", "guest/oci/src", "guest/sdk/src", "Cargo.lock", "Cargo.toml"].iter().chain(folders).map(line).collect()
}
