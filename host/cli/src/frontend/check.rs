//! Lists the policies that an image ships.

use bytes::Bytes;
use refkit::ErrorCode;
use refkit_content::{Content, ErrorKind, MANIFEST_LIMIT, Operation, Resolve, verify};
use refkit_images::frontend::Entrypoint;
use refkit_oci::document::{self, Config, Document, Limits, Manifest, media_type};
use refkit_oci::{Descriptor, Platform};
use refkit_report::{Escaped, json};

use super::base;
use super::inspect::{Inspection, Inspector};
use super::report::{self, CheckReport};
use super::{make, show};
use crate::arguments::Format;
use crate::commands::FrontendImage;
use crate::directories::Directories;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::image_source::ImageSource;
use crate::output::{Output, Stdout};
use crate::policies as chain;

/// How many images of an index are inspected.
const IMAGES_LIMIT: usize = 64;

/// How many slots an engine has: one for a policy that describes itself, and one for the default policy.
const PLACES: usize = 2;

/// An inspected image.
pub struct Checked {
    /// The platform of the index or the config.
    pub platform: Option<Platform>,
    /// The manifest.
    pub manifest: Descriptor,
    /// What the image ships, or its entrypoint if that runs another program.
    pub inspection: Result<Inspection, Vec<String>>,
}

/// Inspects an image.
///
/// # Errors
/// A failure for an image that cannot be read, or that ships no policies.
pub async fn run(arguments: &FrontendImage, directories: &Directories) -> Result<Output, CommandError> {
    let target = make::target(arguments, false, directories).await?;
    let source = target.source();
    let root = source.pull(target.reference()).await.map_err(|error| base::content(&error, &target))?.value;
    let engine = chain::engine(PLACES, &arguments.compiling, Some(directories), &mut Vec::new())?;
    let repository = target.reference().repository().clone();
    let mut inspector = Inspector::new(source, repository, engine);
    let mut images = Vec::new();
    for (entry, bytes) in entries(&target, &root).await? {
        let (manifest, config) = documents(&target, &entry, &bytes).await?;
        let platform = entry.platform.clone().map(Platform::normalized);
        let platform = platform.or_else(|| config.platform().map(Platform::normalized));
        let inspection = match Entrypoint::read(&config.config.entrypoint) {
            Some(entrypoint) => Ok(inspector.inspect(&manifest, &config, entrypoint, platform.as_ref()).await),
            None => Err(config.config.entrypoint.clone()),
        };
        let manifest = Descriptor::new(entry.media_type, entry.digest, entry.size);
        images.push(Checked { platform, manifest, inspection });
    }
    if images.iter().all(|image| image.inspection.is_err()) {
        return Err(ships_nothing(&target, &images));
    }
    Ok(answer(arguments, &target, &root.descriptor, &images))
}

/// Returns the manifests of an image, attestations aside.
async fn entries(target: &ImageSource, root: &Content) -> Result<Vec<(Descriptor, Bytes)>, CommandError> {
    let Content { descriptor, bytes } = root;
    let document = document::read(Some(&descriptor.media_type), bytes, &Limits::default());
    let index = match document.map_err(|error| malformed(target, descriptor, &error))? {
        Document::Manifest(_) => return Ok(vec![(descriptor.clone(), bytes.clone())]),
        Document::Index(index) => index,
    };
    let wanted = |entry: &&Descriptor| media_type::is_manifest(&entry.media_type) && !entry.is_attestation();
    let entries: Vec<&Descriptor> = index.manifests.iter().filter(wanted).collect();
    if entries.len() > IMAGES_LIMIT {
        return Err(malformed(target, descriptor, &format_args!("it has more than {IMAGES_LIMIT} images")));
    }
    let mut read = Vec::new();
    for entry in entries {
        read.push((entry.clone(), fetch(target, entry).await?));
    }
    Ok(read)
}

async fn documents(
    target: &ImageSource,
    descriptor: &Descriptor,
    bytes: &[u8],
) -> Result<(Manifest, Config), CommandError> {
    let document = document::read(Some(&descriptor.media_type), bytes, &Limits::default());
    let manifest = match document.map_err(|error| malformed(target, descriptor, &error))? {
        Document::Manifest(manifest) => manifest,
        Document::Index(_) => return Err(malformed(target, descriptor, &"it is an index, not a manifest")),
    };
    if !media_type::is_config(&manifest.config.media_type) {
        // An artifact has no entrypoint.
        return Ok((manifest, Config::default()));
    }
    let config = fetch(target, &manifest.config).await?;
    let config = document::read_config(&config).map_err(|error| malformed(target, &manifest.config, &error))?;
    Ok((manifest, config))
}

async fn fetch(target: &ImageSource, descriptor: &Descriptor) -> Result<Bytes, CommandError> {
    let fetched = verify::fetch(&target.source(), target.reference().repository(), descriptor, MANIFEST_LIMIT).await;
    fetched.map(|answer| answer.value).map_err(|error| base::content(&error, target))
}

fn malformed(target: &ImageSource, descriptor: &Descriptor, what: &dyn std::fmt::Display) -> CommandError {
    let subject = format!("{}@{}", target.reference().repository(), descriptor.digest);
    base::content(
        &refkit_content::Error::new(Operation::Fetch, subject, ErrorKind::Malformed(what.to_string())),
        target,
    )
}

fn ships_nothing(target: &ImageSource, images: &[Checked]) -> CommandError {
    let what = target.show(target.reference());
    let entrypoint = match images.iter().find_map(|image| image.inspection.as_ref().err()) {
        None => "it has no image".to_owned(),
        Some(entrypoint) if entrypoint.is_empty() => "it has no entrypoint".to_owned(),
        Some(entrypoint) => format!("its entrypoint is {}", entrypoint.join(" ")),
    };
    let failure = CommandError::failed(ErrorCode::NotFound, format_args!("{what} ships no policies: {entrypoint}"));
    failure.hint("make an image that does: refkit frontend image BASE --policy FILE -t DEST")
}

fn answer(arguments: &FrontendImage, target: &ImageSource, root: &Descriptor, images: &[Checked]) -> Output {
    let mut messages = Vec::new();
    for image in images {
        let name = show::name(image);
        let mut add = |kind: &str, text: &str| messages.push(format!("{kind}: {name}: {}", Escaped(text)));
        match &image.inspection {
            Ok(Inspection { shipped, .. }) => {
                shipped.errors.iter().for_each(|text| add("error", text));
                shipped.warnings.iter().for_each(|text| add("warning", text));
            }
            Err(_) => add("error", "it ships no policies"),
        }
    }
    let whole = images.iter().all(|image| image.inspection.as_ref().is_ok_and(|found| found.shipped.errors.is_empty()));
    let pinned = target.show(&target.reference().with_digest(root.digest.clone()));
    let lines = match arguments.format {
        Format::Text => show::lines(&pinned, root, images),
        Format::Json => json::lines(&CheckReport {
            outcome: "checked",
            requested: arguments.base.clone(),
            pinned,
            root: root.into(),
            images: images.iter().map(report::image).collect(),
        }),
    };
    let exit = if whole { Exit::Resolved } else { Exit::Failed };
    Output { stdout: Stdout::Lines(lines), messages, exit }
}
