//! Image layouts on disk, as OCI image-spec 1.1, section "Image Layout". RefKit reads directories and uncompressed tar
//! archives, and writes directories, which [`pack`] makes archives of. A [`Layout`] shows a layout as it was when it was opened. A [`LayoutWriter`] also
//! reads, always the present state, and so can replace a registry everywhere.
//!
//! A layout is one repository: it serves [`Layout::repository`] only.
//!
//! ```no_run
//! # async fn example() -> Result<(), refkit_content::Error> {
//! use refkit_content::{LayoutReference, Resolve};
//!
//! let wanted = LayoutReference::parse("oci-layout:target/image.tar:1.0.0")?.expect("the prefix says so");
//! let (layout, reference) = wanted.open().await?;
//! println!("{}", layout.resolve(&reference).await?.value.digest);
//! # Ok(())
//! # }
//! ```

mod archive;
mod entry;
mod file;
mod marker;
mod pack;
mod read;
mod reference;
mod referrers;
mod store;
mod writer;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use refkit_oci::{Digest, Reference, Repository};

use crate::copy::is_cosign_tag;
use crate::links;
use crate::verify::MANIFEST_LIMIT;
use crate::{Error, ErrorKind, Operation, Origin};
use file::blocking;
use store::Store;

pub use entry::Entry;
pub use pack::{Seen, pack};
pub use reference::{LayoutReference, REGISTRY};
pub use writer::LayoutWriter;

/// How many names an error lists.
const NAMES_SHOWN: usize = 20;

/// An image layout. Its names and entries are read once, when it is opened, and its blobs when they are requested.
/// Clones share the layout.
#[derive(Clone)]
pub struct Layout {
    inner: Arc<Inner>,
    repository: Repository,
}

struct Inner {
    path: Arc<PathBuf>,
    store: Store,
    entries: Vec<Entry>,
    subjects: Subjects,
}

/// The subject's digest of each manifest that was read for it. Manifests do not change, so each is read once.
type Subjects = Arc<Mutex<HashMap<Digest, Option<Digest>>>>;

impl Layout {
    /// Opens a layout: a directory, or an uncompressed tar archive.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Malformed`] with the reason, [`ErrorKind::Unsupported`] for another
    /// version of the format, [`ErrorKind::TooLarge`] for an `index.json` of more than 4 MiB.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = Arc::new(path.as_ref().to_owned());
        let repository = reference::repository(&path);
        Self::open_as(path, repository, Subjects::default()).await
    }

    /// Opens a layout with the subjects that are already known.
    async fn open_as(path: Arc<PathBuf>, repository: Repository, subjects: Subjects) -> Result<Self, Error> {
        let at = Arc::clone(&path);
        let (store, entries) =
            blocking(move || open(&at)).await.map_err(|kind| Error::new(Operation::Open, path.display(), kind))?;
        Ok(Self { inner: Arc::new(Inner { path, store, entries, subjects }), repository })
    }

    /// Returns the same layout under the name of another repository.
    #[must_use]
    pub fn named(mut self, repository: Repository) -> Self {
        self.repository = repository;
        self
    }

    /// Returns the repository that this layout serves: by default registry `oci-layout` and a path made of the file's
    /// name ([`LayoutReference::repository`]).
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Returns the path of the layout.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Returns the entries of `index.json`, in its order.
    pub fn entries(&self) -> &[Entry] {
        &self.inner.entries
    }

    /// Returns the tags of the entries, in the order of `index.json`, each once. It leaves out the tags of lists of
    /// referrers (OCI distribution 1.1, section "Referrers Tag Schema"), whose content counts as referrers.
    pub fn names(&self) -> Vec<&str> {
        let mut met = HashSet::new();
        let names = self.entries().iter().flat_map(|entry| &entry.tags).map(String::as_str);
        names.filter(|name| !links::is_fallback_tag(name) && met.insert(*name)).collect()
    }

    /// Returns the reference for a user who names only the layout: its only image, or the one called `latest`. If some
    /// entries have names, those without (such as referrers) are ignored. Lists of referrers and the tags of cosign name
    /// no image.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] with the names to choose from, or if there is no image.
    pub fn default_reference(&self) -> Result<Reference, Error> {
        let fail = |what| Error::new(Operation::Open, self.path().display(), ErrorKind::Malformed(what));
        let counts = |tag: &str| !links::is_fallback_tag(tag) && !is_cosign_tag(tag);
        let names: Vec<&str> = self.names().into_iter().filter(|tag| counts(tag)).collect();
        let tagged = |tag: &str| {
            Reference::new(self.repository.clone(), Some(tag.to_owned()), None).map_err(|error| fail(error.to_string()))
        };
        if names.contains(&"latest") {
            return tagged("latest");
        }
        let of = |entry: &&Entry| match names.is_empty() {
            true => entry.tags.is_empty(),
            false => entry.tags.iter().any(|tag| counts(tag)),
        };
        let mut digests: Vec<&Digest> =
            self.entries().iter().filter(of).map(|entry| &entry.descriptor.digest).collect();
        digests.sort();
        digests.dedup();
        match (&digests[..], &names[..]) {
            ([], _) => Err(fail("the layout has no image".to_owned())),
            ([_], [name, ..]) => tagged(name),
            ([digest], []) => Ok(Reference::to_digest(self.repository.clone(), (*digest).clone())),
            (several, []) => Err(fail(format!("the layout has {} images without names; add @DIGEST", several.len()))),
            (several, names) => {
                let more = if names.len() > NAMES_SHOWN { ", …" } else { "" };
                let shown = names[..names.len().min(NAMES_SHOWN)].join(", ");
                Err(fail(format!("the layout has {} images; add :TAG, one of {shown}{more}", several.len())))
            }
        }
    }

    fn origin(&self) -> Origin {
        Origin::Layout(Arc::clone(&self.inner.path))
    }

    fn fail(&self, operation: Operation, subject: impl fmt::Display, kind: ErrorKind) -> Error {
        Error::new(operation, subject, kind).at(self.origin())
    }

    /// Returns an error for another repository than this layout's.
    fn own(&self, repository: &Repository) -> Result<(), ErrorKind> {
        if *repository == self.repository { Ok(()) } else { Err(ErrorKind::NotFound) }
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layout").field("path", &self.inner.path).field("repository", &self.repository).finish()
    }
}

/// Opens a layout and reads the entries. Blocks.
fn open(path: &Path) -> Result<(Store, Vec<Entry>), ErrorKind> {
    let store = Store::open(path)?;
    marker::check(&store)?;
    let bytes = match store.file("index.json").and_then(|file| file.read_all(MANIFEST_LIMIT)) {
        Ok(bytes) => bytes,
        Err(ErrorKind::NotFound) => return Err(ErrorKind::Malformed("there is no file `index.json`".to_owned())),
        Err(kind) => return Err(kind),
    };
    Ok((store, entries(&bytes)?))
}

/// Returns the entries of an `index.json`.
fn entries(bytes: &[u8]) -> Result<Vec<Entry>, ErrorKind> {
    let index = links::Links::list(bytes)
        .map_err(|error| ErrorKind::Malformed(format!("its file `index.json` is malformed: {error}")))?;
    // An index may list other content beside manifests, which is no image even if it has a name.
    Ok(index.manifests.into_iter().map(Entry::new).collect())
}
