//! The programs of the builds.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// Returns a program that `make tools-e2e` builds or installs.
///
/// # Errors
/// An error if it is absent, with the command to run.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    if let Ok(found) = refkit_support::tool(name) {
        return Ok(found);
    }
    // Debian's directory of programs for root, which not every PATH contains.
    let found = Path::new("/usr/sbin").join(name);
    if !found.is_file() {
        bail!("{name} is neither in target/tools/bin nor in PATH nor in /usr/bin or /usr/sbin; run: make tools-e2e");
    }
    Ok(found)
}
