//! Code that the tests share: references, a counting source, and layouts that are built file by file.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use refkit_content::verify::digest;
use refkit_content::{Body, Content, Discover, Error, Fetch, Origin, Resolve, WithOrigin};
use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};
use tempfile::TempDir;

pub fn repository() -> Repository {
    Repository::new("registry.test", "some/app").expect("a repository")
}

pub fn tagged(repository: &Repository, tag: &str) -> Reference {
    Reference::new(repository.clone(), Some(tag.to_owned()), None).expect("a reference")
}

pub fn pinned(repository: &Repository, digest: &Digest) -> Reference {
    Reference::new(repository.clone(), None, Some(digest.clone())).expect("a reference")
}

pub fn sha256(bytes: &[u8]) -> Digest {
    digest(Algorithm::Sha256, bytes)
}

pub fn describe(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, sha256(bytes), bytes.len() as u64)
}

pub fn body(bytes: &[u8]) -> Body {
    Body::from_bytes(Origin::Memory, Bytes::copy_from_slice(bytes))
}

/// Checks that a result has the expected error, or none.
pub fn expect<T, E: std::fmt::Display>(name: &str, result: Result<T, E>, error: Option<&str>) -> Option<T> {
    match (result, error) {
        (Ok(value), None) => Some(value),
        (Err(found), Some(wanted)) if found.to_string().contains(wanted) => None,
        (Ok(_), Some(wanted)) => panic!("{name}: no error, but expected {wanted:?}"),
        (Err(found), wanted) => panic!("{name}: {found}; but expected {wanted:?}"),
    }
}

/// A source that counts its requests.
#[derive(Clone)]
pub struct Counted<S> {
    pub source: S,
    asked: Arc<AtomicUsize>,
}

impl<S> Counted<S> {
    pub fn new(source: S) -> Self {
        Self { source, asked: Arc::default() }
    }

    /// Returns the number of requests since the last call.
    pub fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }

    fn count(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl<S: Resolve> Resolve for Counted<S> {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.count();
        self.source.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.count();
        self.source.pull(reference).await
    }
}

#[async_trait]
impl<S: Fetch> Fetch for Counted<S> {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        self.count();
        self.source.open(repository, descriptor).await
    }
}

#[async_trait]
impl<S: Discover> Discover for Counted<S> {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.count();
        self.source.tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        self.count();
        self.source.referrers(repository, subject, artifact_type).await
    }
}

/// A layout directory that is built file by file, as by an attacker.
pub struct Files {
    directory: TempDir,
}

pub const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

impl Files {
    pub fn empty() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    /// Starts a layout of the right version with an `index.json`.
    pub fn layout(index: &[u8]) -> Self {
        Self::empty().file("oci-layout", VERSION).file("index.json", index)
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("app")
    }

    fn place(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        path
    }

    pub fn file(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.place(name), bytes).expect("a file");
        self
    }

    pub fn blob(self, bytes: &[u8]) -> Self {
        let name = blob_name(&sha256(bytes));
        self.file(&name, bytes)
    }

    /// Creates a file of zeros that takes no space on the disk.
    pub fn sparse(self, name: &str, size: u64) -> Self {
        fs::File::create(self.place(name)).and_then(|file| file.set_len(size)).expect("a file");
        self
    }

    pub fn link(self, name: &str, to: impl AsRef<Path>) -> Self {
        symlink(to, self.place(name)).expect("a link");
        self
    }

    pub fn subdirectory(self, name: &str) -> Self {
        fs::create_dir_all(self.place(name)).expect("a directory");
        self
    }

    pub fn fifo(self, name: &str) -> Self {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, self.place(name), rustix::fs::FileType::Fifo, mode, 0).expect("a FIFO");
        self
    }
}

pub fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

/// Returns an index that lists descriptors, each under a name if it has one.
pub fn index(entries: &[(&Descriptor, Option<&str>)]) -> Vec<u8> {
    let entries = entries.iter().map(|(of, name)| {
        let named = name.map(|name| format!(r#","annotations":{{"org.opencontainers.image.ref.name":"{name}"}}"#));
        let (media_type, digest, size) = (&of.media_type, &of.digest, of.size);
        let named = named.unwrap_or_default();
        format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{named}}}"#)
    });
    let entries: Vec<String> = entries.collect();
    format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(",")).into_bytes()
}
