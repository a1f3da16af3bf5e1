//! A prepared publication: the places, and the chains of both kinds of policies.

use std::sync::Arc;

use refkit::settings::Assignment;
use refkit::{Budget, Error, Grants, PublishRequest, Publisher, WriteGrants};
use refkit_content::{DiskCache, Source, is_fallback_tag};
use refkit_oci::{Reference, Repository};
use refkit_report::{Escaped, Names, PublishResult};

use crate::arguments::{Limit, Printing, PublishOptions};
use crate::directories::Directories;
use crate::error::CommandError;
use crate::output::Output;
use crate::places::Places;
use crate::progress::{Progress, ProgressArguments};
use crate::{hints, policies};

/// A publication that is ready to start.
pub struct PreparedPublish {
    publisher: Publisher,
    source: Arc<dyn Source>,
    progress: ProgressArguments,
    printing: Printing,
    /// The places that the command names.
    pub places: Places,
    cache: Option<DiskCache>,
    notes: Vec<String>,
}

impl PreparedPublish {
    /// Opens the stores of the places and loads the policies, with more settings of publishing policies than the command
    /// line gives. No registry gets a request.
    ///
    /// # Errors
    /// A usage error, or the error of a policy or a file of settings that cannot be used.
    pub async fn new(mut places: Places, options: &PublishOptions, settings: &[Assignment]) -> anyhow::Result<Self> {
        let PublishOptions { policies, publishing, .. } = options;
        let directories = Directories::of_environment();
        let mut notes = Vec::new();
        let stores =
            places.open((&options.registries, &options.server, &options.caching()), &directories, &mut notes).await?;
        let directories = if options.no_cache { None } else { Some(&directories) };
        let files = policies.files.len() + publishing.files.len();
        let engine = policies::engine(files, 2, &policies.compiling, directories, &mut notes)?;
        let resolving = policies::load(&engine, policies).await?;
        let chain = policies::load_publishing(&engine, publishing, settings).await?;
        // The process ends soon after the run, and its end frees the engine and the code faster than dropping them does.
        std::mem::forget((resolving.clone(), chain.clone()));
        let resolver = resolving.resolver(stores.source.clone()).grants(Grants::new(policies.grants.iter().cloned()));
        let publisher = chain.publisher(resolver, stores.target).dry_run(options.dry_run);
        let publisher = publisher.budget(Limit::apply(&policies.limits, Budget::for_publication()));
        let publisher = publisher.grants(WriteGrants::new(publishing.grants.iter().cloned()));
        let (source, progress, printing) = (stores.source, options.progress, options.printing);
        Ok(Self { publisher, source, progress, printing, places, cache: stores.cache, notes })
    }

    /// Changes the publisher.
    #[must_use]
    pub fn map(self, change: impl FnOnce(Publisher) -> Publisher) -> Self {
        Self { publisher: change(self.publisher), ..self }
    }

    /// Publishes, and shows the progress.
    ///
    /// # Errors
    /// The error of an archive that cannot be written. The result has every other error.
    pub async fn publish(&self, request: PublishRequest) -> anyhow::Result<PublishResult<'_>> {
        let result = self.publish_part(request).await;
        if result.published().is_ok() {
            self.places.finish().await?;
        }
        Ok(result)
    }

    /// Publishes one of several, and shows the progress. After the last one the caller ends the writing of the places.
    pub async fn publish_part(&self, request: PublishRequest) -> PublishResult<'_> {
        // It ends here, so that nothing is drawn over what the command prints.
        let progress = Progress::new(&self.progress);
        let publisher = progress.watch(self.publisher.clone());
        PublishResult::of(publisher.session(request), self).await
    }

    /// Returns the tags of a repository, but for those that hold a list of referrers.
    ///
    /// # Errors
    /// The error of the source, with its hint.
    pub async fn tags(&self, repository: &Repository) -> Result<Vec<String>, CommandError> {
        match self.source.tags(repository).await {
            Ok(tags) => Ok(tags.value.into_iter().filter(|tag| !is_fallback_tag(tag)).collect()),
            Err(error) => Err(hints::failed(&Error::from(error), &self.places)),
        }
    }

    /// Returns the output of a publication as lines or as JSON, explained if the user wants that: a line or an entry for
    /// each destination, or the reasons why there is none.
    pub fn output(&self, result: &PublishResult<'_>) -> Output {
        let mut output = Output::of_messages(self.notes());
        output.add(self.output_of_part(result));
        output
    }

    /// Returns the output of one of several publications, without the [`notes`](Self::notes): in JSON, a document.
    pub fn output_of_part(&self, result: &PublishResult<'_>) -> Output {
        let explained = self.printing.explain.then(|| result.explained(&self.notes));
        let (requested, notes) = (result.requested(), result.notes());
        Output::of_run(result.output(), requested, explained.as_ref(), notes, self.printing.format)
    }

    /// Returns notes for the user about caches, escaped.
    pub fn notes(&self) -> Vec<String> {
        let not_kept = self.cache.as_ref().and_then(DiskCache::note);
        let notes = self.notes.iter().cloned().chain(not_kept);
        notes.map(|note| Escaped(format!("note: {note}")).to_string()).collect()
    }
}

impl Names for PreparedPublish {
    fn reference(&self, reference: &Reference) -> String {
        self.places.show(reference)
    }

    fn hint(&self, error: &Error) -> Option<String> {
        hints::of_run(error, &self.places)
    }
}
