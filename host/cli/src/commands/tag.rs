//! `refkit tag`.

use clap::Args;
use refkit::PublishRequest;
use refkit_images::Destination;
use refkit_oci::Reference;

use super::{Run, Running};
use crate::arguments::{Format, PublishOptions};
use crate::destination_error;
use crate::error::CommandError;
use crate::output::Output;
use crate::places::Places;
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
    #[command(flatten)]
    options: PublishOptions,
}

impl Run for Tag {
    fn subject(&self) -> &str {
        &self.reference
    }

    fn format(&self) -> Format {
        self.options.printing.format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.tag())
    }
}

impl Tag {
    async fn tag(&self) -> anyhow::Result<Output> {
        let mut places = Places::default();
        let source = places.source(&self.reference).await?;
        places.writes(&source).await?;
        let mut request = PublishRequest::default().source(source.clone());
        for tag in &self.tags {
            request = request.destination(destination(tag, &source, &mut places).await?);
        }
        let prepared = PreparedPublish::new(places, &self.options, &[]).await?;
        let result = prepared.publish(request).await?;
        Ok(prepared.output(&result))
    }
}

/// Returns the reference for a new tag.
///
/// # Errors
/// A usage error for a text that is neither a tag nor a reference with a tag in the source's repository.
async fn destination(text: &str, source: &Reference, places: &mut Places) -> anyhow::Result<Reference> {
    let repository = source.repository();
    if let Ok(tagged) = Reference::new(repository.clone(), Some(text.to_owned()), None) {
        return Ok(tagged);
    }
    Destination::tagged(text).map_err(|error| destination_error::of(&error))?;
    let elsewhere = || {
        let there = places.show(source);
        CommandError::usage(format_args!("{text} is not in the repository of {there}"))
            .hint("a tag is moved within one repository")
    };
    match places.known(text)? {
        Some(found) if found.repository() == repository => Ok(found),
        _ => Err(elsewhere().into()),
    }
}
