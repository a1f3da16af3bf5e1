//! Makes the resolver that the arguments describe.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use refkit::{
    AotCache, Engine, EngineOptions, ErrorCode, Grants, Link, LoadError, Policy, Request, Resolver, Selection, Session,
    SettingsError,
};
use refkit_oci::Platform;

use crate::arguments;
use crate::failure::Failure;
use crate::places::Places;
use crate::target::Target;
use refkit::platform;
use refkit::settings::{Assignment, DistributeError, address, distribute};

/// Everything that a question needs.
pub struct Setup {
    /// What was asked about.
    pub target: Target,
    /// The policies, outermost first, the default one last.
    pub policies: Vec<Policy>,
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
        let mut target = Target::open(target, &places).await?;
        let mut notes = std::mem::take(&mut target.notes);
        let engine = engine(policies.files.len() + 1, &places, &mut notes)?;
        let loaded = load(&engine, policies).await?;
        let resolver = Resolver::builder(engine, target.source()).grants(Grants::new(policies.grants.iter().cloned()));
        let resolver = link(&loaded, &policies.settings)?.into_iter().fold(resolver, refkit::Builder::policy).build();
        Ok(Self { target, policies: loaded, notes, resolver })
    }

    /// Returns a run of the whole chain.
    pub fn session(&self, selection: Selection, parts: refkit::Parts) -> Session {
        self.resolver.session(Request { reference: self.target.reference().clone(), selection, parts })
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
/// needs.
///
/// # Errors
/// When wasmtime does not support this machine.
pub fn engine(policies: usize, places: &Places, notes: &mut Vec<String>) -> Result<Engine, Failure> {
    let cache = places.compiled.as_ref().map(AotCache::open);
    let cache = match cache {
        // Only policies from outside are kept there.
        _ if policies == 1 => None,
        None => {
            notes.push("compiled policies are not kept: neither XDG_CACHE_HOME nor HOME names a directory".to_owned());
            None
        }
        Some(Err(error)) => {
            notes.push(format!("compiled policies are not kept: {error}"));
            None
        }
        Some(Ok(cache)) => Some(cache),
    };
    let runs = u32::try_from(policies).map_err(|_| Failure::usage("too many policies"))?;
    let options = EngineOptions { runs, cache, ..EngineOptions::default() };
    Engine::new(options).map_err(|error| Failure::failed(ErrorCode::Other, error))
}

async fn load(engine: &Engine, policies: &arguments::Policies) -> Result<Vec<Policy>, Failure> {
    let mut loaded = Vec::with_capacity(policies.files.len() + 1);
    for path in &policies.files {
        let bytes = read(path)?;
        let policy = Policy::load(engine, bytes).await.map_err(|error| refused(path, &error))?;
        loaded.push(policy);
    }
    let default = refkit::shipped_default_policy(engine).await;
    loaded.push(default.map_err(|error| Failure::failed(ErrorCode::Other, error))?);
    Ok(loaded)
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
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fail)?;
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

/// Returns what is said of a file that is no policy.
pub fn refused(path: &Path, error: &LoadError) -> Failure {
    Failure::failed(ErrorCode::Invalid, format_args!("cannot use the policy {}: {error}", path.display()))
}

/// Returns policies with their settings.
///
/// # Errors
/// A usage error for a setting that is missing, for one that no policy has, and for one that more than one has.
pub fn link(loaded: &[Policy], settings: &[Assignment]) -> Result<Vec<Link>, Failure> {
    let descriptions: Vec<_> = loaded.iter().map(Policy::description).collect();
    let refused = |error: DistributeError| Failure::usage(&error).hint(error.hint());
    let values = distribute(settings, &descriptions).map_err(refused)?;
    let missing = |place: usize, error: SettingsError| {
        let SettingsError::Missing { name, .. } = &error;
        let hint = format!("add --set {}=…", address(&descriptions, place, name));
        Failure::usage(error).hint(hint)
    };
    let links = loaded.iter().zip(values).enumerate();
    links
        .map(|(place, (policy, values))| Link::new(policy.clone(), values).map_err(|error| missing(place, error)))
        .collect()
}
