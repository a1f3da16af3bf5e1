//! A prepared publication: the source, where it goes, and the chains of both kinds of policies.

use refkit::{Error, Grants, Publisher, WriteGrants};
use refkit_oci::Reference;
use refkit_report::{Escaped, Names};

use crate::arguments::{self, Target};
use crate::directories::Directories;
use crate::hints;
use crate::image_source::ImageSource;
use crate::policies;

/// A publication within one repository that is ready to start.
pub struct PreparedPublish {
    /// The source.
    pub source: ImageSource,
    /// The publisher.
    pub publisher: Publisher,
    notes: Vec<String>,
}

impl PreparedPublish {
    /// Opens the source and loads the policies. No registry gets a request.
    ///
    /// # Errors
    /// A usage error, or the error of a policy, a layout or a file of settings that cannot be used.
    pub async fn new(
        target: &Target,
        policies: &arguments::Policies,
        publishing: &arguments::Publishing,
    ) -> anyhow::Result<Self> {
        let directories = Directories::of_environment();
        let mut source = ImageSource::open(target, &directories).await?;
        let mut notes = std::mem::take(&mut source.notes);
        let directories = if target.caching.no_cache { None } else { Some(&directories) };
        let files = policies.files.len() + publishing.files.len();
        let engine = policies::engine(files, 2, &policies.compiling, directories, &mut notes)?;
        let resolving = policies::load(&engine, policies).await?;
        let chain = policies::load_publishing(&engine, publishing).await?;
        // The process ends soon after the run, and its end frees the engine and the code faster than dropping them does.
        std::mem::forget((resolving.clone(), chain.clone()));
        let resolver = resolving.resolver(source.source()).grants(Grants::new(policies.grants.iter().cloned()));
        let publisher = chain.publisher(resolver, source.target().await?);
        let publisher = publisher.grants(WriteGrants::new(publishing.grants.iter().cloned()));
        Ok(Self { source, publisher, notes })
    }

    /// Returns notes for the user about caches, escaped.
    pub fn notes(&self) -> Vec<String> {
        let notes = self.notes.iter().cloned().chain(self.source.not_kept());
        notes.map(|note| Escaped(format!("note: {note}")).to_string()).collect()
    }
}

impl Names for PreparedPublish {
    fn reference(&self, reference: &Reference) -> String {
        self.source.show(reference)
    }

    fn hint(&self, error: &Error) -> Option<String> {
        hints::of_run(error, &self.source)
    }
}
