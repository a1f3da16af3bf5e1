//! Writes content to the cache while the caller reads it.

use std::fs::File;
use std::io;

use bytes::Bytes;
use refkit_oci::{Descriptor, Digest};

use super::root::{Root, blocking};
use super::unfinished::Unfinished;
use super::{DiskCache, blob, evict};

type Grant = Box<dyn FnOnce(&Root) -> io::Result<u64> + Send>;

/// Content that is being written. Dropped before its end, it leaves nothing.
pub(crate) struct Sink {
    cache: DiskCache,
    digest: Digest,
    size: u64,
    written: u64,
    /// None once all is written, or writing has failed.
    open: Option<(Unfinished, Grant)>,
}

impl Sink {
    /// Begins to keep content; none if it is too large, or nothing can be written.
    pub(super) async fn begin(
        cache: DiskCache,
        descriptor: &Descriptor,
        grant: impl FnOnce(&Root) -> io::Result<u64> + Send + 'static,
    ) -> Option<Self> {
        let (size, inner) = (descriptor.size, cache.inner.clone());
        // A write that failed once would most likely fail again, and cost a second request each time.
        if cache.note().is_some() {
            return None;
        }
        let begin = move |root: &Root| {
            evict::fits(root, size).then(|| root.begin().map_err(|error| inner.take_note(&error)).ok())?
        };
        let unfinished = cache.work(begin).await?;
        let open = Some((unfinished, Box::new(grant) as Grant));
        Some(Self { cache, digest: descriptor.digest.clone(), size, written: 0, open })
    }

    /// Replaces the grant that is written once the content is complete.
    pub(super) fn granted(mut self, grant: impl FnOnce(&Root) -> io::Result<u64> + Send + 'static) -> Self {
        self.open = self.open.map(|(unfinished, _)| (unfinished, Box::new(grant) as Grant));
        self
    }

    /// Grants the content to no principal.
    pub fn ungranted(self) -> Self {
        self.granted(|_| Ok(0))
    }

    /// Returns the file, for readers.
    pub fn file(&self) -> io::Result<File> {
        match &self.open {
            Some((unfinished, _)) => unfinished.file(),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Writes the next piece, and returns whether all is written so far. The last piece arrives only after the whole
    /// content is verified; this call then moves the content to its final path.
    pub async fn take(&mut self, piece: &Bytes) -> bool {
        let Some((mut unfinished, grant)) = self.open.take() else { return false };
        self.written += piece.len() as u64;
        let (piece, inner) = (piece.clone(), self.cache.inner.clone());
        if self.written < self.size {
            let write = move || match unfinished.write(&piece) {
                Ok(()) => Some((unfinished, grant)),
                Err(error) => {
                    inner.take_note(&error);
                    None
                }
            };
            self.open = blocking(write).await.flatten();
            self.open.is_some()
        } else {
            let (digest, size) = (self.digest.clone(), self.size);
            let finish = move |root: &Root| {
                unfinished.write(&piece)?;
                blob::finish(root, &digest, unfinished)?;
                evict::grown(root, size)?;
                grant(root)
            };
            self.cache.keep(finish).await
        }
    }
}
