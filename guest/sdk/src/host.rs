//! What a policy may ask of its host.

use crate::{Content, Descriptor, Error, Level, Outcome, Reference, Request};

/// The imports of world `policy`, as one trait: in a component they are the sandbox's (`Imports`), in a native test
/// whatever the test says. A policy takes it as `&impl Host`, so that a component imports what its code calls and no
/// more.
pub trait Host {
    /// Returns what the reference names now, without its content (a HEAD).
    ///
    /// # Errors
    /// The registry's or the host's.
    fn resolve(&self, reference: &Reference) -> Result<Descriptor, Error>;

    /// Returns the manifest or the index that the reference names now (a GET).
    ///
    /// # Errors
    /// The registry's or the host's.
    fn pull(&self, reference: &Reference) -> Result<Content, Error>;

    /// Returns the same for many, side by side, in the order of the questions.
    fn pull_all(&self, references: &[Reference]) -> Vec<Result<Content, Error>> {
        references.iter().map(|reference| self.pull(reference)).collect()
    }

    /// Returns the bytes of a manifest, index, config or blob that this run has met.
    ///
    /// # Errors
    /// The registry's or the host's; `not-granted` for a digest that was not met.
    fn fetch(&self, reference: &Reference, digest: &str) -> Result<Vec<u8>, Error>;

    /// Returns the same for many, side by side, in the order of the questions.
    fn fetch_all(&self, reference: &Reference, digests: &[String]) -> Vec<Result<Vec<u8>, Error>> {
        digests.iter().map(|digest| self.fetch(reference, digest)).collect()
    }

    /// Returns at most `length` bytes of a blob from `offset` on; fewer at its end, none after it.
    ///
    /// # Errors
    /// The registry's or the host's.
    fn fetch_range(&self, reference: &Reference, digest: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error>;

    /// Returns the manifests whose `subject` is the given digest; with an artifact type, those of that type.
    ///
    /// # Errors
    /// The registry's or the host's.
    fn referrers(
        &self,
        reference: &Reference,
        subject: &str,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Error>;

    /// Returns the same for many subjects, side by side, in the order of the questions.
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
    /// The registry's or the host's.
    fn tags(&self, reference: &Reference) -> Result<Vec<String>, Error>;

    /// Returns what the rest of the chain answers: the policies after this one, the default policy last.
    ///
    /// # Errors
    /// Those of the rest of the chain.
    fn next(&self, request: &Request) -> Result<Outcome, Error>;

    /// Returns the operator's value of a setting, else its default.
    fn setting(&self, name: &str) -> Option<String>;

    /// Returns every setting that [`Host::setting`] would answer.
    fn settings(&self) -> Vec<(String, String)>;

    /// Returns the seconds since the Unix epoch at which the run started.
    fn now(&self) -> u64;

    /// Shows a message in the run's trace.
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
