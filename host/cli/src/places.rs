//! The registries and image layouts that one command names, as sources and as destinations.

mod archive;
mod layouts;

use std::collections::BTreeSet;
use std::sync::Arc;

use refkit::ErrorCode;
use refkit_content::{DiskCache, LayoutReference, Memory, Principal, Push, Routed, Source};
use refkit_oci::{Digest, Reference, Repository};

use crate::directories::Directories;
use crate::error::CommandError;
use crate::hints::Whereabouts;
use crate::image_source::{Access, of_source, reference};
use crate::{arguments, caches, registry, server, spelling};
use layouts::{LayoutPlace, Layouts};

/// The registries and layouts that a command names. Policies see each layout as a repository of its own.
#[derive(Default)]
pub struct Places {
    layouts: Layouts,
    registries: BTreeSet<String>,
    /// What the user wrote for each place in a registry.
    written: Vec<Written>,
    /// Whether a server asks the registries.
    served: bool,
}

/// What the user wrote for a place in a registry.
struct Written {
    repository: Repository,
    text: String,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Source,
    Destination,
    /// What the destination names already, and the command adds to.
    Appended,
}

/// The stores of all places.
pub struct Stores {
    /// Where content is read.
    pub source: Arc<dyn Source>,
    /// Where content is written.
    pub target: Arc<dyn Push>,
    /// The cache that keeps the content of registries, unless the command uses none.
    pub cache: Option<DiskCache>,
}

impl Places {
    /// Sets whether the layouts that the command writes take an index without its manifests.
    #[must_use]
    pub fn sparse(mut self, sparse: bool) -> Self {
        self.layouts.sparse = sparse;
        self
    }

    /// Adds a source, and returns its reference as policies see it. Opens a layout; no registry gets a request.
    ///
    /// # Errors
    /// A usage error for a text that is no reference; the error of a layout that cannot be read.
    pub async fn source(&mut self, text: &str) -> anyhow::Result<Reference> {
        if let Some(wanted) = LayoutReference::parse(text).map_err(CommandError::usage)? {
            return self.layouts.source(&wanted).await;
        }
        let found = reference(text)?;
        self.write(found.repository(), text, Role::Source);
        Ok(found)
    }

    /// Adds the repository of a source, for all its tags.
    ///
    /// # Errors
    /// As [`source`](Self::source); a usage error for a text with a tag or a digest.
    pub async fn source_repository(&mut self, text: &str) -> anyhow::Result<Repository> {
        if let Some(wanted) = LayoutReference::parse(text).map_err(CommandError::usage)? {
            return match (&wanted.tag, &wanted.digest) {
                (None, None) => self.layouts.source_repository(&wanted).await,
                _ => Err(all_of(text).into()),
            };
        }
        let found = repository(text)?;
        self.write(&found, text, Role::Source);
        Ok(found)
    }

    /// Adds the repository of a destination, for many tags.
    ///
    /// # Errors
    /// As [`destination`](Self::destination); a usage error for a text with a tag or a digest.
    pub async fn destination_repository(&mut self, text: &str) -> anyhow::Result<Repository> {
        if let Some(wanted) = LayoutReference::parse(text).map_err(CommandError::usage)? {
            return match (&wanted.tag, &wanted.digest) {
                (None, None) => Ok(self.layouts.destination(wanted, None).await?.repository().clone()),
                _ => Err(all_of(text).into()),
            };
        }
        let found = repository(text)?;
        self.write(&found, text, Role::Destination);
        Ok(found)
    }

    /// Adds a destination, and returns its reference as policies see it. One without a tag is `latest`; in a layout it is
    /// named like another reference, if one is given. A layout that does not exist is created by the first push.
    ///
    /// # Errors
    /// A usage error for a text that is no reference; the error of a directory in which no layout can be.
    pub async fn destination(&mut self, text: &str, like: Option<&Reference>) -> anyhow::Result<Reference> {
        if let Some(wanted) = LayoutReference::parse(text).map_err(CommandError::usage)? {
            return self.layouts.destination(wanted, like).await;
        }
        let found = reference(text)?;
        self.write(found.repository(), text, Role::Destination);
        Ok(found)
    }

    /// Notes that a source is what a destination names already, to which the command adds.
    pub fn appends(&mut self, text: &str) {
        if let Some(written) = self.written.iter_mut().find(|one| one.role == Role::Source && one.text == text) {
            written.role = Role::Appended;
        }
    }

    fn write(&mut self, repository: &Repository, text: &str, role: Role) {
        self.registries.insert(repository.registry().to_owned());
        self.written.push(Written { repository: repository.clone(), text: text.to_owned(), role });
    }

    /// Makes the repository of a source a destination.
    ///
    /// # Errors
    /// The error of an archive that is none.
    pub async fn writes(&mut self, source: &Reference) -> anyhow::Result<()> {
        self.layouts.writes(source.repository()).await
    }

