//! The output of `cargo metadata`, as far as the rules read it.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// The crates of the workspace.
#[derive(Deserialize)]
pub struct Metadata {
    workspace_root: String,
    packages: Vec<Package>,
}

/// A crate of the workspace.
#[derive(Deserialize)]
pub struct Package {
    manifest_path: String,
    dependencies: Vec<Dependency>,
    #[serde(default)]
    targets: Vec<Target>,
}

/// A library, a program, a test, a bench or a build script.
#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: String,
}

/// A line below `[dependencies]`, `[dev-dependencies]` or `[build-dependencies]`.
#[derive(Deserialize)]
pub struct Dependency {
    /// The name of the package.
    pub name: String,
    /// The kind of the dependency.
    #[serde(default)]
    pub kind: Kind,
    path: Option<String>,
}

/// The kind of a dependency. In the metadata, a normal one has no kind.
#[derive(Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(from = "Option<String>")]
pub enum Kind {
    /// A dependency of the crate itself.
    #[default]
    Normal,
    /// A dependency of its tests.
    Dev,
    /// A dependency of its build script.
    Build,
}

impl From<Option<String>> for Kind {
    fn from(kind: Option<String>) -> Self {
        match kind.as_deref() {
            Some("dev") => Self::Dev,
            Some("build") => Self::Build,
            _ => Self::Normal,
        }
    }
}

impl Metadata {
    /// Returns the metadata of this workspace.
    pub fn of_this_workspace() -> Self {
        let cargo = option_env!("CARGO").unwrap_or("cargo");
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .output()
            .expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("cargo prints the metadata as JSON")
    }

    /// Returns the crates by their directory below the root, such as `host/registry`, in the order of the directories.
    pub fn crates(&self) -> Vec<(&str, &Package)> {
        let mut crates: Vec<_> = self
            .packages
            .iter()
            .map(|package| (self.below_root(package.manifest_path.trim_end_matches("/Cargo.toml")), package))
            .collect();
        crates.sort_by_key(|(directory, _)| *directory);
        crates
    }

    /// Returns the crates of this workspace that a crate depends on, with the kind of each.
    pub fn uses<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = (&'a str, Kind)> {
        let of_workspace = package.dependencies.iter();
        of_workspace.filter_map(|dependency| Some((self.below_root(dependency.path.as_deref()?), dependency.kind)))
    }

    /// Returns the text of a file below the root.
    pub fn read(&self, path: &str) -> String {
        let path = Path::new(&self.workspace_root).join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns the first files of a crate's targets of some kinds, such as `lib` or `bin`, as paths below the root.
    pub fn sources<'a>(&'a self, package: &'a Package, kinds: &[&str]) -> Vec<&'a str> {
        let is_wanted = |target: &&Target| target.kind.iter().any(|kind| kinds.contains(&&**kind));
        package.targets.iter().filter(is_wanted).map(|target| self.below_root(&target.src_path)).collect()
    }

    fn below_root<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(&*self.workspace_root).unwrap_or(path).trim_start_matches('/')
    }
}

impl Package {
    /// Returns the dependencies on packages of registries.
    pub fn outside(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(|dependency| dependency.path.is_none())
    }
}
