//! The policies that an image ships.

use std::path::Path;

use bytes::Bytes;
use refkit::settings::Assignment;
use refkit::{Chain, Description, Engine, LoadError, Policy, Shipped};
use refkit_images::frontend::label::Listed;
use refkit_images::frontend::{DEFAULT_CODE, POLICIES, PROGRAM};
use refkit_images::layer::File;

use super::binary;
use crate::commands::FrontendImage;
use crate::error::CommandError;
use crate::{compiler, policies as chain};

/// How many policies an image may ship: their numbers have two digits.
pub const LIMIT: usize = 100;

/// The most characters of a file's name that are kept.
const NAME_LIMIT: usize = 60;

/// A policy on its way into an image.
pub struct Packed {
    /// Its path in the image without `.wasm`.
    stem: String,
    component: Bytes,
    policy: Policy,
}

/// Loads the policies, as the program in the image will, and checks their settings by the same rule.
///
/// # Errors
/// A usage error for settings that are missing or nobody's; a failure for a file that is no policy.
pub async fn load(engine: &Engine, arguments: &FrontendImage) -> Result<Vec<Packed>, CommandError> {
    if arguments.policies.len() > LIMIT {
        return Err(CommandError::usage(format_args!("an image ships at most {LIMIT} policies")));
    }
    let mut packed = Vec::new();
    for (place, path) in arguments.policies.iter().enumerate() {
        let component = Bytes::from(chain::read(path)?);
        let policy = compiler::load(engine, path, component.clone()).await?;
        packed.push(Packed { stem: format!("{POLICIES}/{place:02}-{}", name(path)), component, policy });
    }
    let all = packed.iter().map(|one| one.policy.clone());
    check_settings(engine, all, &arguments.settings).await?;
    Ok(packed)
}

/// Checks settings against the policies that they are for, the default policy among them.
///
/// # Errors
/// A usage error for a setting that is missing, for one that no policy has, and for one that more than one has.
pub async fn check_settings(
    engine: &Engine,
    policies: impl Iterator<Item = Policy>,
    settings: &[Assignment],
) -> Result<(), CommandError> {
    let chain = Chain::of_policies(engine, policies.collect(), chain::default_code(), settings).await;
    chain.map(drop).map_err(chain::refused)
}

/// Returns the part of a file's name that its path in the image gets: what no tool has trouble with.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".wasm").unwrap_or(&name);
    let plain =
        |character: char| if character.is_ascii_alphanumeric() || "._-".contains(character) { character } else { '-' };
    let name: String = name.chars().map(plain).take(NAME_LIMIT).collect();
    if name.is_empty() { "policy".to_owned() } else { name }
}

impl Packed {
    /// Returns its path in the image.
    pub fn path(&self) -> String {
        format!("{}.wasm", self.stem)
    }

    /// Returns what the label says of it.
    pub fn listed(&self) -> Listed {
        let Description { name, version, .. } = self.policy.description().clone();
        Listed { path: self.path(), digest: self.policy.digest().to_string(), name, version }
    }

    /// Returns which interfaces it imports.
    pub fn imports(&self) -> &[String] {
        self.policy.imports()
    }
}

/// Returns the files of the layer for a program's platform, and whether the policies are compiled for it. Where they are
/// not, because there is no compiler for it here, every start of the program compiles them.
///
/// # Errors
/// When compiling one meets a limit.
pub async fn files(
    engine: &Engine,
    policies: &[Packed],
    program: &binary::Binary,
) -> Result<(Vec<File>, bool), CommandError> {
    let mut files = vec![File { path: PROGRAM.to_owned(), mode: 0o755, content: program.bytes.clone() }];
    let mut compiled = true;
    // The default policy's component is in the program.
    match code(engine, program, &Bytes::from_static(refkit::DEFAULT_COMPONENT), "default").await? {
        Some(content) => files.push(File { path: DEFAULT_CODE.to_owned(), mode: 0o444, content }),
        None => compiled = false,
    }
    for Packed { stem, component, policy } in policies {
        match code(engine, program, component, &policy.description().name).await? {
            Some(content) => files.push(File { path: format!("{stem}.cwasm"), mode: 0o444, content }),
            None => compiled = false,
        }
        files.push(File { path: format!("{stem}.wasm"), mode: 0o444, content: component.clone() });
    }
    Ok((files, compiled))
}

/// Returns the code of a component for a program's machine; none where there is no compiler for it.
async fn code(
    engine: &Engine,
    program: &binary::Binary,
    component: &Bytes,
    name: &str,
) -> Result<Option<Bytes>, CommandError> {
    let what = format!("{name} for {}", program.machine.platform());
    match compiler::waiting(&what, engine.precompile(program.machine.triple, component.clone())).await {
        Ok(code) => Ok(Some(Bytes::from(Shipped::encode(component, &code)))),
        Err(LoadError::Target { .. }) => Ok(None),
        Err(error) => Err(compiler::refused(Path::new(name), &error)),
    }
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
}
