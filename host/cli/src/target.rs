//! What the command was asked about: a reference in a registry, or one in an image layout.

use std::path::Path;
use std::sync::Arc;

use refkit::ErrorCode;
use refkit_content::{DiskCache, Layout, LayoutReference, Source};
use refkit_oci::Reference;

use crate::failure::Failure;
use crate::places::Places;
use crate::{arguments, registry};

/// How many of a layout's names an error lists.
const NAMES_SHOWN: usize = 20;

/// A reference, and where it is looked up.
pub struct Target {
    text: String,
    reference: Reference,
    layout: Option<Layout>,
    source: Arc<dyn Source>,
    cache: Option<DiskCache>,
    /// What a person may want to know about how it is looked up.
    pub notes: Vec<String>,
}

impl Target {
    /// Returns what the arguments name. A layout is opened; no registry is asked.
    ///
    /// # Errors
    /// A usage error for a text that is no reference; a failure for a layout that cannot be read.
    pub async fn open(arguments: &arguments::Target, places: &Places) -> Result<Self, Failure> {
        let text = arguments.reference.clone();
        match LayoutReference::parse(&text).map_err(Failure::usage)? {
            Some(_) if arguments.registries.plain_http => {
                Err(Failure::usage("--plain-http is for registries, not for layouts"))
            }
            Some(wanted) => {
                let opened = wanted.open().await;
                let (layout, reference) = opened.map_err(|error| Failure::failed(code(&error), error))?;
                Ok(Self {
                    text,
                    reference,
                    source: Arc::new(layout.clone()),
                    layout: Some(layout),
                    cache: None,
                    notes: Vec::new(),
                })
            }
            None => {
                let reference = reference(&text)?;
                let mut notes = Vec::new();
                let (registries, caching) = (&arguments.registries, &arguments.caching);
                let behind = registry::source(&reference, registries, caching, places, &mut notes).await?;
                Ok(Self { text, reference, layout: None, source: behind.source, cache: behind.cache, notes })
            }
        }
    }

    /// Returns the reference as policies see it.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Returns where it is looked up.
    pub fn source(&self) -> Arc<dyn Source> {
        self.source.clone()
    }

    /// Returns why something could not be kept, where that is so.
    pub fn not_kept(&self) -> Option<String> {
        self.cache.as_ref()?.note()
    }

    /// Returns the registry; a layout has none.
    pub fn registry(&self) -> Option<&str> {
        self.layout.is_none().then(|| self.reference.repository().registry())
    }

    /// Returns a reference as this command takes it: one in the layout has the layout's path.
    pub fn show(&self, reference: &Reference) -> String {
        match &self.layout {
            Some(layout) if layout.repository() == reference.repository() => {
                let text = reference.to_string();
                let rest = text.strip_prefix(&layout.repository().to_string()).unwrap_or_default();
                format!("oci-layout:{}{rest}", layout.path().display())
            }
            _ => reference.to_string(),
        }
    }

    /// Returns what the layout has to choose from, for a person.
    pub fn names(&self) -> Option<String> {
        let names = self.layout.as_ref()?.names();
        let more = if names.len() > NAMES_SHOWN { ", …" } else { "" };
        let shown = names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| format!("the layout has {shown}{more}"))
    }

    /// Returns how to write the path, if there is a file or directory of the name that was taken for an image's.
    pub fn path_of_that_name(&self) -> Option<String> {
        path_of_that_name(&self.text)
    }
}

/// Returns the reference that a text is.
///
/// # Errors
/// A usage error for one that is none.
pub fn reference(text: &str) -> Result<Reference, Failure> {
    text.parse().map_err(|error| {
        let failure = Failure::usage(error);
        match path_of_that_name(text) {
            Some(path) => failure.hint(format!("for the file, write {path}")),
            None => failure.hint("it is written [REGISTRY/]REPOSITORY[:TAG][@DIGEST] or oci-layout:PATH"),
        }
    })
}

fn path_of_that_name(text: &str) -> Option<String> {
    Path::new(text).exists().then(|| format!("./{text}"))
}

fn code(error: &refkit_content::Error) -> ErrorCode {
    refkit::Error::from(error.clone()).code()
}
