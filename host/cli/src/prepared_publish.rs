//! A prepared publication: the places, and the chains of both kinds of policies.

use refkit::settings::Assignment;
use refkit::{Error, Grants, Publisher, WriteGrants};
use refkit_content::DiskCache;
use refkit_oci::Reference;
use refkit_report::{Escaped, Names, PublishResult};

use crate::arguments::PublishOptions;
use crate::directories::Directories;
use crate::exit::Exit;
use crate::output::{Output, Stdout};
use crate::places::Places;
use crate::progress::Progress;
use crate::{hints, policies};

/// A publication that is ready to start.
pub struct PreparedPublish {
    /// The publisher.
    pub publisher: Publisher,
    /// The places that the command names.
    pub places: Places,
    cache: Option<DiskCache>,
    notes: Vec<String>,
    /// Of all runs of the publisher. It ends with the publication, before the command prints its output.
    _progress: Progress,
}

impl PreparedPublish {
    /// Opens the stores of the places and loads the policies, with more settings of publishing policies than the command
    /// line gives. No registry gets a request.
    ///
    /// # Errors
    /// A usage error, or the error of a policy or a file of settings that cannot be used.
    pub async fn new(places: Places, options: &PublishOptions, settings: &[Assignment]) -> anyhow::Result<Self> {
        let PublishOptions { policies, publishing, .. } = options;
        let directories = Directories::of_environment();
        let mut notes = Vec::new();
        let stores = places.open(&options.registries, &options.caching(), &directories, &mut notes).await?;
        let directories = if options.no_cache { None } else { Some(&directories) };
        let files = policies.files.len() + publishing.files.len();
        let engine = policies::engine(files, 2, &policies.compiling, directories, &mut notes)?;
        let resolving = policies::load(&engine, policies).await?;
        let chain = policies::load_publishing(&engine, publishing, settings).await?;
        // The process ends soon after the run, and its end frees the engine and the code faster than dropping them does.
        std::mem::forget((resolving.clone(), chain.clone()));
        let resolver = resolving.resolver(stores.source).grants(Grants::new(policies.grants.iter().cloned()));
        let publisher = chain.publisher(resolver, stores.target).dry_run(options.dry_run);
        let publisher = publisher.grants(WriteGrants::new(publishing.grants.iter().cloned()));
        let progress = Progress::new(&options.progress);
        let publisher = progress.watch(publisher);
        Ok(Self { publisher, places, cache: stores.cache, notes, _progress: progress })
    }

    /// Returns the output of a publication: a line for each destination, or the reasons why there is none.
    pub fn output(&self, result: &PublishResult<'_>) -> Output {
        let (lines, exit, messages) = match result.published() {
            Ok(published) => (result.pinned(published), Exit::Resolved, Vec::new()),
            Err(output) => (Vec::new(), Exit::from(output.status), output.messages),
        };
        Output { stdout: Stdout::Lines(lines), messages: self.notes().into_iter().chain(messages).collect(), exit }
    }

    /// Returns notes for the user about caches, escaped.
    fn notes(&self) -> Vec<String> {
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
