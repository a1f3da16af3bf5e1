//! An archive as a destination: a layout directory beside it, which becomes the archive in the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_content::{Body, Discover as _, Error, Layout, LayoutWriter, Push, copy, layout};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use tokio::sync::OnceCell;

/// A tar archive that the command writes. It gets what it had before, and what the command pushes.
pub struct ArchivePlace {
    path: PathBuf,
    /// The archive as it was, if there was one.
    pub before: Option<Layout>,
    writer: LayoutWriter,
    /// Whether the directory has what the archive had.
    kept: OnceCell<()>,
    directory: Directory,
}

/// The directory beside the archive. It appears with the first push, and goes away with this value.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        // There is none if nothing was pushed.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl ArchivePlace {
    /// Opens an archive that may exist already.
    ///
    /// # Errors
    /// The error of a file that is no archive of a layout.
    pub async fn open(path: &Path, repository: &Repository) -> Result<Arc<Self>, Error> {
        let before = match path.exists() {
            true => Some(Layout::open(path).await?.named(repository.clone())),
            false => None,
        };
        let directory = Directory(beside(path));
        let writer = LayoutWriter::planned(&directory.0).await?.named(repository.clone());
        Ok(Arc::new(Self { path: path.to_owned(), before, writer, kept: OnceCell::new(), directory }))
    }

    /// Makes the archive of the directory, if something was pushed.
    ///
    /// # Errors
    /// The error of a file that cannot be read or written. Then the archive is as it was.
    pub async fn finish(&self) -> Result<(), Error> {
        match self.directory.0.exists() {
            true => layout::pack(&self.directory.0, &self.path).await,
            false => Ok(()),
        }
    }

    /// Copies what the archive had, before the first push.
    async fn keep(&self) -> Result<(), Error> {
        let keep = || async {
            match &self.before {
                Some(before) => keep(before, &self.writer).await,
                None => Ok(()),
            }
        };
        self.kept.get_or_try_init(keep).await.copied()
    }
}

#[async_trait]
impl Push for ArchivePlace {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        self.writer.has(repository, descriptor).await
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        self.keep().await?;
        self.writer.push_blob(repository, descriptor, body).await
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        self.keep().await?;
        self.writer.push_manifest(destination, media_type, bytes).await
    }
}

/// Copies a layout: all tags, images without a tag, and referrers.
async fn keep(before: &Layout, writer: &LayoutWriter) -> Result<(), Error> {
    let repository = before.repository();
    let pinned = |digest: &Digest| Reference::to_digest(repository.clone(), digest.clone());
    let mut copies = Vec::new();
    for entry in before.entries() {
        let from = pinned(&entry.descriptor.digest);
        for tag in &entry.tags {
            if let Some(subject) = subject(tag) {
                let referrers = before.referrers(repository, &subject, None).await?.value;
                copies.extend(referrers.iter().map(|one| (pinned(&one.digest), pinned(&one.digest))));
            } else if let Ok(to) = Reference::new(repository.clone(), Some(tag.clone()), None) {
                copies.push((from.clone(), to));
            }
        }
        if entry.tags.is_empty() {
            copies.push((from.clone(), from));
        }
    }
    for (from, to) in copies {
        copy(before, &from, writer, &to).await.map_err(|error| error.error)?;
    }
    Ok(())
}

/// Returns the digest whose list of referrers has a tag (OCI distribution 1.1, section "Referrers Tag Schema").
fn subject(tag: &str) -> Option<Digest> {
    let (algorithm, hex) = tag.split_once('-')?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// Returns a path beside an archive at which nothing is.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    path.with_file_name(format!(".{name}.{}-{now}", std::process::id()))
}
