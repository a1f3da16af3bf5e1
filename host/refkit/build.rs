//! Builds the default policy, encodes it as a component, and computes the component's digest.

use std::path::PathBuf;

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts by the environment")]
fn main() -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("cargo sets {name}"));
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest.ancestors().nth(2).context("host/refkit stands in the workspace")?;
    let component = refkit_componentize::build(workspace, &["refkit-default"])?.remove(0);
    let out = PathBuf::from(variable("OUT_DIR")?);
    std::fs::write(out.join("default.sha256"), Sha256::digest(&component))?;
    std::fs::write(out.join("default.wasm"), component)?;
    print!("{}", refkit_componentize::rerun_if_changed(workspace, &["guest/default"]));
    Ok(())
}
