//! A host in memory, with its content and its record of calls.

use std::collections::BTreeMap;

use parking_lot::{Mutex, MutexGuard};
use sha2::{Digest as _, Sha256};

use super::stored::{Manifest, Repository};
use crate::{Description, Descriptor, Error, ErrorCode, Level, Outcome, Policy, Reference, Request};

/// A message of a policy for its users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The level of the message.
    pub level: Level,
    /// The message.
    pub message: String,
    /// Names and values of the message.
    pub fields: Vec<(String, String)>,
}

/// A host in memory: repositories, settings and the rest of the chain. It follows the host's rules (a policy fetches
/// only observed digests, a setting without a value has its default), and records every call.
pub struct Registry {
    pub(super) repositories: BTreeMap<String, Repository>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) failures: BTreeMap<String, Error>,
    pub(super) next: fn(&Registry, Request) -> Result<Outcome, Error>,
    pub(super) now: u64,
    record: Mutex<Record>,
}

#[derive(Default)]
pub(super) struct Record {
    pub(super) calls: Vec<String>,
    pub(super) events: Vec<Event>,
    pub(super) met: BTreeMap<(String, String), Descriptor>,
    /// How many policies of the rest of the chain are running.
    pub(super) depth: usize,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// Returns an empty registry, before the end of a chain.
    pub fn new() -> Self {
        Self {
            repositories: BTreeMap::new(),
            settings: BTreeMap::new(),
            failures: BTreeMap::new(),
            next: |_, _| Err(Error::new(ErrorCode::Other, "no policy follows")),
            now: 0,
            record: Mutex::default(),
        }
    }

    /// Adds a manifest or an index to a repository (`registry/repository`), under an optional tag, and returns its
    /// digest. The media type is that of the response. The bytes may be anything.
    pub fn manifest(&mut self, repository: &str, tag: Option<&str>, media_type: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let holdings = self.repositories.entry(repository.to_owned()).or_default();
        if holdings.find(&digest).is_none() {
            holdings.manifests.push(Manifest::new(media_type, &digest, bytes));
        }
        if let Some(tag) = tag {
            self.tag(repository, tag, &digest);
        }
        digest
    }

    /// Moves a tag to a manifest of the repository, and returns whether the manifest exists.
    pub fn tag(&mut self, repository: &str, tag: &str, digest: &str) -> bool {
        let Some(holdings) = self.repositories.get_mut(repository) else { return false };
        if holdings.find(digest).is_none() {
            return false;
        }
        holdings.tags.retain(|(known, _)| known != tag);
        holdings.tags.push((tag.to_owned(), digest.to_owned()));
        true
    }

    /// Adds a config or another blob to a repository, and returns its digest.
    pub fn blob(&mut self, repository: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        repository.blobs.insert(digest.clone(), bytes.to_vec());
        digest
    }

    /// Sets the value of a setting.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    /// Sets the policy's defaults for the settings without a value, as the host does.
    ///
    /// # Errors
    /// The name of a required setting without a value.
    pub fn configure(&mut self, description: &Description) -> Result<(), String> {
        for setting in &description.settings {
            if let (None, Some(default)) = (self.settings.get(&setting.name), &setting.default) {
                self.settings.insert(setting.name.clone(), default.clone());
            }
            if setting.required && !self.settings.contains_key(&setting.name) {
                return Err(format!("the required setting {} is not set", setting.name));
            }
        }
        Ok(())
    }

    /// Makes a call fail; its name is that in [`Registry::calls`].
    pub fn fail(&mut self, call: &str, error: Error) {
        self.failures.insert(call.to_owned(), error);
    }

    /// Adds a policy after the tested one. It sees the same registry and no settings.
    pub fn then<P: Policy>(&mut self) {
        self.next = |registry, request| P::resolve(registry, request);
    }

    /// Sets the start of the run, in seconds since the Unix epoch.
    pub fn start_at(&mut self, seconds: u64) {
        self.now = seconds;
    }

    /// Returns the calls so far, in order. An `-all` call is one call, with its items separated by ` & `.
    pub fn calls(&self) -> Vec<String> {
        self.record().calls.clone()
    }

    /// Returns the events so far.
    pub fn events(&self) -> Vec<Event> {
        self.record().events.clone()
    }

    /// Returns whether the run has observed a digest in the repository of a reference.
    pub fn met(&self, reference: &Reference, digest: &str) -> bool {
        self.record().met.contains_key(&(key(reference), digest.to_owned()))
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock()
    }

    pub(super) fn note(&self, verb: &str, arguments: impl IntoIterator<Item = String>) {
        let arguments: Vec<String> = arguments.into_iter().collect();
        // An `-all` call without items is no call.
        if !arguments.is_empty() {
            self.record().calls.push(format!("{verb} {}", arguments.join(" & ")));
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Returns the name of a reference's repository.
pub(super) fn key(reference: &Reference) -> String {
    format!("{}/{}", reference.registry, reference.repository)
}
