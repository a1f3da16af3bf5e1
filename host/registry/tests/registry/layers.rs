//! The layers of the crate: a module names only its own and lower modules, so that the modules form no cycle.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules, the lowest first.
const LAYERS: [&str; 12] = [
    "text",
    "credentials",
    "hosts",
    "docker",
    "endpoint",
    "http",
    "retry",
    "redirect",
    "auth",
    "client",
    "push",
    "fuzzing",
];

/// Returns a line without its comment: documentation may link to higher layers.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Returns the module that a path in the crate begins with, such as `http` of `crate::http::limiter`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.split("crate::").skip(1).map(move |rest| &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())])
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn a_module_names_no_higher_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rank = |module: &str| LAYERS.iter().position(|layer| *layer == module);
    let mut all = Vec::new();
    files(&root, &mut all);
    let (mut checked, mut wrong) = (0, Vec::new());
    for file in all {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.iter().next().unwrap().to_str().unwrap();
        let module = first.strip_suffix(".rs").unwrap_or(first);
        if module == "lib" {
            continue;
        }
        let own = rank(module).unwrap_or_else(|| panic!("{module} is not in the list of layers"));
        for line in fs::read_to_string(&file).unwrap().lines() {
            for name in named(code(line)) {
                let layer = rank(name).unwrap_or_else(|| panic!("{}: {line}", relative.display()));
                checked += 1;
                if layer > own {
                    wrong.push(format!("{} names {name}", relative.display()));
                }
            }
        }
    }
    assert!(checked > 100, "only {checked} names were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
