//! The policies that an image ships, and the files of its layer.

use std::path::Path;

use bytes::Bytes;

use super::program::Program;
use super::{DEFAULT_CODE, POLICIES, PROGRAM};
use crate::layer::File;

/// The most characters of a file's name that are kept.
const NAME_LIMIT: usize = 60;

/// A policy's files in an image.
#[derive(Debug, Clone)]
pub struct PolicyFiles {
    /// The policy's path without `.wasm`, as [`stem`] returns it.
    pub stem: String,
    /// The component.
    pub component: Bytes,
    /// The component's code, compiled ahead of time; `None` if there is no compiler for the platform.
    pub code: Option<Bytes>,
}

/// Returns the path of a policy in an image, without `.wasm`: its position in the chain, and the portable characters
/// of its file's name.
pub fn stem(place: usize, file: &Path) -> String {
    format!("{POLICIES}/{place:02}-{}", name(file))
}

/// Returns the path of the component with a [`stem`].
pub fn component_path(stem: &str) -> String {
    format!("{stem}.wasm")
}

/// Returns the path at which the program looks for the code of the component at a path.
pub fn code_path(component: &str) -> String {
    Path::new(component).with_extension("cwasm").display().to_string()
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".wasm").unwrap_or(&name);
    let plain =
        |character: char| if character.is_ascii_alphanumeric() || "._-".contains(character) { character } else { '-' };
    let name: String = name.chars().map(plain).take(NAME_LIMIT).collect();
    if name.is_empty() { "policy".to_owned() } else { name }
}

/// Returns the files of the layer for a program. The program contains the default policy's component, so its code is
/// all that the layer has of it.
pub fn files(program: &Program, default_code: Option<Bytes>, policies: Vec<PolicyFiles>) -> Vec<File> {
    let read_only = |path: String, content: Bytes| File { path, mode: 0o444, content };
    let mut files = vec![File { path: PROGRAM.to_owned(), mode: 0o755, content: program.bytes.clone() }];
    files.extend(default_code.map(|code| read_only(DEFAULT_CODE.to_owned(), code)));
    for PolicyFiles { stem, component, code } in policies {
        let path = component_path(&stem);
        files.extend(code.map(|code| read_only(code_path(&path), code)));
        files.push(read_only(path, component));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        let long = "x".repeat(300) + ".wasm";
        for (path, wanted) in [
            ("a/b/allow-list.wasm", "allow-list"),
            ("allow list é.wasm", "allow-list--"),
            (".wasm", "policy"),
            ("..", "policy"),
            ("policy.cwasm", "policy.cwasm"),
            ("UPPER_1.2.wasm", "UPPER_1.2"),
            (&long, &"x".repeat(NAME_LIMIT)),
        ] {
            assert_eq!(name(Path::new(path)), wanted);
        }
    }

    #[test]
    fn code_lies_beside_its_component() {
        for file in ["allow-list.wasm", "redirect.v2", "..", "x.cwasm"] {
            let stem = stem(7, Path::new(file));
            assert!(stem.starts_with("/refkit/policies/07-"), "{stem}");
            assert_eq!(code_path(&component_path(&stem)), format!("{stem}.cwasm"));
        }
    }
}
