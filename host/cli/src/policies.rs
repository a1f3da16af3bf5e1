//! The policies that the user names: reading their files, compiling them, and the chain that they form.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use refkit::settings::{Assignment, DistributeError};
use refkit::{
    Chain, ChainError, Component, Components, Engine, EngineOptions, ErrorCode, LoadError, PublishingChain, Shipped,
};

use crate::arguments::{self, Compiling};
use crate::directories::Directories;
use crate::error::CommandError;
use crate::{caches, compiler};

/// Returns an engine for one run of chains: so many policies from files, and the default policies that end the chains. It
/// keeps compiled policies in the user's cache if there is one.
///
/// # Errors
/// The error of wasmtime if it does not support this machine.
pub fn engine(
    files: usize,
    ends: usize,
    compiling: &Compiling,
    directories: Option<&Directories>,
    notes: &mut Vec<String>,
) -> anyhow::Result<Engine> {
    // The cache is for policies from files. The code of the default policy is beside the program.
    let cache = directories.filter(|_| files > 0).and_then(|directories| {
        let opened = caches::compiled(directories);
        opened.map_err(|error| notes.push(format!("compiled policies are not kept: {error}"))).ok()
    });
    let runs = u32::try_from(files + ends).map_err(|_| CommandError::usage("too many policies"))?;
    let compiler = compiler::options(compiling);
    let options = EngineOptions { runs, pool: false, cache, compiler, ..EngineOptions::default() };
    Engine::new(options).context("cannot start the sandbox")
}

/// Returns an engine for so many runs at once of chains of so many policies, which meet their limits at the same point in
/// every run. It keeps compiled policies in the user's cache if there is one; the default policy too, because the code
/// beside the program counts time.
///
/// # Errors
/// As [`engine`].
pub fn repeatable_engine(
    runs: usize,
    files: usize,
    compiling: &Compiling,
    directories: Option<&Directories>,
    notes: &mut Vec<String>,
) -> anyhow::Result<Engine> {
    let cache = directories.and_then(|directories| {
        let opened = caches::compiled(directories);
        opened.map_err(|error| notes.push(format!("compiled policies are not kept: {error}"))).ok()
    });
    let runs = u32::try_from(runs * (files + 1)).map_err(|_| CommandError::usage("too many policies"))?;
    let compiler = compiler::options(compiling);
    let options = EngineOptions { runs, pool: false, cache, compiler, fuel: true, ..EngineOptions::default() };
    Engine::new(options).context("cannot start the sandbox")
}

/// Loads the chain of the named policies. Every chain ends in the default policy.
///
/// # Errors
/// The error of a file that cannot be read or is no policy, or a usage error about a setting.
pub async fn load(engine: &Engine, policies: &arguments::Policies) -> anyhow::Result<Chain> {
    let (components, what) = components(&policies.files)?;
    let components = components.default_code(default_code());
    Ok(compiler::waiting(&what, Chain::load(engine, components, &policies.settings)).await.map_err(refused)?)
}

/// Loads the chain of the named publishing policies, which ends in the default publisher, with more settings than the
/// command line gives.
///
/// # Errors
/// As [`load`].
pub async fn load_publishing(
    engine: &Engine,
    publishing: &arguments::Publishing,
    settings: &[Assignment],
) -> anyhow::Result<PublishingChain> {
    let (components, what) = components(&publishing.files)?;
    let code = refkit::publish_code_beside(&std::env::current_exe().unwrap_or_default());
    let settings: Vec<Assignment> = publishing.settings.iter().chain(settings).cloned().collect();
    let loading = PublishingChain::load(engine, components.default_code(code), &settings);
    Ok(compiler::waiting(&what, loading).await.map_err(|error| refused_by(error, "--publish-set"))?)
}

/// Reads policies from their files, and says what is compiled.
fn components(paths: &[PathBuf]) -> anyhow::Result<(Components, String)> {
    let mut components = Components::none();
    let mut files = Vec::new();
    for path in paths {
        let bytes = read(path)?;
        files.push(compiler::named(path, bytes.len()));
        components = components.policy(Component::new(path.display().to_string(), bytes));
    }
    Ok((components, format!("{}; the cache keeps it for the next time", files.join(", "))))
}

/// Returns the code of the default policy beside this program.
pub fn default_code() -> Option<Shipped> {
    refkit::default_code_beside(&std::env::current_exe().unwrap_or_default())
}

/// Returns the error for a chain that cannot be loaded, with a hint.
pub fn refused(error: ChainError) -> CommandError {
    refused_by(error, "--set")
}

/// Returns the error for a chain whose settings are given with an option.
fn refused_by(error: ChainError, option: &str) -> CommandError {
    match error {
        ChainError::Load { name, source } => {
            let refused = compiler::refused(Path::new(&name), &source);
            match other_world(&source) {
                Some(hint) => refused.hint(hint),
                None => refused,
            }
        }
        ChainError::Setting(DistributeError::Unknown { policies: 0 | 1, ref known, .. }) if known.is_empty() => {
            CommandError::usage(&error).hint("the default policy has no settings; name a policy with --policy FILE")
        }
        ChainError::Setting(ref setting) => CommandError::usage(&error).hint(setting.hint()),
        ChainError::Missing { ref address, .. } => {
            let hint = format!("add {option} {address}=…");
            CommandError::usage(&error).hint(hint)
        }
        other => CommandError::failed(ErrorCode::Other, other),
    }
}

/// Returns the hint for a component of the other world.
fn other_world(error: &LoadError) -> Option<&'static str> {
    let writes =
        |import: &str| ["/registry-write@", "/publishing-chain@", "/publication@"].iter().any(|of| import.contains(of));
    match error {
        LoadError::UnknownImport { import, world: "policy" } if writes(import) => {
            Some("a policy that publishes is named with --publish-policy")
        }
        LoadError::MissingExport { export, world: "publishing-policy" } if export.contains("/publisher@") => {
            Some("a policy that decides about sources is named with --policy")
        }
        _ => None,
    }
}

/// Returns the component in a file. It reads one byte more than the engine compiles, so that a larger file is refused
/// for its size and not as truncated.
///
/// # Errors
/// The error of a file that cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let limit = EngineOptions::default().max_component;
    let context = || format!("cannot read the policy {}", path.display());
    let file = File::open(path).with_context(context)?;
    // One allocation of the right size, rather than several while it grows.
    let size = file.metadata().map_or(0, |metadata| metadata.len().min(limit));
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(limit + 1).read_to_end(&mut bytes).with_context(context)?;
    Ok(bytes)
}
