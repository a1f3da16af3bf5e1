//! The answers of the host in memory.

use refkit_policy::{Absence, Content, Descriptor, Error, Host, Level, Outcome, Reference, Request};

use super::registries::{Registries, key};
use crate::{Publication, Published, PublishingHost};

impl Registries {
    /// Records what the resolution policies refused: no publishing policy copies it all the same.
    fn hear(&self, request: &Request, outcome: &Outcome) {
        let denied = match outcome {
            Outcome::Denied(denials) => {
                if let Ok(root) = self.quietly(|registry| registry.resolve(&request.reference)) {
                    self.record.borrow_mut().refused.insert(root.digest);
                }
                denials.clone()
            }
            Outcome::Resolved(resolved) => {
                let denied = resolved.images.iter().filter_map(|place| match place {
                    Err(Absence::Denied(denials)) => Some(denials.clone()),
                    _ => None,
                });
                denied.flatten().collect()
            }
            Outcome::Next(_) => Vec::new(),
        };
        self.record.borrow_mut().refused.extend(denied.into_iter().filter_map(|denial| denial.subject));
    }
}

impl PublishingHost for Registries {
    fn push_manifest(&self, destination: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error> {
        self.push_document(destination, media_type, bytes)
    }

    fn push_blob(&self, destination: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error> {
        self.push_content(destination, media_type, bytes)
    }

    fn copy(
        &self,
        source: &Reference,
        digests: &[String],
        destination: &Reference,
        with_referrers: &[String],
    ) -> Result<(), Error> {
        self.note(format!("copy {} {} to {}", key(source), digests.join(" & "), key(destination)))?;
        digests.iter().try_for_each(|digest| self.copy_one(source, digest, destination, with_referrers))
    }

    fn publish(&self, request: &Publication) -> Result<Published, Error> {
        let list = |all: Vec<String>| all.join(" & ");
        let sources = list(request.sources.iter().map(|source| source.reference.to_string()).collect());
        let destinations = list(request.destinations.iter().map(Reference::to_string).collect());
        self.note(format!("publish {sources} to {destinations}"))?;
        self.record.borrow_mut().depth += 1;
        let outcome = (self.next)(self, request.clone());
        let mut record = self.record.borrow_mut();
        record.depth -= 1;
        record.denied |= matches!(outcome, Ok(Published::Denied(_)));
        outcome
    }
}

impl Host for Registries {
    fn resolve(&self, reference: &Reference) -> Result<Descriptor, Error> {
        self.read(|registry| registry.resolve(reference))
    }

    fn pull(&self, reference: &Reference) -> Result<Content, Error> {
        self.read(|registry| registry.pull(reference))
    }

    fn pull_all(&self, references: &[Reference]) -> Vec<Result<Content, Error>> {
        self.read(|registry| registry.pull_all(references))
    }

    fn fetch(&self, reference: &Reference, digest: &str) -> Result<Vec<u8>, Error> {
        self.read(|registry| registry.fetch(reference, digest))
    }

    fn fetch_all(&self, reference: &Reference, digests: &[String]) -> Vec<Result<Vec<u8>, Error>> {
        self.read(|registry| registry.fetch_all(reference, digests))
    }

    fn fetch_range(&self, reference: &Reference, digest: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        self.read(|registry| registry.fetch_range(reference, digest, offset, length))
    }

    fn referrers(&self, reference: &Reference, subject: &str, of_type: Option<&str>) -> Result<Vec<Descriptor>, Error> {
        self.read(|registry| registry.referrers(reference, subject, of_type))
    }

    fn referrers_all(
        &self,
        reference: &Reference,
        subjects: &[String],
        of_type: Option<&str>,
    ) -> Vec<Result<Vec<Descriptor>, Error>> {
        self.read(|registry| registry.referrers_all(reference, subjects, of_type))
    }

    fn tags(&self, reference: &Reference) -> Result<Vec<String>, Error> {
        self.read(|registry| registry.tags(reference))
    }

    fn next(&self, request: &Request) -> Result<Outcome, Error> {
        let outcome = self.read(|registry| registry.next(request))?;
        self.hear(request, &outcome);
        Ok(outcome)
    }

    fn setting(&self, name: &str) -> Option<String> {
        if self.record.borrow().depth > 0 { None } else { self.registry.borrow().setting(name) }
    }

    fn settings(&self) -> Vec<(String, String)> {
        if self.record.borrow().depth > 0 { Vec::new() } else { self.registry.borrow().settings() }
    }

    fn now(&self) -> u64 {
        self.registry.borrow().now()
    }

    fn event(&self, level: Level, message: &str, fields: &[(String, String)]) {
        self.registry.borrow().event(level, message, fields);
    }
}
