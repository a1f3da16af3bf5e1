//! Builds the default policies, encodes them as components, and computes the components' digests.

use std::path::PathBuf;

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts by the environment")]
fn main() -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("cargo sets {name}"));
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest.ancestors().nth(2).context("host/refkit stands in the workspace")?;
    let components = refkit_componentize::build(workspace, &["refkit-default", "refkit-publish"])?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    for (name, component) in ["default", "publish"].into_iter().zip(components) {
        std::fs::write(out.join(name).with_extension("sha256"), Sha256::digest(&component))?;
        std::fs::write(out.join(name).with_extension("wasm"), component)?;
    }
    let folders = ["guest/default", "guest/publish", "guest/publishing"];
    print!("{}", refkit_componentize::rerun_if_changed(workspace, &folders));
    Ok(())
}
