//! The functions of the host that a policy may call.

use crate::{Content, Descriptor, Error, Level, Outcome, Reference, Request};

/// The imports of world `policy` as one trait. In a component the implementation is the sandbox (`Imports`), in a
/// native test a fake. A policy takes it as `&impl Host`, so that a component imports only the functions that its code
/// calls.
pub trait Host {
    /// Returns the descriptor that the reference names now (a HEAD).
    ///
    /// # Errors
    /// Any error of the registry or the host.
    fn resolve(&self, reference: &Reference) -> Result<Descriptor, Error>;

    /// Returns the manifest or the index that the reference names now (a GET).
    ///
    /// # Errors
    /// Any error of the registry or the host.
    fn pull(&self, reference: &Reference) -> Result<Content, Error>;

    /// Does the same for many references concurrently, and returns the results in their order.
    fn pull_all(&self, references: &[Reference]) -> Vec<Result<Content, Error>> {
        references.iter().map(|reference| self.pull(reference)).collect()
    }

    /// Returns the bytes of a manifest, index, config or blob that this run has observed.
    ///
    /// # Errors
    /// Any error of the registry or the host; `not-granted` for a digest that the run has not observed.
    fn fetch(&self, reference: &Reference, digest: &str) -> Result<Vec<u8>, Error>;

    /// Does the same for many digests concurrently, and returns the results in their order.
    fn fetch_all(&self, reference: &Reference, digests: &[String]) -> Vec<Result<Vec<u8>, Error>> {
        digests.iter().map(|digest| self.fetch(reference, digest)).collect()
    }

    /// Returns at most `length` bytes of a blob from `offset` on; fewer at its end, none after it.
    ///
    /// # Errors
    /// Any error of the registry or the host.
    fn fetch_range(&self, reference: &Reference, digest: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error>;

    /// Returns the manifests whose `subject` is the given digest; with an artifact type, those of that type.
    ///
    /// # Errors
    /// Any error of the registry or the host.
    fn referrers(
        &self,
        reference: &Reference,
        subject: &str,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Error>;

    /// Does the same for many subjects concurrently, and returns the results in their order.
    fn referrers_all(
        &self,
        reference: &Reference,
        subjects: &[String],
        artifact_type: Option<&str>,
    ) -> Vec<Result<Vec<Descriptor>, Error>> {
        subjects.iter().map(|subject| self.referrers(reference, subject, artifact_type)).collect()
    }

    /// Returns all tags of the reference's repository, in the registry's order.
    ///
    /// # Errors
    /// Any error of the registry or the host.
    fn tags(&self, reference: &Reference) -> Result<Vec<String>, Error>;

    /// Returns the outcome of the rest of the chain: the policies after this one, the default policy last.
    ///
    /// # Errors
    /// Any error of the rest of the chain.
    fn next(&self, request: &Request) -> Result<Outcome, Error>;

    /// Returns the operator's value of a setting, or its default.
    fn setting(&self, name: &str) -> Option<String>;

    /// Returns all settings that have a value for [`Host::setting`].
    fn settings(&self) -> Vec<(String, String)>;

    /// Returns the start of the run, in seconds since the Unix epoch.
    fn now(&self) -> u64;

    /// Adds a message to the run's trace.
    fn event(&self, level: Level, message: &str, fields: &[(String, String)]);
}

/// The sandbox around this component.
#[cfg(target_arch = "wasm32")]
pub struct Imports;

#[cfg(target_arch = "wasm32")]
impl Host for Imports {
    fn resolve(&self, reference: &Reference) -> Result<Descriptor, Error> {
        crate::bindings::refkit::policy::registry::resolve(reference)
    }

    fn pull(&self, reference: &Reference) -> Result<Content, Error> {
        crate::bindings::refkit::policy::registry::pull(reference)
    }

    fn pull_all(&self, references: &[Reference]) -> Vec<Result<Content, Error>> {
        crate::bindings::refkit::policy::registry::pull_all(references)
    }

    fn fetch(&self, reference: &Reference, digest: &str) -> Result<Vec<u8>, Error> {
        crate::bindings::refkit::policy::registry::fetch(reference, digest)
    }

    fn fetch_all(&self, reference: &Reference, digests: &[String]) -> Vec<Result<Vec<u8>, Error>> {
        crate::bindings::refkit::policy::registry::fetch_all(reference, digests)
    }

    fn fetch_range(&self, reference: &Reference, digest: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        crate::bindings::refkit::policy::registry::fetch_range(reference, digest, offset, length)
    }

    fn referrers(
        &self,
        reference: &Reference,
        subject: &str,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Error> {
        crate::bindings::refkit::policy::registry::referrers(reference, subject, artifact_type)
    }

    fn referrers_all(
        &self,
        reference: &Reference,
        subjects: &[String],
        artifact_type: Option<&str>,
    ) -> Vec<Result<Vec<Descriptor>, Error>> {
        crate::bindings::refkit::policy::registry::referrers_all(reference, subjects, artifact_type)
    }

    fn tags(&self, reference: &Reference) -> Result<Vec<String>, Error> {
        crate::bindings::refkit::policy::registry::tags(reference)
    }

    fn next(&self, request: &Request) -> Result<Outcome, Error> {
        crate::bindings::refkit::policy::chain::next(request)
    }

    fn setting(&self, name: &str) -> Option<String> {
        crate::bindings::refkit::policy::settings::get(name)
    }

    fn settings(&self) -> Vec<(String, String)> {
        crate::bindings::refkit::policy::settings::all()
    }

    fn now(&self) -> u64 {
        crate::bindings::refkit::policy::clock::now()
    }

    fn event(&self, level: Level, message: &str, fields: &[(String, String)]) {
        crate::bindings::refkit::policy::trace::event(level, message, fields);
    }
}
