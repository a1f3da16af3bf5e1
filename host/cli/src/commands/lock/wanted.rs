//! What the command line wants locked: references, and those of Dockerfiles, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use refkit::platform;
use refkit_content::LayoutReference;
use refkit_dockerfile::{Build, Dockerfile, DockerfileError, Stages};
use refkit_oci::{ErrorCode, Platform, Reference};

use super::{Lock, file};
use crate::error::CommandError;
use crate::image_source;
use crate::prepared_run::platforms;

/// A reference to lock.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub reference: Reference,
    /// As the command line and the Dockerfiles write it.
    pub written: BTreeSet<String>,
    pub platforms: BTreeSet<Platform>,
}

impl Lock {
    /// Returns what is wanted, sorted by reference.
    ///
    /// # Errors
    /// A usage error, or the error of a Dockerfile with its line.
    pub(super) fn wanted(&self) -> anyhow::Result<Vec<Wanted>> {
        let mut all = BTreeMap::new();
        let platforms = platforms(&self.platforms);
        for source in &self.sources {
            match is_file(source)? {
                true => self.of_dockerfile(Path::new(source), &platforms, &mut all)?,
                false => {
                    let reference = image_source::reference(source)?;
                    platforms.iter().for_each(|platform| add(&mut all, &reference, source, platform));
                }
            }
        }
        Ok(all.into_values().collect())
    }

    fn of_dockerfile(
        &self,
        path: &Path,
        platforms: &[Platform],
        all: &mut BTreeMap<String, Wanted>,
    ) -> anyhow::Result<()> {
        let (path, text) = file::dockerfile(path)?;
        let refused = |error: DockerfileError| {
            CommandError::failed(ErrorCode::Invalid, format_args!("{}, {error}", path.display()))
        };
        let dockerfile = Dockerfile::parse(&text).map_err(refused)?;
        for platform in platforms {
            let mut build = Build::for_platform(platform.clone());
            build.build_platform = platform::of_this_machine();
            build.args = self.build_args.iter().map(|text| argument(text)).collect::<Result<_, _>>()?;
            if let Some(stage) = &self.target {
                build.stages = Stages::Target(Some(stage.clone()));
            }
            for image in dockerfile.images(&build).map_err(refused)? {
                add(all, &image.reference, &image.name, &image.platform);
            }
        }
        Ok(())
    }
}

fn add(all: &mut BTreeMap<String, Wanted>, reference: &Reference, written: &str, platform: &Platform) {
    let new = || Wanted { reference: reference.clone(), written: BTreeSet::new(), platforms: BTreeSet::new() };
    let wanted = all.entry(reference.to_string()).or_insert_with(new);
    wanted.written.insert(written.to_owned());
    wanted.platforms.insert(platform.clone());
}

/// Returns whether a text is meant as a file.
///
/// # Errors
/// A usage error for an image layout, whose names mean nothing elsewhere.
fn is_file(text: &str) -> Result<bool, CommandError> {
    if ["/", "./", "../"].iter().any(|start| text.starts_with(start)) || [".", ".."].contains(&text) {
        return Ok(true);
    }
    match LayoutReference::parse(text) {
        Ok(None) => Ok(text.parse::<Reference>().is_err() && Path::new(text).exists()),
        _ => Err(CommandError::usage(format_args!("{text} is an image layout; locks are for registries"))),
    }
}

fn argument(text: &str) -> Result<(String, String), CommandError> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(CommandError::usage(format_args!("--build-arg {text} is not NAME=VALUE"))),
    }
}
