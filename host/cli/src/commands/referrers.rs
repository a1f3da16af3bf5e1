//! `refkit referrers`.

use clap::Args;
use refkit::Error;
use refkit_content::{Discover as _, Resolve as _};
use refkit_oci::Descriptor;
use refkit_report::json::DescriptorReport;
use refkit_report::{Escaped, json, table};
use serde::Serialize;

use super::{Run, Running};
use crate::arguments::{Caching, Format, Registries, Server};
use crate::directories::Directories;
use crate::exit::Exit;
use crate::hints;
use crate::image_source::ImageSource;
use crate::output::{Output, Stdout};

/// Arguments of `refkit referrers`.
#[derive(Debug, Args)]
pub struct Referrers {
    /// The image, or another manifest or index.
    #[arg(value_name = "REF")]
    reference: String,
    /// Lists those of this type only, such as application/spdx+json.
    #[arg(long, value_name = "TYPE")]
    artifact_type: Option<String>,
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
    /// What the referrers are about, pinned.
    subject: String,
    referrers: Vec<DescriptorReport>,
}

impl Run for Referrers {
    fn subject(&self) -> &str {
        &self.reference
    }

    fn format(&self) -> Format {
        self.format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.list())
    }
}

impl Referrers {
    async fn list(&self) -> anyhow::Result<Output> {
        let directories = Directories::of_environment();
        let access = (&self.registries, &self.server, &self.caching);
        let image = ImageSource::open(&self.reference, access, &directories).await?;
        let (source, reference) = (image.source(), image.reference());
        let failed = |error| hints::failed(&Error::from(error), &image);
        let subject = match reference.digest() {
            Some(digest) => digest.clone(),
            None => source.resolve(reference).await.map_err(failed)?.value.digest,
        };
        let found = source.referrers(reference.repository(), &subject, self.artifact_type.as_deref()).await;
        let found = found.map_err(failed)?;
        let lines = match self.format {
            Format::Text => table(&found.value.iter().map(row).collect::<Vec<_>>()),
            Format::Json => json::lines(&Report {
                subject: image.show(&reference.with_digest(subject)),
                referrers: found.value.iter().map(Into::into).collect(),
            }),
        };
        Ok(Output { stdout: Stdout::Lines(lines), messages: image.messages(&found.origin), exit: Exit::Resolved })
    }
}

fn row(referrer: &Descriptor) -> [String; 2] {
    let kind = referrer.artifact_type.as_ref().unwrap_or(&referrer.media_type);
    [referrer.digest.to_string(), Escaped(kind).to_string()]
}
