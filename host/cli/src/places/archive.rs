//! An archive as a destination: a layout directory beside it, which becomes the archive in the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_content::layout::{self, Seen};
use refkit_content::{Body, Error, Layout, LayoutWriter, Operation, Push};
use refkit_oci::{Descriptor, Reference, Repository};
use tokio::sync::OnceCell;

/// A tar archive that the command writes. It gets what it had before, and what the command pushes.
pub struct ArchivePlace {
    path: PathBuf,
    /// The file, as it was before it was read.
    seen: Seen,
    /// The archive as it was, if there was one.
    pub before: Option<Layout>,
    /// Writes the directory beside the archive, which appears with the first push.
    writer: LayoutWriter,
    /// Whether the directory has what the archive had.
    kept: OnceCell<()>,
}

impl ArchivePlace {
    /// Opens an archive that may exist already. A sparse one takes an index without its manifests.
    ///
    /// # Errors
    /// The error of a file that is no archive of a layout.
    pub async fn open(path: &Path, repository: &Repository, sparse: bool) -> Result<Arc<Self>, Error> {
        let io = |error: std::io::Error| Error::new(Operation::Open, path.display(), error.into());
        let seen = Seen::look(path).map_err(io)?;
        let before = match path.exists() {
            true => Some(Layout::open(path).await?.named(repository.clone())),
            false => None,
        };
        let writer = LayoutWriter::planned(beside(path)).await?.temporary();
        let writer = writer.named(repository.clone()).sparse(sparse);
        Ok(Arc::new(Self { path: path.to_owned(), seen, before, writer, kept: OnceCell::new() }))
    }

    /// Makes the archive of the directory, if something was pushed.
    ///
    /// # Errors
    /// The error of a file that cannot be read or written. Then the archive is as it was.
    pub async fn finish(&self) -> Result<(), Error> {
        match self.writer.path().exists() {
            true => layout::pack(self.writer.path(), &self.path, self.seen.clone()).await,
            false => Ok(()),
        }
    }

    /// Copies what the archive had, before the first push.
    async fn keep(&self) -> Result<(), Error> {
        let keep = || async {
            match &self.before {
                Some(before) => self.writer.keep(before).await,
                None => Ok(()),
            }
        };
        self.kept.get_or_try_init(keep).await.copied().map_err(|error| self.named(error))
    }

    /// Returns an error that names the archive's path instead of the temporary directory's.
    fn named(&self, mut error: Error) -> Error {
        let (directory, path) = (self.writer.path().display().to_string(), self.path.display().to_string());
        if error.host.as_ref() == Some(&directory) {
            error.host = Some(path.clone());
        }
        if error.subject == directory {
            error.subject = path;
        }
        error
    }
}

#[async_trait]
impl Push for ArchivePlace {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        self.writer.has(repository, descriptor).await.map_err(|error| self.named(error))
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        self.keep().await?;
        self.writer.push_blob(repository, descriptor, body).await.map_err(|error| self.named(error))
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        self.keep().await?;
        self.writer.push_manifest(destination, media_type, bytes).await.map_err(|error| self.named(error))
    }
}

/// Returns a path beside an archive at which nothing is.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    path.with_file_name(format!(".{name}.{}-{now}", std::process::id()))
}
