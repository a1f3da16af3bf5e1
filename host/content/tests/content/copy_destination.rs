//! A destination that records its requests, and fails on demand.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use refkit_content::{Body, Error, ErrorKind, Memory, Operation, Push};
use refkit_oci::{Descriptor, Digest, Reference, Repository};

/// How often a push yields, so that all concurrent pushes overlap.
const TURNS: usize = 50;

#[derive(Clone, Default)]
pub struct Destination {
    pub held: Memory,
    notes: Arc<Notes>,
}

#[derive(Default)]
struct Notes {
    /// The errors of the next pushes of blobs.
    blobs: Mutex<VecDeque<ErrorKind>>,
    /// The results of the next mounts; then the store decides.
    mounts: Mutex<VecDeque<Result<bool, ErrorKind>>>,
    lines: Mutex<Vec<String>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
    begun: AtomicUsize,
}

impl Destination {
    /// Returns a destination over a store.
    pub fn over(held: Memory) -> Self {
        Self { held, ..Self::default() }
    }

    /// Lets the next pushes of blobs fail, after their bodies have been read.
    pub fn fail(self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.notes.blobs.lock().extend(kinds);
        self
    }

    /// Sets the results of the next mounts.
    pub fn mounts(self, answers: impl IntoIterator<Item = Result<bool, ErrorKind>>) -> Self {
        self.notes.mounts.lock().extend(answers);
        self
    }

    /// Returns the requests since the last call.
    pub fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lines.lock())
    }

    /// Returns the most concurrent pushes of blobs, how many began, and how many have not ended.
    pub fn pushes(&self) -> (usize, usize, usize) {
        let read = |of: &AtomicUsize| of.load(Ordering::SeqCst);
        (read(&self.notes.most), read(&self.notes.begun), read(&self.notes.under_way))
    }

    fn note(&self, line: String) {
        self.notes.lines.lock().push(line);
    }
}

#[async_trait]
impl Push for Destination {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        self.note(format!("has {}", descriptor.digest));
        self.held.has(repository, descriptor).await
    }

    async fn tagged(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        self.note(format!("tagged {reference}"));
        self.held.tagged(reference).await
    }

    async fn mount(&self, repository: &Repository, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
        self.note(format!("mount {}", blob.digest));
        let answer = self.notes.mounts.lock().pop_front();
        match answer {
            Some(answer) => answer.map_err(|kind| Error::new(Operation::Push, repository, kind)),
            None => self.held.mount(repository, blob, from).await,
        }
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        self.note(format!("blob {}", descriptor.digest));
        self.notes.begun.fetch_add(1, Ordering::SeqCst);
        let now = self.notes.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.notes.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let kind = self.notes.blobs.lock().pop_front();
        let pushed = match kind {
            Some(kind) => {
                let stream = refkit_content::verified(descriptor, body).stream;
                let read: Result<Vec<Bytes>, Error> = futures_util::TryStreamExt::try_collect(stream).await;
                read.and(Err(Error::new(Operation::Push, repository, kind)))
            }
            None => self.held.push_blob(repository, descriptor, body).await,
        };
        self.notes.under_way.fetch_sub(1, Ordering::SeqCst);
        pushed
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        self.note(format!("manifest {destination}"));
        self.held.push_manifest(destination, media_type, bytes).await
    }
}
