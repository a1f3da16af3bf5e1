//! Makes an image that ships its policies.

use std::collections::{BTreeSet, HashMap};

use clap::ValueEnum;
use refkit::{Engine, ErrorCode};
use refkit_content::LayoutReference;
use refkit_content::copy::{CopyError, Side};
use refkit_images::frontend::image::{MakeError, PlatformImage};
use refkit_images::frontend::{self, Base, Entrypoint, Image, Listed, Program};
use refkit_images::layer::Layer;
use refkit_report::{Escaped, json, table};

use super::destination::Destination;
use super::policies::{self, Packed};
use super::report::MadeReport;
use super::{base, programs};
use crate::arguments::{self, Caching, Format, Registries};
use crate::commands::{FrontendImage, PolicySource};
use crate::directories::Directories;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::hints;
use crate::image_source::ImageSource;
use crate::output::{Output, Stdout};
use crate::policies as chain;

/// The note for a platform for which this refkit has no compiler.
const NOT_COMPILED: &str = "this refkit does not compile for it, so the frontend compiles the policies at every start";

/// Makes the image. It reads, checks and makes everything before it writes anything.
///
/// # Errors
/// A usage error for arguments that contradict each other; a failure for content that cannot be read, made or written.
pub async fn run(arguments: &FrontendImage, directories: &Directories) -> Result<Output, CommandError> {
    let destination = Destination::of(arguments)?;
    let target = target(arguments, destination.registry().is_some(), directories).await?;
    let (programs, mut notes) = programs::find(&arguments.binaries)?;
    let engine = chain::engine(arguments.policies.len() + 1, &arguments.compiling, Some(directories), &mut Vec::new())?;
    let policies = policies::load(&engine, arguments).await?;
    let of = base::read(&target, &programs).await?;
    let image = make(&engine, &of, &programs, &policies, arguments, &mut notes).await?;
    write(&image, &of, &target, &destination, &arguments.registries, directories).await?;
    notes.extend(base::notes(&of.left_out));
    Ok(answer(arguments, &destination, &image, &of, &policies, notes))
}

/// Returns the base, or the image to check. If one of the two images is a layout, `--plain-http` applies to the other
/// one.
///
/// # Errors
/// A usage error for a text that is no reference; a failure for a layout that cannot be read.
pub async fn target(
    arguments: &FrontendImage,
    also_registry: bool,
    directories: &Directories,
) -> Result<ImageSource, CommandError> {
    let is_layout = matches!(LayoutReference::parse(&arguments.base), Ok(Some(_)));
    let target = arguments::Target {
        reference: arguments.base.clone(),
        platforms: Vec::new(),
        all_platforms: false,
        registries: Registries {
            plain_http: arguments.registries.plain_http && !(is_layout && also_registry),
            ..arguments.registries.clone()
        },
        caching: Caching::default(),
    };
    Ok(ImageSource::open(&target, directories).await?)
}

async fn make(
    engine: &Engine,
    base: &Base,
    programs: &[Program],
    policies: &[Packed],
    arguments: &FrontendImage,
    notes: &mut Vec<String>,
) -> Result<Image, CommandError> {
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
    frontend::make(base, &layers, &entrypoint, &listed).map_err(|error| {
        let MakeError { document, reason } = error;
        CommandError::failed(ErrorCode::Invalid, format_args!("{document} of BASE cannot be changed: {reason}"))
    })
}

async fn write(
    image: &Image,
    base: &Base,
    target: &ImageSource,
    destination: &Destination,
    registries: &Registries,
    directories: &Directories,
) -> Result<(), CommandError> {
    let failed = |failed: CopyError| match (failed.side, destination.registry()) {
        (Side::Destination, registry) => {
            let error = refkit::Error::from(failed.error);
            let failure = CommandError::failed(error.code(), &error);
            match (error.code(), registry) {
                (ErrorCode::Unauthorized, Some(registry)) => failure.hint(format_args!("try: docker login {registry}")),
                (ErrorCode::Unavailable, Some(registry)) => match hints::unreachable(&error, registry) {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                },
                _ => failure,
            }
        }
        (Side::Source, _) => base::content(&failed.error, target),
    };
    let (push, repository) = destination.open(registries, directories).await?;
    let from = (&target.source(), target.reference().repository());
    image.write(base, from, (&*push, &repository), destination.name()).await.map_err(failed)
}

fn answer(
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
