//! Builds the default policy and encodes it as a component.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("cargo sets {name}"));
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest.ancestors().nth(2).context("host/refkit stands in the workspace")?;
    let component = refkit_componentize::build(workspace, &["refkit-default"])?.remove(0);
    let out = variable("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("default.wasm"), component)?;
    print!("{}", refkit_componentize::rerun_if_changed(workspace, &["guest/default"]));
    Ok(())
}
