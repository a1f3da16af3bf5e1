//! The destination of an image: a registry, or a layout directory.

use std::path::PathBuf;
use std::sync::Arc;

use refkit_content::{LayoutReference, LayoutWriter, Push};
use refkit_oci::{Digest, Reference, Repository};

use crate::arguments::Registries;
use crate::commands::FrontendImage;
use crate::directories::Directories;
use crate::error::CommandError;
use crate::registry;

/// The destination of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A reference in a registry, with a tag.
    Registry(Reference),
    /// A layout directory, and the image's name in it, if it gets one.
    Layout(PathBuf, Option<String>),
}

impl Destination {
    /// Returns the destination that the arguments name.
    ///
    /// # Errors
    /// A usage error if they name none, or one that an image cannot be written to.
    pub fn of(arguments: &FrontendImage) -> Result<Self, CommandError> {
        match (&arguments.tag, &arguments.output) {
            (Some(tag), _) => Self::tag(tag),
            (None, Some(output)) => {
                let text =
                    if output.starts_with("oci-layout:") { output.clone() } else { format!("oci-layout:{output}") };
                match LayoutReference::parse(&text).map_err(CommandError::usage)? {
                    Some(layout) => Self::layout(output, layout),
                    None => Err(CommandError::usage(format_args!("{output} is not a layout"))),
                }
            }
            (None, None) => {
                Err(CommandError::usage("there is no destination").hint("name one with -t DEST or -o LAYOUT"))
            }
        }
    }

    fn tag(text: &str) -> Result<Self, CommandError> {
        let no_tag = |with: &str| {
            CommandError::usage(format_args!("the destination {text} has no tag"))
                .hint(format_args!("add one: {with}:TAG"))
        };
        if let Some(layout) = LayoutReference::parse(text).map_err(CommandError::usage)? {
            return match layout {
                LayoutReference { tag: None, digest: None, .. } => Err(no_tag(text)),
                layout => Self::layout(text, layout),
            };
        }
        if Repository::parse(text).is_ok() {
            return Err(no_tag(text));
        }
        let reference = Reference::parse(text).map_err(|error| {
            CommandError::usage(error).hint("it is written [REGISTRY/]REPOSITORY:TAG or oci-layout:PATH:TAG")
        })?;
        if reference.digest().is_some() {
            return Err(digest(text));
        }
        Ok(Self::Registry(reference))
    }

    fn layout(text: &str, layout: LayoutReference) -> Result<Self, CommandError> {
        if layout.digest.is_some() {
            return Err(digest(text));
        }
        if layout.path.extension().is_some_and(|extension| extension == "tar") {
            let failure =
                CommandError::usage(format_args!("{text} would be an archive, and layouts are written as directories"));
            return Err(failure.hint("write a directory, and then: tar -C DIRECTORY -cf FILE.tar ."));
        }
        Ok(Self::Layout(layout.path, layout.tag))
    }

    /// Returns the registry; a layout has none.
    pub fn registry(&self) -> Option<&str> {
        match self {
            Self::Registry(reference) => Some(reference.repository().registry()),
            Self::Layout(..) => None,
        }
    }

    /// Opens the destination for writing. It creates a layout if there is none, and sends no request to a registry.
    ///
    /// # Errors
    /// The error if something else is at the layout's path, or a file of settings cannot be used.
    pub async fn open(
        &self,
        registries: &Registries,
        directories: &Directories,
    ) -> Result<(Arc<dyn Push>, Repository), CommandError> {
        match self {
            Self::Registry(reference) => {
                let client = registry::client(reference, registries, directories).await?;
                Ok((Arc::new(client), reference.repository().clone()))
            }
            Self::Layout(path, _) => {
                let opened = LayoutWriter::open(path).await.map_err(refkit::Error::from);
                let writer = opened.map_err(|error| CommandError::failed(error.code(), &error))?;
                let repository = writer.repository().clone();
                Ok((Arc::new(writer), repository))
            }
        }
    }

    /// Returns the tag that the image gets.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Registry(reference) => reference.tag(),
            Self::Layout(_, tag) => tag.as_deref(),
        }
    }

    /// Returns the pinned reference of the written image, as this command accepts it; the name is that of the root.
    pub fn pinned(&self, digest: &Digest) -> String {
        match self {
            Self::Registry(reference) => reference.with_digest(digest.clone()).to_string(),
            Self::Layout(path, tag) => {
                let tag = tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
                format!("oci-layout:{}{tag}@{digest}", path.display())
            }
        }
    }
}

fn digest(text: &str) -> CommandError {
    let failure = CommandError::usage(format_args!("the destination {text} has a digest, which nobody chooses"));
    failure.hint("give it a tag alone")
}
