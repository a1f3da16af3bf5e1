//! `refkit copy`.

mod all_tags;
pub mod one;

use clap::Args;

use super::{Run, Running};
use crate::arguments::{Format, PublishOptions};
use crate::output::Output;
use one::What;

/// Arguments of `refkit copy`.
#[derive(Debug, Args)]
pub struct Copy {
    /// The image: in a registry, a layout directory or an archive.
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Where it goes: a reference of a registry, a layout directory or a tar archive. Without a tag, it is `latest` in a
    /// registry, and the source's tag in a layout.
    #[arg(value_name = "DEST")]
    destination: String,
    /// Copies all tags of the repository SOURCE, or those that match a pattern such as 1.*, to the repository DEST.
    #[arg(long, value_name = "PATTERN", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "clap reads a flag with an optional value into it")]
    all_tags: Option<Option<String>>,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    options: PublishOptions,
}

impl Run for Copy {
    fn subject(&self) -> &str {
        &self.source
    }

    fn format(&self) -> Format {
        self.options.printing.format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.copy())
    }
}

impl Copy {
    async fn copy(&self) -> anyhow::Result<Output> {
        let texts = (self.source.as_str(), self.destination.as_str());
        match &self.all_tags {
            Some(pattern) => all_tags::copy(texts, pattern.as_deref(), &self.what, &self.options).await,
            None => one::copy(texts, &self.what, &self.options).await,
        }
    }
}
