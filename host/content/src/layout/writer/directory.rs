//! The directory of a layout that is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ErrorKind;
use crate::layout::file;

/// The directory of a layout. A temporary one is removed when this value is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: Arc<PathBuf>,
    temporary: bool,
}

impl Directory {
    pub(super) fn new(path: &Path, temporary: bool) -> Self {
        Self { path: Arc::new(path.to_owned()), temporary }
    }

    /// Runs work that may block. It goes on if its caller is dropped, and the directory stays until it ends.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Path) -> Result<T, ErrorKind> + Send + 'static,
    ) -> Result<T, ErrorKind> {
        let directory = Arc::clone(self);
        file::blocking(move || work(&directory.path)).await
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
