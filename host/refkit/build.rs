//! Builds the default policy, encodes it as a component, and compiles that for the target, so that the command does
//! not compile anything when it starts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("cargo sets {name}"));
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest.ancestors().nth(2).context("host/refkit stands in the workspace")?;
    let component = refkit_componentize::build(workspace, &["refkit-default"])?.remove(0);
    let code = refkit_sandbox::Engine::precompile_for(&variable("TARGET")?, &component)?;
    let out = variable("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("default.wasm"), component)?;
    std::fs::write(Path::new(&out).join("default.cwasm"), code)?;
    print!("{}", refkit_componentize::rerun_if_changed(workspace, &["guest/default"]));
    Ok(())
}
