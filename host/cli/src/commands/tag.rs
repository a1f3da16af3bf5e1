//! `refkit tag`.

use clap::Args;
use refkit::PublishRequest;
use refkit_content::LayoutReference;
use refkit_images::Destination;
use refkit_oci::Reference;
use refkit_report::PublishResult;

use super::{Run, Running};
use crate::arguments::{Caching, Policies, Publishing, Registries, Target};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::image_source::ImageSource;
use crate::output::{Output, Stdout};
use crate::prepared_publish::PreparedPublish;

/// Arguments of `refkit tag`.
#[derive(Debug, Args)]
pub struct Tag {
    /// The image.
    #[arg(value_name = "REF")]
    reference: String,
    /// The new tags: a tag, or a reference with a tag in the image's repository.
    #[arg(value_name = "NEW", required = true)]
    tags: Vec<String>,
    /// Checks everything and prints the result, and moves no tag.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    policies: Policies,
    #[command(flatten)]
    publishing: Publishing,
    #[command(flatten)]
    registries: Registries,
    /// Neither reads nor writes the caches of content and of compiled policies.
    #[arg(long, help_heading = "Cache")]
    no_cache: bool,
}

impl Run for Tag {
    fn subject(&self) -> &str {
        &self.reference
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.tag())
    }
}

impl Tag {
    async fn tag(&self) -> anyhow::Result<Output> {
        let target = Target {
            reference: self.reference.clone(),
            platforms: Vec::new(),
            all_platforms: false,
            registries: self.registries.clone(),
            caching: Caching { no_cache: self.no_cache, ..Caching::default() },
        };
        if let Ok(Some(layout)) = LayoutReference::parse(&self.reference)
            && layout.path.is_file()
        {
            let usage = CommandError::usage("an archive gets no new tags");
            return Err(usage.hint("unpack it into a directory").into());
        }
        let prepared = PreparedPublish::new(&target, &self.policies, &self.publishing).await?;
        let tags = self.tags.iter().map(|tag| destination(tag, &prepared.source));
        let mut request = PublishRequest::default().source(prepared.source.reference().clone());
        request.destinations = tags.collect::<Result<_, _>>()?;
        let session = prepared.publisher.clone().dry_run(self.dry_run).session(request);
        let result = PublishResult::of(session, &prepared).await;
        let (lines, exit, messages) = match result.published() {
            Ok(published) => (result.pinned(published), Exit::Resolved, Vec::new()),
            Err(output) => (Vec::new(), Exit::from(output.status), output.messages),
        };
        let messages = prepared.notes().into_iter().chain(messages).collect();
        Ok(Output { stdout: Stdout::Lines(lines), messages, exit })
    }
}

/// Returns the reference for a new tag.
///
/// # Errors
/// A usage error for a text that is neither a tag nor a reference with a tag in the source's repository.
fn destination(text: &str, source: &ImageSource) -> Result<Reference, CommandError> {
    let repository = source.reference().repository();
    if let Ok(tagged) = Reference::new(repository.clone(), Some(text.to_owned()), None) {
        return Ok(tagged);
    }
    let malformed = |error| super::frontend::of_destination(&error);
    let found = match Destination::tagged(text).map_err(malformed)? {
        Destination::Registry(reference) => Some(reference),
        Destination::Layout(path, tag) if source.is_at(&path) => Reference::new(repository.clone(), tag, None).ok(),
        Destination::Layout(..) => None,
    };
    found.filter(|found| found.repository() == repository).ok_or_else(|| {
        let there = source.show(source.reference());
        CommandError::usage(format_args!("{text} is not in the repository of {there}"))
            .hint("a tag is moved within one repository")
    })
}
