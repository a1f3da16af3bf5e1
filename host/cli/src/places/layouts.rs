//! The layouts among the places of a command.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use refkit_content::{Layout, LayoutReference, LayoutWriter, Push, Source};
use refkit_oci::{Reference, Repository};

use super::archive::ArchivePlace;
use super::tagged;
use crate::error::CommandError;
use crate::image_source::names;

/// The tag of an image that gets no other one.
const LATEST: &str = "latest";

/// What writes a layout.
enum Writer {
    Directory(LayoutWriter),
    Archive(Arc<ArchivePlace>),
}

/// A layout as a repository.
pub struct LayoutPlace {
    /// The repository that policies see.
    pub repository: Repository,
    /// What writes, if the layout is a destination.
    writer: Option<Writer>,
    /// The layout as it was when the command began, if it is a source.
    layout: Option<Layout>,
    /// The path as the user wrote it first.
    path: PathBuf,
    /// The path of the directory or the archive, by which two spellings are one layout.
    real: PathBuf,
}

impl LayoutPlace {
    /// Returns the store to read from: the present state, if the command writes the layout as well. An archive stays as it
    /// was until the end, and there is none to read if there was none.
    pub fn source(&self) -> Option<Arc<dyn Source>> {
        Some(match (&self.writer, &self.layout) {
            (Some(Writer::Directory(writer)), _) => Arc::new(writer.clone()),
            (Some(Writer::Archive(archive)), _) => Arc::new(archive.before.clone()?),
            (None, layout) => Arc::new(layout.clone()?),
        })
    }

    /// Returns the store to write to, if the layout is a destination.
    pub fn target(&self) -> Option<Arc<dyn Push>> {
        Some(match self.writer.as_ref()? {
            Writer::Directory(writer) => Arc::new(writer.clone()),
            Writer::Archive(archive) => archive.clone(),
        })
    }

    /// Makes the layout a destination. A sparse one takes an index without its manifests.
    async fn writes(&mut self, sparse: bool) -> anyhow::Result<()> {
        if self.writer.is_some() {
            return Ok(());
        }
        if let Some(ending) = compressed(&self.path).filter(|_| !self.path.exists()) {
            let text = format_args!("archives are written uncompressed, and {} ends in {ending}", self.path.display());
            return Err(CommandError::usage(text)
                .hint("end the name in .tar, and compress the file afterwards")
                .into());
        }
        if self.path.extension().is_some_and(|extension| extension == "tar") || self.path.is_file() {
            self.writer = Some(Writer::Archive(ArchivePlace::open(&self.path, &self.repository, sparse).await?));
        } else {
            let writer = LayoutWriter::planned(&self.path).await?.named(self.repository.clone());
            self.writer = Some(Writer::Directory(writer.sparse(sparse)));
        }
        Ok(())
    }

    /// Makes an archive of what was written for it.
    async fn finish(&self) -> anyhow::Result<()> {
        match &self.writer {
            Some(Writer::Archive(archive)) => Ok(archive.finish().await?),
            _ => Ok(()),
        }
    }

    /// Returns whether an archive is written.
    pub fn writes_archive(&self) -> bool {
        matches!(self.writer, Some(Writer::Archive(_)))
    }

    /// Returns the names of entries that are no tags.
    pub fn names_without_tag(&self) -> Vec<&str> {
        let entries = self.layout.iter().flat_map(Layout::entries);
        entries.filter_map(refkit_content::layout::Entry::name_without_tag).collect()
    }

    /// Returns a line with the names in the layout.
    pub fn names(&self) -> Option<String> {
        names(self.layout.as_ref()?)
    }
}

/// Returns the ending of the path of a compressed archive.
fn compressed(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    [".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"].into_iter().find(|ending| name.ends_with(ending))
}

/// The layouts of a command, each once.
#[derive(Default)]
pub struct Layouts {
    all: Vec<LayoutPlace>,
    /// Whether those that are written take an index without its manifests.
    pub sparse: bool,
}

impl Layouts {
    /// Adds a source.
    ///
    /// # Errors
    /// The error of a layout that cannot be read; a usage error for a reference that cannot be one.
    pub async fn source(&mut self, wanted: &LayoutReference) -> anyhow::Result<Reference> {
        let place = self.place(wanted);
        let layout = Layout::open(&wanted.path).await?.named(place.repository.clone());
        let reference = match (&wanted.tag, &wanted.digest) {
            (None, None) => layout.default_reference()?,
            (tag, digest) => tagged(place.repository.clone(), tag.clone(), digest.clone())?,
        };
        place.layout = Some(layout);
        Ok(reference)
    }

