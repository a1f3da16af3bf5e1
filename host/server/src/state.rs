//! Everything that a request needs, loaded: settings, clients, rules, and the way to registries.

use std::collections::BTreeMap;
use std::sync::Arc;

use refkit::{Chain, Components};
use refkit_content::cache::CacheOptions;
use refkit_content::{Cache, Cached, DiskCache};
use refkit_oci::{Reference, Repository};
use refkit_registry::{Client as Registries, Hosts};

use crate::clients::Clients;
use crate::error::StartError;
use crate::listen::Manner;
use crate::metrics::Metrics;
use crate::policies::{CompiledPolicies, Loaded};
use crate::rules::{Rule, Rules};
use crate::settings::{Settings, SettingsError};
use crate::{Client, Means};

/// The registries behind the caches.
pub(crate) type Upstream = Cached<Registries>;

/// The most bytes of manifests and configs that are kept in memory.
const MEMORY: u64 = 32 << 20;

/// Everything that a request needs. It never changes: a reload puts another one in its place, and requests that have
/// begun keep this one.
pub struct State {
    settings: Settings,
    notes: Vec<String>,
    clients: Clients,
    rules: Rules,
    policies: BTreeMap<String, Loaded>,
    end: Chain,
    registries: Registries,
    upstream: Upstream,
    caches: (Cache, Option<DiskCache>),
    metrics: Arc<Metrics>,
    /// In the order of [`settings::Server::listeners`](crate::settings::Server::listeners).
    manners: Vec<Arc<Manner>>,
}

impl State {
    /// Reads the settings and everything that they name, as a server does when it starts.
    ///
    /// # Errors
    /// [`StartError`], with everything that is wrong in the first stage that has something wrong.
    pub async fn load(means: &Means) -> Result<Self, StartError> {
        Self::reload(means, &CompiledPolicies::default(), &Metrics::new(), None).await
    }

