//! `refkit create`.

mod annotations;
mod metadata;
mod sources;

use std::path::PathBuf;

use clap::{ArgAction, Args};
use refkit::PublishRequest;
use refkit::settings::Assignment;
use refkit_oci::annotation::Annotation;
use refkit_oci::{Platform, Reference};

use self::metadata::MetadataFile;
use super::{Run, Running};
use crate::arguments::{Along, Format, PublishOptions};
use crate::destination_error;
use crate::error::CommandError;
use crate::output::{Output, Stdout};
use crate::places::Places;
use crate::prepared_publish::PreparedPublish;

/// The tag of a dry run without a destination, in the repository of the sources.
const DRY_RUN: &str = "dry-run";

/// Arguments of `refkit create`.
#[derive(Debug, Args)]
pub struct Create {
    /// The sources: references, digests in the only repository that the command names, or descriptors in JSON. An index
    /// gives its entries, any other source is an entry itself.
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// A file with a source: a descriptor in JSON, a reference or a digest. `-` is standard input. These come before
    /// the other sources.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    source_files: Vec<PathBuf>,
    /// Where the result goes, with a tag; `latest` without one. May be given more than once, also for many registries.
    #[arg(short = 't', long = "tag", value_name = "DEST")]
    destinations: Vec<String>,
    /// Begins with what the first DEST names now.
    #[arg(long, requires = "destinations")]
    append: bool,
    /// Keeps the entries for this platform, such as linux/arm64; may be given more than once.
    #[arg(short = 'p', long = "platform", value_name = "PLATFORM", value_delimiter = ',')]
    platforms: Vec<Platform>,
    /// Sets an annotation: [TYPE:]KEY=VALUE. TYPE is index, manifest-descriptor or manifest, the last two also for one
    /// platform, such as manifest-descriptor[linux/arm64]; index without it.
    #[arg(long = "annotation", value_name = "ANNOTATION")]
    annotations: Vec<Annotation>,
    /// Puts an index around a single manifest; with --prefer-index=false it stays as it is.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true,
        default_missing_value = "true", action = ArgAction::Set)]
    prefer_index: bool,
    /// Writes an OCI index where the result would be a Docker manifest list, which has no annotations.
    #[arg(long)]
    oci: bool,
    /// Writes the descriptor of the result and the names of its repositories into a file, as JSON.
    #[arg(long, value_name = "FILE")]
    metadata_file: Option<PathBuf>,
    #[command(flatten)]
    along: Along,
    #[command(flatten)]
    options: PublishOptions,
}

impl Run for Create {
    fn subject(&self) -> &str {
        self.destinations.first().or(self.sources.first()).map_or("", String::as_str)
    }

    fn format(&self) -> Format {
        self.options.printing.format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.create())
    }
}

impl Create {
    async fn create(&self) -> anyhow::Result<Output> {
        let mut places = Places::default();
        let request = self.request(&mut places).await?;
        let prepared = PreparedPublish::new(places, &self.options, &self.settings()).await?;
        let prepared = prepared.map(|publisher| self.along.allow(publisher));
        let metadata = self.metadata_file.as_deref().filter(|_| !self.options.dry_run);
        let metadata = metadata.map(MetadataFile::open).transpose()?;
        let result = prepared.publish(request).await?;
        let mut output = prepared.output(&result);
        if let Ok(published) = result.published() {
            if self.options.dry_run && self.format() == Format::Text {
                output.stdout = Stdout::Exact(published.bytes.to_vec());
            } else if let Some(metadata) = metadata {
                metadata.write(published, &prepared)?;
            }
        }
        Ok(output)
    }

    /// Returns the request. It opens layouts; no registry gets a request.
    async fn request(&self, places: &mut Places) -> anyhow::Result<PublishRequest> {
        if self.destinations.is_empty() && !self.options.dry_run {
            return Err(CommandError::usage("there is no destination")
                .hint("name one with -t DEST, or use --dry-run")
                .into());
        }
        let mut destinations = Vec::with_capacity(self.destinations.len());
        for text in &self.destinations {
            let found = places.destination(text, None).await?;
            if found.digest().is_some() {
                return Err(destination_error::digest(text).into());
            }
            destinations.push(found);
        }
        let mut texts = Vec::with_capacity(1 + self.source_files.len() + self.sources.len());
        texts.extend(self.destinations.first().filter(|_| self.append).cloned());
        for path in &self.source_files {
            texts.push(sources::of_file(path).await?);
        }
        texts.extend(self.sources.iter().cloned());
        if texts.is_empty() {
            return Err(CommandError::usage("there is no source")
                .hint("name one: refkit create SOURCE -t DEST")
                .into());
        }
        let sources = sources::read(&texts, &destinations, places).await?;
        if let Some(appended) = self.destinations.first().filter(|_| self.append) {
            places.appends(appended);
        }
        if destinations.is_empty() {
            let repository = sources[0].reference.repository().clone();
            destinations.push(Reference::new(repository, Some(DRY_RUN.to_owned()), None)?);
        }
        let mut request = PublishRequest::default().prefer_index(self.prefer_index);
        (request.sources, request.destinations) = (sources, destinations);
        request = self.platforms.iter().cloned().fold(request, PublishRequest::platform);
        request.annotations = annotations::of(&self.annotations)?;
        Ok(request)
    }

    /// Returns the settings of the default publisher.
    fn settings(&self) -> Vec<Assignment> {
        let oci = self.oci.then(|| self.options.setting("oci", "true"));
        oci.into_iter().chain(self.along.settings(&self.options)).collect()
    }
}
