//! The source of an image: a registry, or an image layout.

use std::path::Path;
use std::sync::Arc;

use refkit::ErrorCode;
use refkit_content::{DiskCache, Layout, LayoutReference, Origin, Source};
use refkit_oci::Reference;
use refkit_report::Escaped;

use crate::directories::Directories;
use crate::error::CommandError;
use crate::hints::Whereabouts;
use crate::{arguments, caches, registry, server, spelling};

/// How registries are reached.
pub type Access<'a> = (&'a arguments::Registries, &'a arguments::Server, &'a arguments::Caching);

/// How many names of a layout an error lists.
const NAMES_SHOWN: usize = 20;

/// A reference, and the source that it is read from.
pub struct ImageSource {
    text: String,
    reference: Reference,
    layout: Option<Layout>,
    source: Arc<dyn Source>,
    cache: Option<DiskCache>,
    /// Whether a server asks the registry.
    served: bool,
    /// Notes for the user about a cache that the source cannot use.
    pub notes: Vec<String>,
}

impl ImageSource {
    /// Opens the source that the arguments name. No registry gets a request.
    ///
    /// # Errors
    /// A usage error for a text that is no reference; the error of a layout that cannot be read.
    pub async fn open(
        text: &str,
        (registries, server, caching): Access<'_>,
        directories: &Directories,
    ) -> anyhow::Result<Self> {
        let text = text.to_owned();
        match LayoutReference::parse(&text).map_err(CommandError::usage)? {
            Some(_) if registries.plain_http => {
                Err(CommandError::usage("--plain-http is for registries, not for layouts").into())
            }
            Some(wanted) => {
                let (layout, reference) = wanted.open().await?;
                Ok(Self {
                    text,
                    reference,
                    source: Arc::new(layout.clone()),
                    layout: Some(layout),
                    cache: None,
                    served: false,
                    notes: Vec::new(),
                })
            }
            None => {
                let reference = reference(&text)?;
                let mut notes = Vec::new();
                let server = server::client(server)?;
                let served = server.is_some();
                let behind = match server {
                    Some(remote) => caches::behind(remote, caching, directories, &mut notes).await?,
                    None => {
                        let client = registry::client([reference.repository().registry()], registries, directories)?;
                        caches::behind(client, caching, directories, &mut notes).await?
                    }
                };
                let (source, cache) = (behind.source, behind.cache);
                Ok(Self { text, reference, layout: None, source, cache, served, notes })
            }
        }
    }

    /// Returns the reference as policies see it.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Returns the source of content.
    pub fn source(&self) -> Arc<dyn Source> {
        self.source.clone()
    }

    /// Returns why the cache could not keep content, if there was an error.
    pub fn not_kept(&self) -> Option<String> {
        self.cache.as_ref()?.note()
    }

    /// Returns the registry that this program asks by itself: a layout has none, and a server asks by its own settings.
    pub fn registry(&self) -> Option<&str> {
        (self.layout.is_none() && !self.served).then(|| self.reference.repository().registry())
    }

    /// Returns a reference as the user writes it; a reference to a layout has the layout's path.
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
}

impl ImageSource {
    /// Returns lines for the user about an answer from this source: that no registry has confirmed it, and that the cache
    /// could not keep it.
    pub fn messages(&self, origin: &Origin) -> Vec<String> {
        let unconfirmed = matches!(origin, Origin::Seen(_))
            .then(|| format!("{} is from the {origin}: its registry has not confirmed it", self.reference));
        let notes = self.notes.iter().cloned().chain(unconfirmed).chain(self.not_kept());
        notes.map(|note| Escaped(format!("note: {note}")).to_string()).collect()
    }

    /// Returns the repository as the user writes it; a layout's is its path.
    pub fn show_repository(&self) -> String {
        match &self.layout {
            Some(layout) => format!("oci-layout:{}", layout.path().display()),
            None => self.reference.repository().to_string(),
        }
    }
}

impl Whereabouts for ImageSource {
    fn registry(&self, _: Option<&str>) -> Option<String> {
        ImageSource::registry(self).map(str::to_owned)
    }

    fn names(&self, _: Option<&str>) -> Option<String> {
        names(self.layout.as_ref()?)
    }

    fn advice(&self, _: Option<&str>, code: ErrorCode) -> Option<String> {
        of_source(&self.text, code)
    }
}

/// Returns a line with the names in a layout.
pub fn names(layout: &Layout) -> Option<String> {
    let names = layout.names();
    let more = if names.len() > NAMES_SHOWN { ", …" } else { "" };
    let shown = names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| format!("the layout has {shown}{more}"))
}

/// Parses a reference.
///
/// # Errors
/// A usage error if the text is none.
pub fn reference(text: &str) -> Result<Reference, CommandError> {
    text.parse().map_err(|error| {
        let usage = CommandError::usage(error);
        let file = path_of_that_name(text).map(|path| format!("for the file, write {path}"));
        let usual = || "it is written [REGISTRY/]REPOSITORY[:TAG][@DIGEST] or oci-layout:PATH".to_owned();
        usage.hint(file.or_else(|| spelling::of_source(text)).unwrap_or_else(usual))
    })
}

/// Returns what the user can do about an error of a source, going by what the user wrote.
pub fn of_source(text: &str, code: ErrorCode) -> Option<String> {
    let file = path_of_that_name(text).filter(|_| code == ErrorCode::NotFound);
    file.map(|path| format!("for the file, write {path}")).or_else(|| spelling::of_source(text))
}

/// Returns the path to write instead of the name of an image, if it is also that of a file or directory.
pub fn path_of_that_name(text: &str) -> Option<String> {
    Path::new(text).exists().then(|| format!("./{text}"))
}
