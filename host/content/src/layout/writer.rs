//! Writes layout directories.

mod blob;
mod directory;
mod has;
mod index;
mod keep;
mod put;
mod read;
mod referrers;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use refkit_oci::{Descriptor, Reference, Repository};
use tokio::sync::OnceCell;

use super::file::open_below;
use super::store::Store;
use super::{Subjects, marker, reference};
use crate::links::Links;
use crate::verify;
use crate::{Body, Error, ErrorKind, Operation, Origin, Push};
use directory::Directory;
use put::Unfinished;

/// Writes into a layout directory, and reads its present state at each call. A blob or `index.json` appears whole or
/// not at all, even if a writer is killed, and concurrent writers, also in other processes, do not lose each other's
/// entries. Clones share the directory.
///
/// A tag becomes the annotation `org.opencontainers.image.ref.name`; moving a tag removes it from its old entry. A
/// manifest that is pushed by digest alone gets an entry without a name. Pushing an index that lists the manifest
/// removes that entry, unless the manifest has a `subject`. A manifest with a subject also joins the list of the
/// subject's referrers, an index under the tag of OCI distribution 1.1, section "Referrers Tag Schema". A writer
/// removes no content, only such entries and names. It reads a blob that is there already, and writes it again if the
/// bytes are not those of its digest.
///
/// ```
/// use refkit_content::{LayoutWriter, Push as _, Resolve as _};
/// use refkit_oci::Reference;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let directory = tempfile::tempdir()?;
/// let layout = LayoutWriter::open(directory.path().join("layout")).await?;
/// let tagged = Reference::new(layout.repository().clone(), Some("1.0".to_owned()), None)?;
/// let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
/// let pushed = layout.push_manifest(&tagged, "application/vnd.oci.image.index.v1+json", index.into()).await?;
/// assert_eq!(layout.resolve(&tagged).await?.value.digest, pushed.digest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LayoutWriter {
    directory: Arc<Directory>,
    repository: Repository,
    subjects: Subjects,
    prepared: Arc<OnceCell<()>>,
    /// Whether it takes an index without its manifests.
    sparse: bool,
}

impl LayoutWriter {
    /// Opens a layout directory. It creates one if the path does not exist or is an empty directory.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if something else exists at the path, [`ErrorKind::Unsupported`] for another version
    /// of the format, [`ErrorKind::Io`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let writer = Self::of(path.as_ref());
        writer.prepare().await?;
        Ok(writer)
    }

    /// Opens a layout directory. If the path does not exist or is an empty directory, the first push creates the layout;
    /// until then there is none to read.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn planned(path: impl AsRef<Path>) -> Result<Self, Error> {
        let writer = Self::of(path.as_ref());
        if !writer.is_absent().await? {
            writer.prepare().await?;
        }
        Ok(writer)
    }

    fn of(path: &Path) -> Self {
        let repository = reference::repository(path);
        let directory = Arc::new(Directory::new(path, false));
        Self { directory, repository, subjects: Subjects::default(), prepared: Arc::default(), sparse: false }
    }

    async fn is_absent(&self) -> Result<bool, Error> {
        self.directory.blocking(|directory| is_absent(&directory.path)).await.map_err(|kind| self.failed(kind))
    }

    /// Creates the layout if there is none, once.
    async fn prepare(&self) -> Result<(), Error> {
        let prepare = || async {
            let prepared = self.directory.blocking(|directory| prepare(&directory.path)).await;
            prepared.map_err(|kind| self.failed(kind))
        };
        self.prepared.get_or_try_init(prepare).await.copied()
    }

    fn failed(&self, kind: ErrorKind) -> Error {
        Error::new(Operation::Open, self.directory.path.display(), kind)
    }

    /// Makes the layout a temporary one: the directory with all that is in it is removed after the last clone of this
    /// writer, and after the last work that one of them has begun.
    #[must_use]
    pub fn temporary(mut self) -> Self {
        self.directory = Arc::new(Directory::new(&self.directory.path, true));
        self
    }

    /// Sets whether the layout takes an index without the manifests that it lists. By default it takes none, but gives one
    /// that it has more tags.
    #[must_use]
    pub fn sparse(mut self, sparse: bool) -> Self {
        self.sparse = sparse;
        self
    }

    /// Returns the path of the layout.
    pub fn path(&self) -> &Path {
        &self.directory.path
    }

    /// Returns the same layout under the name of another repository.
    #[must_use]
    pub fn named(mut self, repository: Repository) -> Self {
        self.repository = repository;
        self
    }

    /// Returns the repository that this layout accepts content for; [`Layout::repository`](super::Layout::repository)
    /// says how it is named.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    fn origin(&self) -> Origin {
        Origin::Layout(Arc::clone(&self.directory.path))
    }

    fn own(&self, repository: &Repository) -> Result<(), ErrorKind> {
        if *repository == self.repository {
            return Ok(());
        }
        Err(ErrorKind::Malformed(format!("this layout is the repository {}", self.repository)))
    }

    async fn write_blob(&self, descriptor: &Descriptor, body: Body) -> Result<(), Result<Error, ErrorKind>> {
        let (directory, wanted) = (&self.directory, descriptor.clone());
        let start = move |directory: &Directory| match directory.has_blob(&wanted)? {
            true => Ok(None),
            false => Unfinished::new(&directory.path).map(Some),
        };
        let Some(mut unfinished) = directory.blocking(start).await.map_err(Err)? else { return Ok(()) };
        let mut pieces = verify::verified(descriptor, body).stream;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(Ok)?;
            unfinished = directory.blocking(move |_| unfinished.write(&piece)).await.map_err(Err)?;
        }
        let digest = descriptor.digest.clone();
        let finish = move |directory: &Directory| {
            unfinished.finish(&["blobs", digest.algorithm().as_str(), digest.hex()])?;
            directory.note(&digest);
            Ok(())
        };
        directory.blocking(finish).await.map_err(Err)
    }
}

