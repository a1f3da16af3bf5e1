//! A prepared run: the image's source, the chain of policies, and how the result is printed.

use refkit::{Budget, Error, Grants, Parts, Request, Resolver, Selection, Session, platform};
use refkit_oci::{Platform, Reference};
use refkit_report::explain::Explained;
use refkit_report::{Escaped, Names, RunOutput, RunResult};

use crate::arguments::{self, Limit, Printing};
use crate::directories::Directories;
use crate::exit::Exit;
use crate::hints;
use crate::image_source::ImageSource;
use crate::output::{Output, Stdout};
use crate::policies;

/// A run that is ready to start. It may start any number of sessions.
pub struct PreparedRun {
    source: ImageSource,
    /// Notes for the user about caches that the command cannot use.
    notes: Vec<String>,
    resolver: Resolver,
}

impl PreparedRun {
    /// Opens the source and loads the policies. No registry gets a request.
    ///
    /// # Errors
    /// A usage error, or the error of a policy, a layout or a file of settings that cannot be used.
    pub async fn new(target: &arguments::Target, policies: &arguments::Policies) -> anyhow::Result<Self> {
        let directories = Directories::of_environment();
        let no_cache = target.caching.no_cache;
        let access = (&target.registries, &target.server, &target.caching);
        let mut source = ImageSource::open(&target.reference, access, &directories).await?;
        let mut notes = std::mem::take(&mut source.notes);
        let directories = if no_cache { None } else { Some(&directories) };
        let engine = policies::engine(policies.files.len(), 1, &policies.compiling, directories, &mut notes)?;
        let chain = policies::load(&engine, policies).await?;
        // The process ends soon after the run, and its end frees the engine and the code faster than dropping them does.
        std::mem::forget(chain.clone());
        let resolver = chain.resolver(source.source()).grants(Grants::new(policies.grants.iter().cloned()));
        let resolver = resolver.budget(Limit::apply(&policies.limits, Budget::default()));
        Ok(Self { source, notes, resolver })
    }

    /// Returns a session for the image.
    pub fn session(&self, selection: Selection, parts: Parts) -> Session {
        self.resolver.session(Request::new(self.source.reference().clone()).select(selection).with(parts))
    }

    /// Returns the output of a run as lines or as JSON.
    pub fn output(&self, run: &RunResult<'_>, output: RunOutput, printing: &Printing) -> Output {
        let explained = self.explained(run, printing);
        let requested = self.source.show(self.source.reference());
        Output::of_run(output, requested, explained.as_ref(), self.cache_notes(run), printing.format)
    }

    /// Returns the output with the exact bytes of one document.
    pub fn exact(&self, run: &RunResult<'_>, bytes: Vec<u8>, printing: &Printing) -> Output {
        let explained = self.explained(run, printing);
        let messages = explained.iter().flat_map(Explained::lines).chain(self.cache_notes(run)).collect();
        Output { stdout: Stdout::Exact(bytes), messages, exit: Exit::Resolved }
    }

    /// Returns notes about the cache: values that no registry has confirmed, and content that the cache could not
    /// keep.
    fn cache_notes(&self, run: &RunResult<'_>) -> Vec<String> {
        let not_kept = self.source.not_kept().map(|note| Escaped(format!("note: {note}")).to_string());
        run.unconfirmed().into_iter().chain(not_kept).collect()
    }

    fn explained(&self, run: &RunResult<'_>, printing: &Printing) -> Option<Explained> {
        printing.explain.then(|| run.explained(&self.notes))
    }
}

impl Names for PreparedRun {
    fn reference(&self, reference: &Reference) -> String {
        self.source.show(reference)
    }

    fn hint(&self, error: &Error) -> Option<String> {
        hints::of_run(error, &self.source)
    }
}

/// Returns the platforms of a request: each named one normalised, or this machine's on Linux if none is named.
pub fn platforms(named: &[Platform]) -> Vec<Platform> {
    if named.is_empty() {
        vec![platform::of_this_machine()]
    } else {
        named.iter().cloned().map(Platform::normalized).collect()
    }
}
