//! Lists the policies that an image ships.

use refkit::ErrorCode;
use refkit_content::Error;
use refkit_images::frontend::{Entrypoint, Images};
use refkit_oci::{Descriptor, Platform};
use refkit_report::{Escaped, json};

use super::inspect::{Inspection, Inspector};
use super::report::{self, CheckReport};
use super::{FrontendImage, failure, make, show};
use crate::arguments::Format;
use crate::directories::Directories;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::image_source::ImageSource;
use crate::output::{Output, Stdout};
use crate::policies as chain;

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
pub async fn run(arguments: &FrontendImage, directories: &Directories) -> anyhow::Result<Output> {
    let source = make::source(arguments, false, directories).await?;
    let failed = |error: Error| failure::of_content(&error, &source);
    let images = Images::read(source.source(), source.reference().clone()).await.map_err(failed)?;
    // One policy describes itself at a time.
    let engine = chain::engine(1, 1, &arguments.compiling, Some(directories), &mut Vec::new())?;
    let mut inspector = Inspector::new(source.source(), source.reference().repository().clone(), engine);
    let mut checked = Vec::new();
    for entry in &images.entries {
        let (manifest, config) = images.documents(entry).await.map_err(failed)?;
        let platform = entry.platform.clone().or_else(|| config.platform()).map(Platform::normalized);
        let inspection = match Entrypoint::read(&config.config.entrypoint) {
            Some(entrypoint) => Ok(inspector.inspect(&manifest, &config, entrypoint, platform.as_ref()).await),
            None => Err(config.config.entrypoint.clone()),
        };
        let manifest = Descriptor::new(&entry.media_type, entry.digest.clone(), entry.size);
        checked.push(Checked { platform, manifest, inspection });
    }
    if checked.iter().all(|image| image.inspection.is_err()) {
        return Err(ships_nothing(&source, &checked).into());
    }
    Ok(output(arguments, &source, images.root(), &checked))
}

fn ships_nothing(source: &ImageSource, images: &[Checked]) -> CommandError {
    let what = source.show(source.reference());
    let entrypoint = match images.iter().find_map(|image| image.inspection.as_ref().err()) {
        None => "it has no image".to_owned(),
        Some(entrypoint) if entrypoint.is_empty() => "it has no entrypoint".to_owned(),
        Some(entrypoint) => format!("its entrypoint is {}", entrypoint.join(" ")),
    };
    let failure = CommandError::failed(ErrorCode::NotFound, format_args!("{what} ships no policies: {entrypoint}"));
    failure.hint("make an image that does: refkit frontend image BASE --policy FILE -t DEST")
}

fn output(arguments: &FrontendImage, source: &ImageSource, root: &Descriptor, images: &[Checked]) -> Output {
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
    let pinned = source.show(&source.reference().with_digest(root.digest.clone()));
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