    /// Loads another state. It keeps the caches of the present one, and the policies that are compiled.
    pub(crate) async fn reload(
        means: &Means,
        compiled: &CompiledPolicies,
        metrics: &Arc<Metrics>,
        present: Option<&Self>,
    ) -> Result<Self, StartError> {
        let (settings, clients, manners, hosts) = read(means.clone()).await?;
        let registries = Registries::builder().hosts(hosts).proxies(means.proxies.clone());
        let registries = registries.credentials(Arc::clone(&means.credentials)).observer(Arc::clone(metrics) as _);
        let caches = caches(means, &settings, present).await?;
        let registries = registries.build();
        let upstream = upstream(registries.clone(), &caches, &settings);
        let policies =
            compiled.load(&means.engine, &settings.policies, &upstream).await.map_err(SettingsError::Wrong)?;
        let end = match present {
            Some(present) => present.end.clone(),
            None => {
                let end = Components::none().default_code(means.default_code.clone());
                Chain::load(&means.engine, end, &[]).await.map_err(StartError::Default)?
            }
        };
        let rules = Rules::new(&settings, &policies, &end)?;
        compiled.keep(&policies);
        let metrics = Arc::clone(metrics);
        let notes = means.notes.iter().chain(&settings.notes).cloned().collect();
        Ok(Self { settings, notes, clients, rules, policies, end, registries, upstream, caches, metrics, manners })
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns what is no error and probably not meant: in the means, and in the settings.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    /// Returns the policies by their names in the settings.
    pub fn policies(&self) -> &BTreeMap<String, Loaded> {
        &self.policies
    }

    /// Returns the chain of the default policy alone, for policies that clients bring.
    pub fn default_chain(&self) -> &Chain {
        &self.end
    }

    /// Returns the registries behind the caches.
    pub fn upstream(&self) -> &Cached<Registries> {
        &self.upstream
    }

    /// Returns the registries without the caches, to write to them.
    pub fn registries(&self) -> &Registries {
        &self.registries
    }

    /// Returns the rule by which a client may read blobs and lists of a repository; nothing if the repository is denied.
    pub fn repository_rule(&self, client: &Client, repository: &Repository) -> Option<&Arc<Rule>> {
        self.rules.repository(client, repository)
    }

    /// Returns the rule for a reference of a client; nothing if the reference is denied.
    pub fn rule(&self, client: &Client, reference: &Reference) -> Option<&Arc<Rule>> {
        self.rules.of(client, reference)
    }

    /// Returns the rule by which a client may push a manifest or an index to a reference.
    pub fn push_rule(&self, client: &Client, reference: &Reference) -> Option<&Arc<Rule>> {
        self.rules.push(client, reference)
    }

    /// Returns a rule by which a client may push blobs, and manifests without a tag, into a repository.
    pub fn push_content_rule(&self, client: &Client, repository: &Repository) -> Option<&Arc<Rule>> {
        self.rules.push_content(client, repository)
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(crate) fn manners(&self) -> &[Arc<Manner>] {
        &self.manners
    }
}

type Read = (Settings, Clients, Vec<Arc<Manner>>, Hosts);

/// Reads all files but those of policies.
async fn read(means: Means) -> Result<Read, StartError> {
    let read = move || {
        let settings = Settings::read(&means.settings)?;
        if let Some(position) = settings.server.mirror.as_ref().and_then(|mirror| mirror.address.position.as_ref()) {
            return Err(position.error("is for a registry mirror, which this version of RefKit does not have").into());
        }
        let clients = Clients::read(&settings.server.credentials);
        let manners =
            settings.server.listeners().map(|listener| Manner::read(listener, &settings.server).map(Arc::new));
        let (mut read, mut errors) = (Vec::new(), Vec::new());
        for manner in manners {
            match manner {
                Ok(manner) => read.push(manner),
                Err(error) => errors.push(error),
            }
        }
        let clients = match clients {
            Ok(clients) if errors.is_empty() => clients,
            Ok(_) => return Err(SettingsError::Wrong(errors).into()),
            Err(SettingsError::Wrong(more)) => {
                errors.extend(more);
                return Err(SettingsError::Wrong(errors).into());
            }
            Err(other) => return Err(other.into()),
        };
        let hosts = Hosts::read(&means.hosts)?;
        Ok((settings, clients, read, hosts))
    };
    let reading = tokio::task::spawn_blocking(read).await;
    reading.unwrap_or_else(|error| Err(StartError::CutShort(error.to_string())))
}

/// Opens the caches, or keeps the present ones if they are the same.
async fn caches(
    means: &Means,
    settings: &Settings,
    present: Option<&State>,
) -> Result<(Cache, Option<DiskCache>), StartError> {
    let memory = present.map_or_else(|| Cache::new(MEMORY), |present| present.caches.0.clone());
    let directory = |settings: &Settings| {
        settings.cache.path.as_ref().map(|path| path.value.clone()).or_else(|| means.cache.clone())
    };
    let Some(path) = directory(settings) else { return Ok((memory, None)) };
    let same = |present: &&State| {
        directory(&present.settings).as_ref() == Some(&path)
            && present.settings.cache.limit.value == settings.cache.limit.value
    };
    let disk = match present.filter(same) {
        Some(present) => present.caches.1.clone(),
        None => Some(DiskCache::open(&path, settings.cache.limit.value).await.map_err(StartError::Cache)?),
    };
    Ok((memory, disk))
}

fn upstream(registries: Registries, caches: &(Cache, Option<DiskCache>), settings: &Settings) -> Upstream {
    match &caches.1 {
        Some(disk) => {
            let options = CacheOptions::default().stale_if_error(settings.cache.stale_if_error.value);
            Cached::on_disk(registries, disk.clone(), options).with_memory(caches.0.clone())
        }
        None => Cached::new(registries, caches.0.clone()),
    }
}
