//! The policies and the source of a lock's runs.

use refkit::lock::{Absent, Entry};
use refkit::record::Recording;
use refkit::{Budget, Chain, Error, ErrorCode, Grants, Resolver};
use refkit_oci::Reference;
use refkit_report::{Names, RunOutput, RunResult};

use super::Lock;
use super::wanted::Wanted;
use crate::arguments::{Caching, Limit};
use crate::directories::Directories;
use crate::hints::{self, Whereabouts};
use crate::{caches, policies, registry};

/// How many runs there are at once. Most of a run is waiting for a registry.
pub const RUNS: usize = 4;

impl Lock {
    /// Loads the policies. No registry gets a request.
    ///
    /// # Errors
    /// A usage error, or the error of a policy that cannot be used.
    pub(super) async fn chain(&self, notes: &mut Vec<String>) -> anyhow::Result<Chain> {
        let directories = Directories::of_environment();
        let directories = (!self.no_cache).then_some(&directories);
        let files = self.policies.files.len();
        let engine = policies::repeatable_engine(RUNS, files, &self.policies.compiling, directories, notes)?;
        let chain = policies::load(&engine, &self.policies).await?;
        // As for every run of the command: the end of the process is faster than dropping the chain.
        std::mem::forget(chain.clone());
        Ok(chain)
    }

    /// Returns a resolver over the registries of these references.
    ///
    /// # Errors
    /// The error of a file of settings.
    pub(super) async fn registries(
        &self,
        chain: &Chain,
        references: impl IntoIterator<Item = &Reference>,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<Resolver> {
        let directories = Directories::of_environment();
        let named = references.into_iter().map(|reference| reference.repository().registry());
        let client = registry::client(named, &self.registries, &directories)?;
        let caching = Caching { no_cache: self.no_cache, ..Caching::default() };
        let behind = caches::behind(client, &caching, &directories, notes).await?;
        Ok(chain.resolver(behind.source).grants(self.granted()).budget(self.budget()))
    }

    /// Returns the limits of a run.
    pub(super) fn budget(&self) -> Budget {
        Limit::apply(&self.policies.limits, Budget::default())
    }

    /// Returns what the runs may read besides the requested repositories.
    pub(super) fn granted(&self) -> Grants {
        Grants::new(self.policies.grants.iter().cloned())
    }
}

/// Runs the chain for a reference, and returns its entry and its record.
///
/// # Errors
/// The output for a denial, for an absent image, or for an error of the run.
pub async fn entry(resolver: &Resolver, wanted: &Wanted) -> Result<(Entry, Recording), Box<RunOutput>> {
    let request = Entry::request(wanted.reference.clone(), wanted.platforms.iter().cloned());
    let run = RunResult::of(resolver.session(request), &Registry).await;
    let resolution = run.resolution()?;
    let recording = run.session().recording();
    match Entry::new(wanted.written.iter().cloned(), resolution, &recording) {
        Ok(entry) => Ok((entry, recording)),
        Err(absent) => {
            let Absent { place, platform, absence, .. } = *absent;
            Err(run.absent_alone(resolution, (place, Some(&platform)), &absence))
        }
    }
}

/// References are shown as they are, and hints are about registries.
struct Registry;

impl Names for Registry {
    fn reference(&self, reference: &Reference) -> String {
        reference.to_string()
    }

    fn hint(&self, error: &Error) -> Option<String> {
        hints::of_run(error, self)
    }
}

impl Whereabouts for Registry {
    fn registry(&self, subject: Option<&str>) -> Option<String> {
        let reference: Reference = subject?.parse().ok()?;
        Some(reference.repository().registry().to_owned())
    }

    fn names(&self, _: Option<&str>) -> Option<String> {
        None
    }

    fn advice(&self, _: Option<&str>, _: ErrorCode) -> Option<String> {
        None
    }
}
