//! `refkit push`.

use clap::Args;
use refkit_content::LayoutReference;

use super::copy::one::{self, What};
use super::{Run, Running};
use crate::arguments::{Format, PublishOptions};
use crate::error::CommandError;
use crate::image_source::path_of_that_name;
use crate::output::Output;

/// Arguments of `refkit push`.
#[derive(Debug, Args)]
pub struct Push {
    /// The image layout: a directory or a tar archive, with a tag or a digest if it has several images.
    #[arg(value_name = "LAYOUT")]
    layout: String,
    /// Where the image goes: a reference of a registry; `latest` without a tag.
    #[arg(value_name = "DEST")]
    destination: String,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    options: PublishOptions,
}

impl Run for Push {
    fn subject(&self) -> &str {
        &self.destination
    }

    fn format(&self) -> Format {
        self.options.printing.format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.push())
    }
}

impl Push {
    async fn push(&self) -> anyhow::Result<Output> {
        let is_layout = |text: &str| LayoutReference::parse(text).map(|found| found.is_some());
        if !is_layout(&self.layout).map_err(CommandError::usage)? {
            let usage = CommandError::usage(format_args!("{} is no image layout", self.layout));
            return Err(match path_of_that_name(&self.layout) {
                Some(path) => usage.hint(format_args!("for the file, write {path}")),
                None => usage.hint("write oci-layout:PATH, or copy it from its registry: refkit copy"),
            }
            .into());
        }
        if is_layout(&self.destination).map_err(CommandError::usage)? {
            let usage = CommandError::usage(format_args!("{} is in no registry", self.destination));
            return Err(usage.hint("to copy to a layout: refkit copy").into());
        }
        one::copy((&self.layout, &self.destination), &self.what, &self.options).await
    }
}
