//! Builds every guest that the tests run: the project's policies, and all of `guests/`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The project's policies: package, constant.
const POLICIES: [(&str, &str); 8] = [
    ("refkit-default", "DEFAULT"),
    ("policy-allow-list", "ALLOW_LIST"),
    ("policy-require-label", "REQUIRE_LABEL"),
    ("policy-redirect", "REDIRECT"),
    ("policy-newest-tag", "NEWEST_TAG"),
    ("refkit-publish", "PUBLISH"),
    ("policy-require-annotations", "REQUIRE_ANNOTATIONS"),
    ("policy-immutable-tags", "IMMUTABLE_TAGS"),
];

fn main() -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("cargo sets {name}"));
    let tests = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = tests.parent().context("tests/ stands in the workspace")?;
    let guests = guests(&tests.join("guests"))?;
    let packages: Vec<String> = guests.iter().map(|guest| format!("guest-{guest}")).collect();
    let constants: Vec<String> = guests.iter().map(|guest| guest.to_uppercase().replace('-', "_")).collect();

    let names: Vec<&str> =
        POLICIES.iter().map(|(package, _)| *package).chain(packages.iter().map(String::as_str)).collect();
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut source = String::new();
    let constants = POLICIES.iter().map(|(_, constant)| *constant).chain(constants.iter().map(String::as_str));
    for ((package, constant), component) in
        names.iter().zip(constants).zip(refkit_componentize::build(workspace, &names)?)
    {
        let path = out.join(format!("{package}.wasm"));
        std::fs::write(&path, component)?;
        writeln!(source, "/// The component of the package {package}.")?;
        writeln!(source, "pub const {constant}: &[u8] = include_bytes!({:?});", path.display().to_string())?;
    }
    // A guest without a test does not compile: the file has to have a module with the name of each guest.
    let modules: String = guests.iter().map(|guest| format!("use self::{} as _;", guest.replace('-', "_"))).collect();
    writeln!(source, "/// Names a module for each component of `guests/`.")?;
    writeln!(source, "#[macro_export]\nmacro_rules! each_guest_has_a_test {{ () => {{ {modules} }}; }}")?;
    std::fs::write(out.join("components.rs"), source)?;
    print!("{}", refkit_componentize::rerun_if_changed(workspace, &["guest", "tests/guests"]));
    Ok(())
}

fn guests(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
