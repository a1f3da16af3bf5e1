//! The policies of a build: those in the image, and one that the build brings, where the image's maker lets it.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use refkit::settings::{Assignment, distribute};
use refkit::{Budget, Compiler, CompilerProcess, Engine, EngineOptions, Grants, Link, Policy, Shipped};
use refkit_buildkit::BuildkitSource;

use crate::arguments::{Allowed, Arguments};
use crate::artifact;
use crate::chain::Chain;
use crate::environment::Environment;

/// The build argument and the named context that a build brings a policy by.
const BUILD_ARGUMENT: &str = "REFKIT_POLICY";
const CONTEXT: &str = "refkit-policy";

/// The build argument with the settings of such a policy: `NAME=VALUE`, several with commas between them.
const SETTINGS: &str = "REFKIT_SET";

/// How many runs of policies there may be at once: as many images as a large build has in one go, chains of three.
const RUNS: u32 = 96;

/// Why there is no chain: one line for whoever builds, or made the image.
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
        /// What the system says.
        source: std::io::Error,
    },
    /// A component is no policy.
    #[error("cannot use the policy {name}: {source}")]
    Load {
        /// The file, or what the build named.
        name: String,
        /// Why.
        source: refkit::LoadError,
    },
    /// A setting that no policy has, or more than one.
    #[error("{0}; {hint}", hint = .0.hint())]
    Setting(#[from] refkit::settings::DistributeError),
    /// A setting that is missing.
    #[error(transparent)]
    Missing(#[from] refkit::SettingsError),
    /// A setting of the build that is none.
    #[error("--build-arg {SETTINGS}: {0}")]
    Assignment(&'static str),
    /// The build brings a policy that it may not.
    #[error(
        "the build brings a policy by {by}, but this frontend's image allows only its own; its maker can change that \
         with --allow-policy {flag}"
    )]
    NotAllowed {
        /// How it does.
        by: &'static str,
        /// What the maker would have to write.
        flag: &'static str,
    },
    /// What the build brings cannot be had.
    #[error("the policy that the build brings by {by}: {reason}")]
    Brought {
        /// How it does.
        by: &'static str,
        /// Why not.
        reason: String,
    },
}

/// Returns the chain of a build: the image's policies in their order, the build's own, the default one.
///
/// # Errors
/// When one of them cannot be used, or may not be brought.
pub async fn chain(
    arguments: &Arguments,
    environment: &Environment,
    source: &BuildkitSource,
) -> Result<Chain, PoliciesError> {
    let brought = brought(arguments, environment)?;
    let compiler = Compiler::Process(CompilerProcess::this_program());
    let engine = Engine::new(EngineOptions { runs: RUNS, compiler, ..EngineOptions::default() })?;
    let mut own = Vec::new();
    for path in &arguments.policies {
        own.push(load(&engine, path).await?);
    }
    let default = refkit::shipped_default_policy(&engine).await;
    own.push(default.map_err(|source| PoliciesError::Load { name: "default".to_owned(), source })?);
    let mut links = links(&own, &arguments.settings)?;
    let mut policies = own;
    if let Some((by, name)) = brought {
        let failed = |reason: String| PoliciesError::Brought { by, reason };
        let component = artifact::fetch(source, name, environment).await.map_err(|error| failed(error.to_string()))?;
        let policy = Policy::load(&engine, component).await;
        let policy = policy.map_err(|source| PoliciesError::Load { name: name.to_owned(), source })?;
        let settings = settings(environment)?;
        let link = self::links(std::slice::from_ref(&policy), &settings)?;
        let last = links.len().saturating_sub(1);
        links.splice(last..last, link);
        policies.insert(last, policy);
    }
    Ok(Chain {
        engine,
        policies,
        links,
        grants: Grants::new(arguments.grants.iter().cloned()),
        budget: Budget::default(),
    })
}

async fn load(engine: &Engine, path: &Path) -> Result<Policy, PoliciesError> {
    let name = path.display().to_string();
    let read = |path: &Path| std::fs::read(path).map(Bytes::from);
    let component = read(path).map_err(|source| PoliciesError::Read { path: name.clone(), source })?;
    // What an image ships is as trusted as this program, which it ships as well.
    let loaded = match Shipped::beside_program(path) {
        Some(code) => Policy::shipped(engine, component, &code).await,
        None => Policy::load(engine, component).await,
    };
    loaded.map_err(|source| PoliciesError::Load { name, source })
}

fn links(policies: &[Policy], settings: &[Assignment]) -> Result<Vec<Link>, PoliciesError> {
    let descriptions: Vec<_> = policies.iter().map(Policy::description).collect();
    let values: Vec<BTreeMap<String, String>> = distribute(settings, &descriptions)?;
    let links = policies.iter().zip(values).map(|(policy, values)| Link::new(policy.clone(), values));
    Ok(links.collect::<Result<_, _>>()?)
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
