//! The host in memory, with its record of calls.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use refkit_policy::testing::Registry;
use refkit_policy::{Content, Error, ErrorCode, Host, Reference};

use crate::{Publication, Published, Publisher};

/// The rest of the publishing chain.
type Next = Box<dyn Fn(&Registries, Publication) -> Result<Published, Error>>;

/// Registries in memory that can be read and written, settings, and the rest of both chains.
///
/// It keeps to the host's rules: a run writes to its destinations alone; what a manifest refers to has to be there before
/// it; a policy copies only the digests that the run has observed, and nothing that a policy refused. A layer that the
/// registry of the test does not hold counts as copied.
pub struct Registries {
    pub(super) registry: RefCell<Registry>,
    pub(super) destinations: Vec<Reference>,
    pub(super) sparse: bool,
    pub(super) failures: BTreeMap<String, Error>,
    pub(super) next: Next,
    pub(super) record: RefCell<Record>,
}

#[derive(Default)]
pub(super) struct Record {
    calls: Vec<String>,
    /// How many calls of the registry are among the calls, or are of the host's own.
    read: usize,
    /// What this run pushed and copied: the repository, the digest, and the size.
    pub(super) placed: BTreeMap<(String, String), u64>,
    /// The tags that this run moved: the repository, the tag, and the digest.
    pub(super) tags: BTreeMap<(String, String), String>,
    /// The digests that a resolution policy refused.
    pub(super) refused: BTreeSet<String>,
    /// Whether the rest of the publishing chain refused the publication.
    pub(super) denied: bool,
    /// How many policies of the rest of the publishing chain are running.
    pub(super) depth: usize,
}

impl Registries {
    /// Returns a host over the content, the settings and the resolution chain of a registry, before the end of a
    /// publishing chain.
    pub fn new(registry: Registry) -> Self {
        Self {
            registry: RefCell::new(registry),
            destinations: Vec::new(),
            sparse: false,
            failures: BTreeMap::new(),
            next: Box::new(|_, _| Err(Error::new(ErrorCode::Other, "no policy follows"))),
            record: RefCell::default(),
        }
    }

    /// Returns the registry, to add content and settings.
    pub fn registry(&mut self) -> &mut Registry {
        self.registry.get_mut()
    }

    /// Adds a publishing policy after the tested one. It sees the same registries and no settings.
    pub fn then<P: Publisher>(&mut self) {
        let publish: fn(&Self, Publication) -> Result<Published, Error> = |host, request| P::publish(host, request);
        self.then_answer(publish);
    }

    /// Sets what the rest of the publishing chain answers.
    pub fn then_answer(&mut self, answer: impl Fn(&Self, Publication) -> Result<Published, Error> + 'static) {
        self.next = Box::new(answer);
    }

    /// Makes a call that writes, or `publish`, fail; its name is that in [`Registries::calls`].
    pub fn fail(&mut self, call: &str, error: Error) {
        self.failures.insert(call.to_owned(), error);
    }

    /// Lets the run write to a destination.
    pub fn grant(&mut self, destination: Reference) {
        self.destinations.push(destination);
    }

    /// Lets the run push an index although manifests of it that the run has met are not at the destination.
    pub fn sparse(&mut self) {
        self.sparse = true;
    }

    /// Runs a policy with the defaults of its settings. It may write to the destinations of the request.
    ///
    /// # Errors
    /// Those of the policy; `invalid` for a required setting without a value; `other` for a root that the run has not
    /// pushed to every destination.
    pub fn run<P: Publisher>(&mut self, request: Publication) -> Result<Published, Error> {
        self.registry().configure(&P::about()).map_err(Error::invalid)?;
        self.destinations.extend(request.destinations.iter().cloned());
        let destinations = request.destinations.clone();
        let outcome = P::publish(self, request)?;
        if let Published::Published(root) = &outcome {
            let missing = destinations.iter().find(|destination| !self.has_published(destination, &root.digest));
            if let Some(destination) = missing {
                let text = format!("the policy did not push {} to {destination}", root.digest);
                return Err(Error::new(ErrorCode::Other, text));
            }
        }
        Ok(outcome)
    }

    fn has_published(&self, destination: &Reference, digest: &str) -> bool {
        let record = self.record.borrow();
        match &destination.tag {
            Some(tag) => record.tags.get(&(key(destination), tag.clone())).is_some_and(|moved| moved == digest),
            None => record.placed.contains_key(&(key(destination), digest.to_owned())),
        }
    }

    /// Returns the calls so far, in order: those that read as [`Registry::calls`] shows them, and `push-manifest
    /// REFERENCE DIGEST`, `push-blob REPOSITORY DIGEST`, `copy REPOSITORY DIGESTS to REPOSITORY` and `publish SOURCES to
    /// DESTINATIONS`.
    pub fn calls(&self) -> Vec<String> {
        self.record.borrow().calls.clone()
    }

    /// Returns what a reference names now.
    pub fn held(&self, reference: &Reference) -> Option<Content> {
        self.quietly(|registry| registry.pull(reference)).ok()
    }

    /// Reads, and records the calls.
    pub(super) fn read<T>(&self, question: impl FnOnce(&Registry) -> T) -> T {
        let registry = self.registry.borrow();
        let answer = question(&registry);
        let (calls, mut record) = (registry.calls(), self.record.borrow_mut());
        let known = record.read;
        record.calls.extend(calls.iter().skip(known).cloned());
        record.read = calls.len();
        answer
    }

    /// Reads for the host itself: that is no call of a policy.
    pub(super) fn quietly<T>(&self, question: impl FnOnce(&Registry) -> T) -> T {
        let registry = self.registry.borrow();
        let answer = question(&registry);
        self.record.borrow_mut().read = registry.calls().len();
        answer
    }

    /// Records a call, and fails where the test wants it to.
    pub(super) fn note(&self, call: String) -> Result<(), Error> {
        let failure = self.failures.get(&call).cloned();
        self.record.borrow_mut().calls.push(call);
        failure.map_or(Ok(()), Err)
    }
}

/// Returns the name of a reference's repository.
pub(super) fn key(reference: &Reference) -> String {
    format!("{}/{}", reference.registry, reference.repository)
}

/// Returns the reference of a digest in a repository.
pub(super) fn pinned(repository: &Reference, digest: &str) -> Reference {
    Reference { tag: None, digest: Some(digest.to_owned()), ..repository.clone() }
}
