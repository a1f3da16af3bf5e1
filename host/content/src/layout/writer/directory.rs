//! The directory of a layout that is written.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use refkit_oci::{Descriptor, Digest};

use super::blob;
use crate::ErrorKind;
use crate::layout::file;

/// The directory of a layout. A temporary one is removed when this value is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: Arc<PathBuf>,
    temporary: bool,
    /// The blobs that were written here, or read and found to have their digest. Each is read once.
    intact: Mutex<HashSet<Digest>>,
}

impl Directory {
    pub(super) fn new(path: &Path, temporary: bool) -> Self {
        Self { path: Arc::new(path.to_owned()), temporary, intact: Mutex::default() }
    }

    /// Returns whether the layout has a blob with the bytes of its digest: a file may have been damaged, or come from
    /// elsewhere. Blocks.
    pub(super) fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, ErrorKind> {
        let known = self.intact.lock().contains(&descriptor.digest);
        let intact = match known {
            true => blob::size(&self.path, &descriptor.digest)? == Some(descriptor.size),
            false => blob::is_intact(&self.path, descriptor)?,
        };
        if intact {
            self.note(&descriptor.digest);
        }
        Ok(intact)
    }

    /// Notes a blob whose bytes were checked.
    pub(super) fn note(&self, digest: &Digest) {
        self.intact.lock().insert(digest.clone());
    }

    /// Runs work that may block. It goes on if its caller is dropped, and the directory stays until it ends.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, ErrorKind> + Send + 'static,
    ) -> Result<T, ErrorKind> {
        let directory = Arc::clone(self);
        file::blocking(move || work(&directory)).await
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.temporary {
            // If nothing was written, there is none.
            let _ = fs::remove_dir_all(&*self.path);
        }
    }
}
