//! A destination that notes what it is asked, and fails where it is told to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use refkit_content::{Body, Error, ErrorKind, Memory, Operation, Push};
use refkit_oci::{Descriptor, Reference, Repository};

/// How often a push lets others go first, so that all that may be under way at once is.
const TURNS: usize = 50;

#[derive(Clone, Default)]
pub struct Destination {
    pub held: Memory,
    notes: Arc<Notes>,
}

#[derive(Default)]
struct Notes {
    /// What becomes of the next pushes of blobs.
    blobs: Mutex<VecDeque<ErrorKind>>,
    /// What becomes of the next mounts; the rest is up to the store.
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
    pub fn fail(self, problems: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.notes.blobs.lock().extend(problems);
        self
    }

    /// Sets what the next mounts answer.
    pub fn mounts(self, answers: impl IntoIterator<Item = Result<bool, ErrorKind>>) -> Self {
        self.notes.mounts.lock().extend(answers);
        self
    }

    /// Returns what was asked since the last time.
    pub fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lines.lock())
    }

    /// Returns how many blobs were under way at once at most, how many were begun, and how many still are under way.
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

    async fn mount(&self, repository: &Repository, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
        self.note(format!("mount {}", blob.digest));
        let answer = self.notes.mounts.lock().pop_front();
        match answer {
            Some(answer) => answer.map_err(|problem| Error::new(Operation::Push, repository, problem)),
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
        let problem = self.notes.blobs.lock().pop_front();
        let pushed = match problem {
            Some(problem) => {
                let stream = refkit_content::verified(descriptor, body).stream;
                let read: Result<Vec<Bytes>, Error> = futures_util::TryStreamExt::try_collect(stream).await;
                read.and(Err(Error::new(Operation::Push, repository, problem)))
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
