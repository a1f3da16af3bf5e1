//! What the command hands to the server.

use std::path::PathBuf;
use std::sync::Arc;

use refkit::{Engine, Shipped};
use refkit_config::ConfigFile;
use refkit_registry::hosts::Files;
use refkit_registry::{CredentialSource, NoCredentials, Proxies};

/// What the server cannot know by itself: files, credentials, and the engine that runs policies.
#[derive(Clone)]
#[non_exhaustive]
pub struct Means {
    /// The candidates for `refkit.toml`, the most important first.
    pub settings: Vec<ConfigFile>,
    /// The files that name the hosts of registries.
    pub hosts: Files,
    /// The credentials for registries.
    pub credentials: Arc<dyn CredentialSource>,
    /// The proxies to registries.
    pub proxies: Proxies,
    /// The engine of all policies.
    pub engine: Engine,
    /// The code of the default policy.
    pub default_code: Option<Shipped>,
    /// The directory of the cache if the settings name none.
    pub cache: Option<PathBuf>,
    /// What the operator should know of the above.
    pub notes: Vec<String>,
}

impl Means {
    /// Returns the means with these files, without credentials, proxies, shipped code and a cache.
    pub fn new(settings: Vec<ConfigFile>, hosts: Files, engine: Engine) -> Self {
        let (credentials, proxies) = (Arc::new(NoCredentials), Proxies::default());
        Self { settings, hosts, credentials, proxies, engine, default_code: None, cache: None, notes: Vec::new() }
    }

    /// Sets the credentials for registries.
    #[must_use]
    pub fn credentials(self, credentials: Arc<dyn CredentialSource>) -> Self {
        Self { credentials, ..self }
    }

    /// Sets the proxies to registries.
    #[must_use]
    pub fn proxies(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// Sets the code of the default policy.
    #[must_use]
    pub fn default_code(self, default_code: Option<Shipped>) -> Self {
        Self { default_code, ..self }
    }

    /// Sets the directory of the cache for settings that name none.
    #[must_use]
    pub fn cache(self, cache: Option<PathBuf>) -> Self {
        Self { cache, ..self }
    }

    /// Sets what the operator should know of the means: the log has it.
    #[must_use]
    pub fn notes(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }
}
