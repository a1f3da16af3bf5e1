//! Reads and compiles the policies of the settings. Each component is compiled once, however many rules and reloads name
//! it.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use bytes::Bytes;
use parking_lot::Mutex;
use refkit::settings::Assignment;
use refkit::{Engine, EngineOptions, Policy as Compiled, artifact};
use refkit_config::{ConfigError, Position};
use refkit_content::Resolve as _;
use refkit_oci::Reference;
use sha2::{Digest as _, Sha256};

use crate::settings::{Policy, Source};
use crate::state::Upstream;

/// A policy, ready to run.
#[derive(Clone)]
#[non_exhaustive]
pub struct Loaded {
    /// The compiled component.
    pub policy: Compiled,
    /// The SHA-256 of the component.
    pub component: [u8; 32],
    /// Where it was, with the digest that a tag named when it was loaded.
    pub artifact: Option<Reference>,
}

/// The policies that are compiled, by the SHA-256 of their components.
#[derive(Default)]
pub(crate) struct CompiledPolicies {
    compiled: Mutex<HashMap<[u8; 32], Compiled>>,
}

impl CompiledPolicies {
    /// Loads the policies of the settings.
    ///
    /// # Errors
    /// Every policy that cannot be used, by the position of its key.
    pub(crate) async fn load(
        &self,
        engine: &Engine,
        policies: &BTreeMap<String, Policy>,
        upstream: &Upstream,
    ) -> Result<BTreeMap<String, Loaded>, Vec<ConfigError>> {
        let (mut loaded, mut errors) = (BTreeMap::new(), Vec::new());
        for (name, policy) in policies {
            match self.load_one(engine, policy, upstream).await {
                Ok(one) => drop(loaded.insert(name.clone(), one)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(loaded) } else { Err(errors) }
    }

    async fn load_one(&self, engine: &Engine, policy: &Policy, upstream: &Upstream) -> Result<Loaded, ConfigError> {
        let position = policy.source.position.as_ref().unwrap_or(&policy.position);
        let (bytes, artifact) = match &policy.source.value {
            Source::File(path) => (read(path, position).await?, None),
            Source::Artifact(reference) => {
                let (bytes, pinned) = fetch(reference, position, upstream).await?;
                (bytes, Some(pinned))
            }
        };
        let component: [u8; 32] = Sha256::digest(&bytes).into();
        let known = self.compiled.lock().get(&component).cloned();
        let compiled = match known {
            Some(compiled) => compiled,
            None => {
                let compiled = Compiled::load(engine, bytes).await;
                let compiled =
                    compiled.map_err(|error| position.error(format!("is a policy that cannot be used: {error}")))?;
                self.compiled.lock().entry(component).or_insert(compiled).clone()
            }
        };
        check_settings(policy, &compiled)?;
        Ok(Loaded { policy: compiled, component, artifact })
    }

    /// Drops the policies that are not among these.
    pub(crate) fn keep(&self, loaded: &BTreeMap<String, Loaded>) {
        self.compiled.lock().retain(|component, _| loaded.values().any(|loaded| loaded.component == *component));
    }
}

impl Policy {
    /// Returns the settings for the policy.
    pub(crate) fn assignments(&self) -> Vec<Assignment> {
        self.set.iter().map(|(name, value)| Assignment::new(name.clone(), value.value.clone())).collect()
    }
}

/// Reads a component, and one byte more than the engine compiles, so that a larger file is refused for its size.
async fn read(path: &Path, position: &Position) -> Result<Bytes, ConfigError> {
    let (path, limit) = (path.to_owned(), EngineOptions::default().max_component);
    let shown = path.display().to_string();
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    });
    let read = reading.await.unwrap_or_else(|error| Err(io::Error::other(error)));
    read.map(Bytes::from).map_err(|error| position.error(format!("names {shown}: {error}")))
}

/// Fetches a component from its registry. A tag is resolved now, and the reference that is returned has its digest.
async fn fetch(
    reference: &Reference,
    position: &Position,
    upstream: &Upstream,
) -> Result<(Bytes, Reference), ConfigError> {
    let wrong = |error: &dyn std::fmt::Display| position.error(format!("names {reference}: {error}"));
    let pinned = match reference.digest() {
        Some(_) => reference.clone(),
        None => {
            let resolved = upstream.resolve(reference).await.map_err(|error| wrong(&error))?;
            reference.with_digest(resolved.value.digest)
        }
    };
    let limit = EngineOptions::default().max_component;
    let bytes = artifact::fetch(upstream, &pinned, limit).await.map_err(|error| wrong(&error))?;
    Ok((bytes, pinned))
}

/// Checks that a policy has the settings that it is given, and is given those that it needs.
fn check_settings(policy: &Policy, compiled: &Compiled) -> Result<(), ConfigError> {
    let settings = &compiled.description().settings;
    let known: Vec<&str> = settings.iter().map(|setting| setting.name.as_str()).collect();
    for (name, value) in &policy.set {
        let position = value.position.as_ref().unwrap_or(&policy.position);
        match known.contains(&name.as_str()) {
            true => {}
            false if known.is_empty() => return Err(position.error("is a setting of a policy that has none")),
            false => return Err(position.unknown("is no setting of this policy", name, &known)),
        }
    }
    let given = |name: &str| policy.set.iter().any(|(given, _)| given == name);
    match settings.iter().find(|one| one.required && one.default.is_none() && !given(&one.name)) {
        None => Ok(()),
        Some(missing) => Err(policy.position.error(format!("needs set.{} ({})", missing.name, missing.summary))),
    }
}