    /// Adds a source of which all tags are read.
    ///
    /// # Errors
    /// The error of a layout that cannot be read.
    pub async fn source_repository(&mut self, wanted: &LayoutReference) -> anyhow::Result<Repository> {
        let place = self.place(wanted);
        place.layout = Some(Layout::open(&wanted.path).await?.named(place.repository.clone()));
        Ok(place.repository.clone())
    }

    /// Adds a destination.
    ///
    /// # Errors
    /// The error of a directory in which no layout can be, or of an archive that is none.
    pub async fn destination(
        &mut self,
        wanted: LayoutReference,
        like: Option<&Reference>,
    ) -> anyhow::Result<Reference> {
        let sparse = self.sparse;
        let place = self.place(&wanted);
        place.writes(sparse).await?;
        let (tag, digest) = match (wanted.tag, wanted.digest, like) {
            (None, None, None) => (Some(LATEST.to_owned()), None),
            (None, None, Some(like)) => match like.tag() {
                Some(tag) => (Some(tag.to_owned()), None),
                None => (None, like.digest().cloned()),
            },
            (tag, digest, _) => (tag, digest),
        };
        Ok(tagged(place.repository.clone(), tag, digest)?)
    }

    /// Makes a source a destination, if it is a layout.
    ///
    /// # Errors
    /// As [`destination`](Self::destination).
    pub async fn writes(&mut self, repository: &Repository) -> anyhow::Result<()> {
        match self.all.iter_mut().find(|place| place.repository == *repository) {
            Some(place) => place.writes(self.sparse).await,
            None => Ok(()),
        }
    }

    /// Returns the reference of a layout that is one of these.
    ///
    /// # Errors
    /// A usage error for a reference with neither tag nor digest.
    pub fn known(&self, wanted: LayoutReference) -> Result<Option<Reference>, CommandError> {
        let real = real(&wanted.path);
        let found = self.all.iter().find(|place| place.real == real);
        found.map(|place| tagged(place.repository.clone(), wanted.tag, wanted.digest)).transpose()
    }

    /// Makes the archives of what was written for them.
    ///
    /// # Errors
    /// The error of a file that cannot be written.
    pub async fn finish(&self) -> anyhow::Result<()> {
        for place in &self.all {
            place.finish().await?;
        }
        Ok(())
    }

    /// Returns all layouts.
    pub fn iter(&self) -> impl Iterator<Item = &LayoutPlace> {
        self.all.iter()
    }

    /// Returns the layout that is a repository.
    pub fn of(&self, repository: &Repository) -> Option<&LayoutPlace> {
        self.all.iter().find(|place| place.repository == *repository)
    }

    /// Returns a reference with the path of its layout; none for a reference of a registry.
    pub fn show(&self, reference: &Reference) -> Option<String> {
        let shown = self.show_repository(reference.repository())?;
        let text = reference.to_string();
        let rest = text.strip_prefix(&reference.repository().to_string()).unwrap_or_default();
        Some(format!("{shown}{rest}"))
    }

    /// Returns the path of the layout that is a repository.
    pub fn show_repository(&self, repository: &Repository) -> Option<String> {
        Some(format!("oci-layout:{}", self.of(repository)?.path.display()))
    }

    /// Returns the layout that the subject of an error is in. The subject is written as policies see it.
    pub fn subject(&self, subject: &str) -> Option<&LayoutPlace> {
        self.all.iter().find(|place| {
            let rest = subject.strip_prefix(&place.repository.to_string());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
        })
    }

    /// Returns the place of a layout. Two layouts whose files have one name get repositories of two names.
    fn place(&mut self, wanted: &LayoutReference) -> &mut LayoutPlace {
        let real = real(&wanted.path);
        let found = self.all.iter().position(|place| place.real == real).unwrap_or_else(|| {
            let repository = self.free(&wanted.repository());
            self.all.push(LayoutPlace { repository, writer: None, layout: None, path: wanted.path.clone(), real });
            self.all.len() - 1
        });
        &mut self.all[found]
    }

    fn free(&self, wanted: &Repository) -> Repository {
        let numbered = |number: usize| Repository::new(wanted.registry(), format!("{}-{number}", wanted.path())).ok();
        let mut names = std::iter::once(wanted.clone()).chain((2..).filter_map(numbered));
        names.find(|name| self.of(name).is_none()).unwrap_or_else(|| wanted.clone())
    }
}

/// Returns a path by which two spellings are equal. Of a layout that does not exist yet, the directory above it may exist.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let above = || Some(absolute.parent()?.canonicalize().ok()?.join(absolute.file_name()?));
    absolute.canonicalize().ok().or_else(above).unwrap_or(absolute)
}
