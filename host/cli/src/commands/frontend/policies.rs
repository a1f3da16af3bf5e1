//! The policies that an image ships.

use std::path::Path;

use bytes::Bytes;
use refkit::settings::Assignment;
use refkit::{Chain, ChainError, Description, Engine, LoadError, Policy, Shipped};
use refkit_images::frontend::policy::{self, PolicyFiles};
use refkit_images::frontend::{Listed, POLICIES_LIMIT, Program};
use refkit_images::layer::Layer;

use super::FrontendImage;
use crate::error::CommandError;
use crate::{compiler, policies as chain};

/// A policy that an image is going to ship.
pub struct Packed {
    /// The policy's path in the image without `.wasm`.
    stem: String,
    component: Bytes,
    policy: Policy,
}

/// Loads the policies as the program in the image will, and checks their settings by the same rule.
///
/// # Errors
/// A usage error for a setting that is missing, or that no policy has; a failure for a file that is no policy.
pub async fn load(engine: &Engine, arguments: &FrontendImage) -> anyhow::Result<Vec<Packed>> {
    if arguments.policies.len() > POLICIES_LIMIT {
        return Err(CommandError::usage(format_args!("an image ships at most {POLICIES_LIMIT} policies")).into());
    }
    let mut packed = Vec::new();
    for (place, path) in arguments.policies.iter().enumerate() {
        let component = Bytes::from(chain::read(path)?);
        let loaded = compiler::load(engine, path, component.clone()).await?;
        packed.push(Packed { stem: policy::stem(place, path), component, policy: loaded });
    }
    let all = packed.iter().map(|one| one.policy.clone());
    check_settings(engine, all, &arguments.settings).await.map_err(chain::refused)?;
    Ok(packed)
}

/// Checks settings against the policies that they are for, the default policy among them.
///
/// # Errors
/// The error of a setting that is missing, of one that no policy has, and of one that more than one has.
pub async fn check_settings(
    engine: &Engine,
    policies: impl Iterator<Item = Policy>,
    settings: &[Assignment],
) -> Result<(), ChainError> {
    Chain::of_policies(engine, policies.collect(), chain::default_code(), settings).await.map(drop)
}

impl Packed {
    /// Returns the component's path in the image.
    pub fn path(&self) -> String {
        policy::component_path(&self.stem)
    }

    /// Returns the policy's entry in the label.
    pub fn listed(&self) -> Listed {
        let Description { name, version, .. } = self.policy.description().clone();
        Listed { path: self.path(), digest: self.policy.digest().to_string(), name, version }
    }

    /// Returns the interfaces that the policy imports.
    pub fn imports(&self) -> &[String] {
        self.policy.imports()
    }
}

/// Returns the layer for a program, and whether the policies in it are compiled ahead of time. If there is no compiler
/// for the platform, every start of the program compiles them.
///
/// # Errors
/// A failure for a policy whose compilation meets a limit.
pub async fn layer(engine: &Engine, policies: &[Packed], program: &Program) -> anyhow::Result<(Layer, bool)> {
    // The program contains the default policy's component.
    let default = code(engine, program, &Bytes::from_static(refkit::DEFAULT_COMPONENT), "default").await?;
    let mut compiled = default.is_some();
    let mut files = Vec::with_capacity(policies.len());
    for Packed { stem, component, policy } in policies {
        let code = code(engine, program, component, &policy.description().name).await?;
        compiled &= code.is_some();
        files.push(PolicyFiles { stem: stem.clone(), component: component.clone(), code });
    }
    Ok((Layer::new(&policy::files(program, default, files))?, compiled))
}

/// Returns the code of a component for a program's machine; `None` if there is no compiler for it.
async fn code(engine: &Engine, program: &Program, component: &Bytes, name: &str) -> anyhow::Result<Option<Bytes>> {
    let what = format!("{name} for {}", program.machine.platform());
    match compiler::waiting(&what, engine.precompile(program.machine.triple, component.clone())).await {
        Ok(code) => Ok(Some(Bytes::from(Shipped::encode(component, &code)))),
        Err(LoadError::Target { .. }) => Ok(None),
        Err(error) => Err(compiler::refused(Path::new(name), &error).into()),
    }
}
