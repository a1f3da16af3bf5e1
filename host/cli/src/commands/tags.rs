//! `refkit tags`.

use clap::Args;
use refkit::Error;
use refkit_content::{Discover as _, is_fallback_tag};
use refkit_report::{Escaped, json};
use serde::Serialize;

use super::{Run, Running};
use crate::arguments::{Caching, Format, Registries, Server};
use crate::directories::Directories;
use crate::exit::Exit;
use crate::hints;
use crate::image_source::ImageSource;
use crate::output::{Output, Stdout};

/// Arguments of `refkit tags`.
#[derive(Debug, Args)]
pub struct Tags {
    /// The repository, or an image of it.
    #[arg(value_name = "REPOSITORY")]
    repository: String,
    #[command(flatten)]
    registries: Registries,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    caching: Caching,
    /// How the command prints its output.
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
}

#[derive(Serialize)]
struct Report {
    repository: String,
    tags: Vec<String>,
}

impl Run for Tags {
    fn subject(&self) -> &str {
        &self.repository
    }

    fn format(&self) -> Format {
        self.format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.list())
    }
}

impl Tags {
    /// Lists the tags, but for those that hold a list of referrers.
    async fn list(&self) -> anyhow::Result<Output> {
        let directories = Directories::of_environment();
        let access = (&self.registries, &self.server, &self.caching);
        let image = ImageSource::open(&self.repository, access, &directories).await?;
        let listed = image.source().tags(image.reference().repository()).await;
        let listed = listed.map_err(|error| hints::failed(&Error::from(error), &image))?;
        let tags: Vec<String> = listed.value.into_iter().filter(|tag| !is_fallback_tag(tag)).collect();
        let lines = match self.format {
            Format::Text => tags.iter().map(|tag| Escaped(tag).to_string()).collect(),
            Format::Json => json::lines(&Report { repository: image.show_repository(), tags }),
        };
        Ok(Output { stdout: Stdout::Lines(lines), messages: image.messages(&listed.origin), exit: Exit::Resolved })
    }
}
