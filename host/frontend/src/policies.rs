//! The policies of a build: those in the image, and one that the build brings, where the image's maker allows it.

use std::path::Path;

use refkit::settings::{Assignment, DistributeError};
use refkit::{
    Budget, Chain, ChainError, Compiler, CompilerProcess, Component, Components, Engine, EngineOptions, Grants, Shipped,
};
use refkit_buildkit::BuildkitSource;

use crate::arguments::{Allowed, Arguments};
use crate::artifact;
use crate::chain::BuildChain;
use crate::environment::Environment;

/// The build argument with the policy that a build brings.
const BUILD_ARGUMENT: &str = "REFKIT_POLICY";

/// The named context with the policy that a build brings.
const CONTEXT: &str = "refkit-policy";

/// The build argument with the settings of that policy: `NAME=VALUE`, separated by commas.
const SETTINGS: &str = "REFKIT_SET";

/// The most runs of policies at once: enough for chains of three, with as many images as a large build resolves at a time.
const RUNS: u32 = 96;

/// Why a build has no chain. The text is one line, for the client or the maker of the image.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    /// The sandbox cannot start.
    #[error(transparent)]
    Engine(#[from] refkit::EngineError),
    /// A file cannot be read.
    #[error("cannot read the policy {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A component is no policy, or a setting is missing or belongs to no policy.
    #[error("{0}{hint}", hint = hint(.0))]
    Chain(#[from] ChainError),
    /// The build argument with the settings is malformed.
    #[error("--build-arg {SETTINGS}: {0}")]
    Assignment(&'static str),
    /// The build brings a policy, and the image does not allow that.
    #[error(
        "the build brings a policy by {by}, but this frontend's image allows only its own; its maker can change that \
         with --allow-policy {flag}"
    )]
    NotAllowed {
        /// The option by which the build brings it.
        by: &'static str,
        /// The value of `--allow-policy` that allows it.
        flag: &'static str,
    },
    /// The policy that the build brings cannot be read.
    #[error("the policy that the build brings by {by}: {reason}")]
    Brought {
        /// The option by which the build brings it.
        by: &'static str,
        /// Why it cannot be read.
        reason: String,
    },
}

/// Returns the advice for an error, as the end of its message.
fn hint(error: &ChainError) -> String {
    match error {
        ChainError::Setting(error @ (DistributeError::Unknown { .. } | DistributeError::Ambiguous { .. })) => {
            format!("; {}", error.hint())
        }
        _ => String::new(),
    }
}

/// Returns the chain of a build: the image's policies in their order, the build's own, the default one.
///
/// # Errors
/// [`PoliciesError`], for the first policy that cannot be used, or that the build may not bring.
pub async fn chain(
    arguments: &Arguments,
    environment: &Environment,
    source: &BuildkitSource,
) -> Result<BuildChain, PoliciesError> {
    let brought = brought(arguments, environment)?;
    let compiler = Compiler::Process(CompilerProcess::this_program());
    let engine = Engine::new(EngineOptions { runs: RUNS, compiler, ..EngineOptions::default() })?;
    let program = std::env::current_exe().unwrap_or_default();
    let mut components = Components::none().default_code(refkit::default_code_beside(&program));
    for path in &arguments.policies {
        components = components.policy(component(path)?);
    }
    if let Some((by, name)) = brought {
        let failed = |reason: String| PoliciesError::Brought { by, reason };
        let bytes = artifact::fetch(source, name, environment).await.map_err(|error| failed(error.to_string()))?;
        components = components.policy(Component::new(name, bytes).with_settings(settings(environment)?));
    }
    Ok(BuildChain {
        chain: Chain::load(&engine, components, &arguments.settings).await?,
        grants: Grants::new(arguments.grants.iter().cloned()),
        budget: Budget::default(),
    })
}

/// Returns the component in a file, with the code that the image ships beside it: the image is as trusted as this
/// program, which it ships as well.
fn component(path: &Path) -> Result<Component, PoliciesError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| PoliciesError::Read { path: name.clone(), source })?;
    Ok(Component::new(name, bytes).with_code(Shipped::beside_program(path)))
}

/// Returns how the build brings a policy, and which.
fn brought<'a>(
    arguments: &Arguments,
    environment: &'a Environment,
) -> Result<Option<(&'static str, &'a str)>, PoliciesError> {
    let ways = [
        (environment.build_argument(BUILD_ARGUMENT), Allowed::BuildArg, "--build-arg REFKIT_POLICY", "build-arg"),
        (environment.context(CONTEXT), Allowed::Context, "the named context refkit-policy", "context"),
    ];
    let mut found = None;
    for (name, allowed, by, flag) in ways {
        let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
        if !arguments.allowed.contains(&allowed) {
            return Err(PoliciesError::NotAllowed { by, flag });
        }
        if found.is_some() {
            let reason = "there is one by --build-arg REFKIT_POLICY as well; leave one of them out".to_owned();
            return Err(PoliciesError::Brought { by, reason });
        }
        found = Some((by, name));
    }
    Ok(found)
}

fn settings(environment: &Environment) -> Result<Vec<Assignment>, PoliciesError> {
    let text = environment.build_argument(SETTINGS).unwrap_or_default();
    let assignments = text.split(',').filter(|part| !part.is_empty()).map(str::parse);
    assignments.collect::<Result<_, _>>().map_err(PoliciesError::Assignment)
}