#[async_trait]
impl Push for LayoutWriter {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        let known = match self.own(repository) {
            Ok(()) if !self.prepared.initialized() => Ok(false),
            Ok(()) => {
                let descriptor = descriptor.clone();
                self.directory.blocking(move |directory| has::has(directory, &descriptor)).await
            }
            Err(kind) => Err(kind),
        };
        known.map_err(|kind| {
            let subject = format_args!("{repository}@{}", descriptor.digest).to_string();
            Error::new(Operation::Push, subject, kind).at(self.origin())
        })
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        self.prepare().await?;
        let written = match self.own(repository) {
            Ok(()) => self.write_blob(descriptor, body).await,
            Err(kind) => Err(Err(kind)),
        };
        written.map_err(|failed| {
            failed.unwrap_or_else(|kind| {
                let subject = format_args!("{repository}@{}", descriptor.digest).to_string();
                Error::new(Operation::Push, subject, kind).at(self.origin())
            })
        })
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        self.prepare().await?;
        let checked = || {
            self.own(destination.repository())?;
            let descriptor = verify::manifest(destination, media_type, &bytes)?;
            Ok((Links::read(media_type, &bytes)?, descriptor))
        };
        let written = match checked() {
            Err(kind) => Err(kind),
            Ok((links, descriptor)) => {
                let (tag, sparse) = (destination.tag().map(str::to_owned), self.sparse);
                let write = move |directory: &Directory| {
                    let path = &**directory.path;
                    // What is listed already may get another tag.
                    let sparse = sparse || index::is_listed(path, &descriptor.digest)?;
                    links.complete(sparse, |digest| blob::size(path, digest))?;
                    if !directory.has_blob(&descriptor)? {
                        let digest = &descriptor.digest;
                        let place = ["blobs", digest.algorithm().as_str(), digest.hex()];
                        Unfinished::new(path)?.write(&bytes)?.finish(&place)?;
                        directory.note(digest);
                    }
                    index::list(path, &descriptor, tag.as_deref(), &links)?;
                    Ok(descriptor)
                };
                self.directory.blocking(write).await
            }
        };
        written.map_err(|kind| Error::new(Operation::Push, destination, kind).at(self.origin()))
    }
}

/// Returns whether nothing exists at a path, or an empty directory. Blocks.
fn is_absent(path: &Path) -> Result<bool, ErrorKind> {
    match fs::read_dir(path) {
        Ok(mut found) => Ok(found.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        // `prepare` says what is wrong with it.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Creates the layout if there is none. Blocks.
fn prepare(path: &Path) -> Result<(), ErrorKind> {
    fs::create_dir_all(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            ErrorKind::Malformed("it is not a directory, and a layout is one".to_owned())
        }
        _ => error.into(),
    })?;
    let directory = File::open(path)?;
    match open_below(&directory, &[marker::NAME]) {
        Ok(_) => {}
        Err(ErrorKind::NotFound) => {
            for found in fs::read_dir(path)? {
                let name = found?.file_name();
                // The unfinished files of another writer do not count.
                let foreign = !name.to_string_lossy().starts_with(put::PREFIX) && name != marker::NAME;
                // Nor do the files that another writer has added after its marker, which may exist by now.
                if foreign && matches!(open_below(&directory, &[marker::NAME]), Err(ErrorKind::NotFound)) {
                    let what = "it is a directory with files in it, but not an image layout: there is no `oci-layout`";
                    return Err(ErrorKind::Malformed(what.to_owned()));
                }
            }
            // The second of two writers must not replace the file that the first has locked.
            Unfinished::new(path)?.write(&marker::content()?)?.finish_first(&[marker::NAME])?;
        }
        Err(kind) => return Err(kind),
    }
    marker::check(&Store::Directory(directory))?;
    index::create(path)?;
    put::sweep(path)
}
