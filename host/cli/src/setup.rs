//! Makes the resolver that the arguments describe.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use refkit::{
    Engine, EngineOptions, ErrorCode, Grants, Link, Policy, Request, Resolver, Selection, Session, SettingsError,
};
use refkit_oci::Platform;

use crate::arguments::{self, Compiling};
use crate::failure::Failure;
use crate::places::Places;
use crate::target::Target;
use crate::{cached, compiling};
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
        let no_cache = target.caching.no_cache;
        let mut target = Target::open(target, &places).await?;
        let mut notes = std::mem::take(&mut target.notes);
        let places = if no_cache { None } else { Some(&places) };
        let engine = engine(policies.files.len() + 1, &policies.compiling, places, &mut notes)?;
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

async fn load(engine: &Engine, policies: &arguments::Policies) -> Result<Vec<Policy>, Failure> {
    let mut loaded = Vec::with_capacity(policies.files.len() + 1);
    for path in &policies.files {
        loaded.push(compiling::load(engine, path, read(path)?.into()).await?);
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
