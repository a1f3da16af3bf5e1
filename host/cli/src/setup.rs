//! Makes the resolver that the arguments describe.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use refkit::{
    Chain, ChainError, Component, Components, Engine, EngineOptions, ErrorCode, Grants, Request, Resolver, Selection,
    Session, Shipped,
};
use refkit_oci::Platform;

use crate::arguments::{self, Compiling};
use crate::failure::Failure;
use crate::places::Places;
use crate::target::Target;
use crate::{cached, compiling};
use refkit::platform;
use refkit::settings::DistributeError;

/// Everything that a question needs.
pub struct Setup {
    /// What was asked about.
    pub target: Target,
    /// What a person may want to know about how it was set up.
    pub notes: Vec<String>,
    resolver: Resolver,
}

impl Setup {
    /// Returns the resolver for the arguments. Nothing is asked of a registry.
    ///
    /// # Errors
    /// A usage error, or a policy or a layout that cannot be used.
    pub async fn new(target: &arguments::Target, policies: &arguments::Policies) -> Result<Self, Failure> {
        let places = Places::of_environment();
        let no_cache = target.caching.no_cache;
        let mut target = Target::open(target, &places).await?;
        let mut notes = std::mem::take(&mut target.notes);
        let places = if no_cache { None } else { Some(&places) };
        let engine = engine(policies.files.len() + 1, &policies.compiling, places, &mut notes)?;
        let chain = load(&engine, policies).await?;
        let resolver = chain.resolver(target.source()).grants(Grants::new(policies.grants.iter().cloned()));
        Ok(Self { target, notes, resolver })
    }

    /// Returns a run of the whole chain.
    pub fn session(&self, selection: Selection, parts: refkit::Parts) -> Session {
        self.resolver.session(Request::new(self.target.reference().clone()).select(selection).with(parts))
    }
}

/// Returns the platforms as policies see them: each normalised; where none is named, this machine's on Linux.
pub fn platforms(named: &[Platform]) -> Vec<Platform> {
    if named.is_empty() {
        vec![platform::of_this_machine()]
    } else {
        named.iter().cloned().map(Platform::normalized).collect()
    }
}

/// Returns an engine for a chain of so many policies. A command runs one chain once, so that is how many places it
/// needs. Compiled policies are kept in the user's places, if there are any.
///
/// # Errors
/// When wasmtime does not support this machine.
pub fn engine(
    policies: usize,
    compiling: &Compiling,
    places: Option<&Places>,
    notes: &mut Vec<String>,
) -> Result<Engine, Failure> {
    // Only policies from outside are kept there.
    let cache = places.filter(|_| policies > 1).and_then(|places| {
        let opened = cached::compiled(places);
        opened.map_err(|failure| notes.push(format!("compiled policies are not kept: {}", failure.what()))).ok()
    });
    let runs = u32::try_from(policies).map_err(|_| Failure::usage("too many policies"))?;
    let compiler = compiling::compiler(compiling);
    let options = EngineOptions { runs, cache, compiler, ..EngineOptions::default() };
    Engine::new(options).map_err(|error| Failure::failed(ErrorCode::Other, error))
}

async fn load(engine: &Engine, policies: &arguments::Policies) -> Result<Chain, Failure> {
    let mut components = Components::none().default_code(default_code());
    let mut files = Vec::new();
    for path in &policies.files {
        let bytes = read(path)?;
        files.push(compiling::named(path, bytes.len()));
        components = components.policy(Component::new(path.display().to_string(), bytes));
    }
    let what = format!("{}; the cache keeps it for the next time", files.join(", "));
    compiling::waiting(&what, Chain::load(engine, components, &policies.settings)).await.map_err(refused)
}

/// Returns the code of the default policy that lies beside this program.
pub fn default_code() -> Option<Shipped> {
    refkit::default_code_beside(&std::env::current_exe().unwrap_or_default())
}

/// Returns the failure of a chain that cannot be loaded, with what to do about it.
pub fn refused(error: ChainError) -> Failure {
    match error {
        ChainError::Load { name, source } => compiling::refused(Path::new(&name), &source),
        ChainError::Setting(DistributeError::Unknown { policies: 0 | 1, ref known, .. }) if known.is_empty() => {
            Failure::usage(&error).hint("the default policy has no settings; name a policy with --policy FILE")
        }
        ChainError::Setting(ref setting) => Failure::usage(&error).hint(setting.hint()),
        ChainError::Missing { ref address, .. } => {
            let hint = format!("add --set {address}=…");
            Failure::usage(&error).hint(hint)
        }
        other => Failure::failed(ErrorCode::Other, other),
    }
}

/// Returns the component in a file. A little more than may be compiled is read, so that a larger file is refused for
/// its size and not for its end.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let limit = EngineOptions::default().max_component;
    let fail = |error: std::io::Error| {
        let code = if error.kind() == std::io::ErrorKind::NotFound { ErrorCode::NotFound } else { ErrorCode::Other };
        Failure::failed(code, format_args!("cannot read the policy {}: {}", path.display(), plain(&error)))
    };
    let file = File::open(path).map_err(fail)?;
    // One allocation of the right size, rather than several while it grows.
    let size = file.metadata().map_or(0, |metadata| metadata.len().min(limit));
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// Returns an error of the operating system without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}
