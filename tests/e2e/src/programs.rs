//! The programs that the builds need.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// Returns a program that `make tools-e2e` builds or installs.
///
/// # Errors
/// Where it is not there; the text says what to run.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    if let Ok(found) = refkit_support::tool(name) {
        return Ok(found);
    }
    // Where Debian has what only root runs, and not in everybody's PATH.
    let found = Path::new("/usr/sbin").join(name);
    if !found.is_file() {
        bail!("{name} is neither in target/tools/bin nor in PATH nor in /usr/bin or /usr/sbin; run: make tools-e2e");
    }
    Ok(found)
}
