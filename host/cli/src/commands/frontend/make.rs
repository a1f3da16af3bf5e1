//! Makes an image that ships its policies.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use clap::ValueEnum;
use refkit::Engine;
use refkit_content::copy::Options;
use refkit_content::{LayoutReference, LayoutWriter, Push};
use refkit_images::Destination;
use refkit_images::frontend::elf::Machine;
use refkit_images::frontend::image::PlatformImage;
use refkit_images::frontend::{self, Base, Entrypoint, Image, Listed, Program, program};
use refkit_images::layer::Layer;
use refkit_oci::Repository;
use refkit_report::{Escaped, json, table};

use super::policies::{self, Packed};
use super::report::MadeReport;
use super::{FrontendImage, PolicySource, failure, left_out, programs};
use crate::arguments::{Caching, Format, Registries, Server};
use crate::destination_error;
use crate::directories::Directories;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::image_source::ImageSource;
use crate::output::{Output, Stdout};
use crate::progress::Progress;
use crate::{policies as chain, registry};

/// The note for a platform for which this refkit has no compiler.
const NOT_COMPILED: &str = "this refkit does not compile for it, so the frontend compiles the policies at every start";

/// Makes the image. It reads, checks and makes everything before it writes anything.
///
/// # Errors
/// A usage error for arguments that contradict each other; a failure for content that cannot be read, made or written.
pub async fn run(arguments: &FrontendImage, directories: &Directories) -> anyhow::Result<Output> {
    let destination = destination(arguments)?;
    let source = source(arguments, destination.registry().is_some(), directories).await?;
    let programs = match &arguments.binaries[..] {
        [] => programs::beside(&programs::directory()?),
        named => program::named(named).map(|programs| (programs, Vec::new())),
    };
    let (programs, mut notes) = programs.map_err(|error| failure::of_program(&error))?;
    let engine = chain::engine(arguments.policies.len(), 1, &arguments.compiling, Some(directories), &mut Vec::new())?;
    let policies = policies::load(&engine, arguments).await?;
    let machines: Vec<Machine> = programs.iter().map(|program| program.machine).collect();
    let base = frontend::base::read(&source.source(), source.reference(), &machines).await;
    let base = base.map_err(|error| failure::of_base(&error, &source, &machines))?;
    let image = make(&engine, &base, &programs, &policies, arguments, &mut notes).await?;
    write(&image, &base, &source, &destination, arguments, directories).await?;
    notes.extend(left_out::notes(&base.left_out));
    Ok(output(arguments, &destination, &image, &base, &policies, notes))
}

/// Returns the destination that the arguments name.
///
/// # Errors
/// A usage error if they name none, or one that an image cannot be written to.
fn destination(arguments: &FrontendImage) -> Result<Destination, CommandError> {
    let found = match (&arguments.tag, &arguments.output) {
        (Some(tag), _) => Destination::tagged(tag),
        (None, Some(output)) => Destination::layout(output),
        (None, None) => {
            return Err(CommandError::usage("there is no destination").hint("name one with -t DEST or -o LAYOUT"));
        }
    };
    found.map_err(|error| destination_error::of(&error))
}

/// Returns the source of BASE. If only one of BASE and the destination is in a registry, `--plain-http` is about that one.
///
/// # Errors
/// A usage error for a text that is no reference; a failure for a layout that cannot be read.
pub async fn source(
    arguments: &FrontendImage,
    also_registry: bool,
    directories: &Directories,
) -> anyhow::Result<ImageSource> {
    let is_layout = matches!(LayoutReference::parse(&arguments.base), Ok(Some(_)));
    let registries = Registries {
        plain_http: arguments.registries.plain_http && !(is_layout && also_registry),
        ..arguments.registries.clone()
    };
    let access = (&registries, &Server::default(), &Caching::default());
    ImageSource::open(&arguments.base, access, directories).await
}

async fn make(
    engine: &Engine,
    base: &Base,
    programs: &[Program],
    policies: &[Packed],
    arguments: &FrontendImage,
    notes: &mut Vec<String>,
) -> anyhow::Result<Image> {
    let allowed = arguments.allow_policy.iter().filter_map(PolicySource::to_possible_value);
    let entrypoint = Entrypoint {
        policies: policies.iter().map(Packed::path).collect(),
        settings: arguments.settings.iter().map(ToString::to_string).collect(),
        grants: arguments.grants.iter().map(ToString::to_string).collect(),
        allowed: allowed.map(|value| value.get_name().to_owned()).collect(),
        ..Entrypoint::default()
    };
    let listed: Vec<Listed> = policies.iter().map(Packed::listed).collect();
    let mut layers: HashMap<usize, Layer> = HashMap::new();
    for used in base.images.iter().map(|image| image.program).collect::<BTreeSet<usize>>() {
        let program = &programs[used];
        let (layer, compiled) = policies::layer(engine, policies, program).await?;
        if !compiled {
            let platform = program.machine.platform();
            notes.push(format!("{platform}: {NOT_COMPILED}"));
        }
        layers.insert(used, layer);
    }
    Ok(frontend::make(base, &layers, &entrypoint, &listed).map_err(|error| failure::of_making(&error))?)
}

async fn write(
    image: &Image,
    base: &Base,
    source: &ImageSource,
    destination: &Destination,
    arguments: &FrontendImage,
    directories: &Directories,
) -> anyhow::Result<()> {
    let (push, repository): (Arc<dyn Push>, Repository) = match destination {
        Destination::Registry(reference) => {
            let client = registry::client([reference.repository().registry()], &arguments.registries, directories)?;
            (Arc::new(client), reference.repository().clone())
        }
        Destination::Layout(path, _) => {
            let writer = LayoutWriter::open(path).await?;
            let repository = writer.repository().clone();
            (Arc::new(writer), repository)
        }
    };
    let from = (&source.source(), source.reference().repository());
    let progress = Progress::new(&arguments.progress);
    let options = progress.of_copy(Options::default(), &repository);
    let written = image.write(base, from, (&*push, &repository), destination.tag(), &options).await;
    // Nothing is drawn over what the command prints.
    drop(progress);
    Ok(written.map_err(|error| failure::of_copy(error, source, destination))?)
}

fn output(
    arguments: &FrontendImage,
    destination: &Destination,
    image: &Image,
    base: &Base,
    policies: &[Packed],
    notes: Vec<String>,
) -> Output {
    let pinned = destination.pinned(&image.root.descriptor.digest);
    let lines = match arguments.format {
        Format::Text => {
            let row = |one: &PlatformImage| {
                [one.platform.to_string(), one.manifest.descriptor.digest.to_string()]
                    .map(|cell| Escaped(cell).to_string())
            };
            let rows: Vec<[String; 2]> = image.platforms.iter().map(row).collect();
            std::iter::once(Escaped(pinned).to_string()).chain(table(&rows)).collect()
        }
        Format::Json => {
            let report = MadeReport::new(&arguments.base, pinned, image, base, policies);
            json::lines(&report.notes(&notes))
        }
    };
    let messages = notes.iter().map(|note| Escaped(note).to_string()).collect();
    Output { stdout: Stdout::Lines(lines), messages, exit: Exit::Resolved }
}