    /// Returns the reference of a text, as policies see it; none for a layout that no place is.
    ///
    /// # Errors
    /// A usage error for a text that is no reference.
    pub fn known(&self, text: &str) -> Result<Option<Reference>, CommandError> {
        match LayoutReference::parse(text).map_err(CommandError::usage)? {
            Some(wanted) => self.layouts.known(wanted),
            None => reference(text).map(Some),
        }
    }

    /// Opens the stores. No registry gets a request.
    ///
    /// # Errors
    /// The error of a file of settings, or of a cache.
    pub async fn open(
        &mut self,
        (registries, server, caching): Access<'_>,
        directories: &Directories,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<Stores> {
        if self.registries.is_empty() && registries.plain_http {
            return Err(CommandError::usage("--plain-http is for registries, not for layouts").into());
        }
        let server = server::client(server)?;
        self.served = server.is_some();
        let (behind, target) = match server {
            Some(remote) => self.stores(remote, caching, directories, notes).await?,
            None => {
                let named = self.registries.iter().map(String::as_str);
                let client = registry::client(named, registries, directories)?;
                self.stores(client, caching, directories, notes).await?
            }
        };
        let mut source = Routed::<dyn Source>::new(behind.source);
        let mut target = Routed::<dyn Push>::new(target);
        for layout in self.layouts.iter() {
            let repository = &layout.repository;
            let read = layout.source().unwrap_or_else(|| Arc::new(Memory::new()));
            source = source.with(repository.clone(), read);
            if let Some(written) = layout.target() {
                target = target.with(repository.clone(), written);
            }
        }
        Ok(Stores { source: Arc::new(source), target: Arc::new(target), cache: behind.cache })
    }

    /// Returns the client of registries as a source, behind the cache, and as a destination.
    async fn stores<C: Source + Push + Principal + Clone + 'static>(
        &self,
        client: C,
        caching: &arguments::Caching,
        directories: &Directories,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<(caches::Behind, Arc<dyn Push>)> {
        let behind = match self.registries.is_empty() {
            true => caches::Behind { source: Arc::new(client.clone()), cache: None },
            false => caches::behind(client.clone(), caching, directories, notes).await?,
        };
        Ok((behind, Arc::new(client)))
    }

    /// Ends the writing: an archive gets what was written for it.
    ///
    /// # Errors
    /// The error of a file that cannot be written.
    pub async fn finish(&self) -> anyhow::Result<()> {
        self.layouts.finish().await
    }

    /// Returns whether an archive is written, which has nothing of it before the end.
    pub fn writes_archives(&self) -> bool {
        self.layouts.iter().any(LayoutPlace::writes_archive)
    }

    /// Returns the names in a layout that are no tags; in a registry there are none.
    pub fn names_without_tag(&self, repository: &Repository) -> Vec<&str> {
        self.layouts.of(repository).map(LayoutPlace::names_without_tag).unwrap_or_default()
    }

    /// Returns a repository as the user writes it: a layout's path.
    pub fn show_repository(&self, repository: &Repository) -> String {
        self.layouts.show_repository(repository).unwrap_or_else(|| repository.to_string())
    }

    /// Returns a reference as the user writes it; a reference to a layout has the layout's path.
    pub fn show(&self, reference: &Reference) -> String {
        self.layouts.show(reference).unwrap_or_else(|| reference.to_string())
    }
}

/// Parses the name of a repository.
///
/// # Errors
/// A usage error for a text with a tag or a digest, or that is no name.
fn repository(text: &str) -> Result<Repository, CommandError> {
    let found = reference(text)?;
    match Repository::parse(text) {
        Ok(repository) if repository == *found.repository() => Ok(repository),
        _ => Err(all_of(text)),
    }
}

fn all_of(text: &str) -> CommandError {
    CommandError::usage(format_args!("{text} has a tag or a digest, and all tags are copied")).hint("leave it out")
}

/// Returns a reference of parts.
///
/// # Errors
/// A usage error where the tag is none.
fn tagged(repository: Repository, tag: Option<String>, digest: Option<Digest>) -> Result<Reference, CommandError> {
    Reference::new(repository, tag, digest).map_err(CommandError::usage)
}

impl Whereabouts for Places {
    fn registry(&self, subject: Option<&str>) -> Option<String> {
        match subject {
            // A server asks by its own settings.
            _ if self.served => None,
            Some(subject) if self.layouts.subject(subject).is_some() => None,
            Some(subject) => subject.parse().ok().map(|found: Reference| found.repository().registry().to_owned()),
            None => self.registries.first().cloned(),
        }
    }

    fn names(&self, subject: Option<&str>) -> Option<String> {
        self.layouts.subject(subject?)?.names()
    }

    fn advice(&self, subject: Option<&str>, code: ErrorCode) -> Option<String> {
        let about = subject.and_then(|subject| subject.parse().ok());
        let about = about.as_ref().map(Reference::repository);
        let mut written = self.written.iter().filter(|one| about.is_none_or(|about| *about == one.repository));
        written.find_map(|Written { text, role, .. }| match role {
            Role::Source => of_source(text, code),
            Role::Destination => spelling::of_destination(text),
            Role::Appended => {
                (code == ErrorCode::NotFound).then(|| "to write the first one, leave out --append".to_owned())
            }
        })
    }
}
