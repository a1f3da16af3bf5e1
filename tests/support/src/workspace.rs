//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// Returns the directory of the workspace.
pub fn workspace_root() -> PathBuf {
    let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_directory.ancestors().nth(2).unwrap_or(crate_directory).to_owned()
}

/// Returns a file or directory under `tests/fixtures`.
pub fn fixture(path: impl AsRef<Path>) -> PathBuf {
    workspace_root().join("tests/fixtures").join(path)
}

/// Returns the `refkit` command that `make` built.
///
/// # Errors
/// Where it has not been built.
pub fn command() -> anyhow::Result<PathBuf> {
    built("target/release/refkit", "make")
}

/// Returns a policy that `make policies` left in `target/policies`, by its name without `.wasm`.
///
/// # Errors
/// Where it has not been built.
pub fn policy(name: &str) -> anyhow::Result<PathBuf> {
    built(&format!("target/policies/{name}.wasm"), "make policies")
}

fn built(path: &str, command: &str) -> anyhow::Result<PathBuf> {
    let found = workspace_root().join(path);
    if !found.is_file() {
        bail!("{path} is not there; run: {command}");
    }
    Ok(found)
}

/// Returns a program that tests need: in `target/tools/bin`, in one of the directories of a search path (`PATH`), or
/// in `/usr/bin`.
///
/// # Errors
/// Where it is in none of them.
pub fn tool(name: &str) -> anyhow::Result<PathBuf> {
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    let own = workspace_root().join("target/tools/bin");
    let places = [own].into_iter().chain(std::env::split_paths(&search_path)).chain([PathBuf::from("/usr/bin")]);
    match places.map(|directory| directory.join(name)).find(|path| path.is_file()) {
        Some(found) => Ok(found),
        None => bail!("{name} is neither in target/tools/bin nor in PATH nor in /usr/bin; run: make tools"),
    }
}
