//! A source that asks caches first.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use refkit_oci::Repository;

use super::questions::{Asker, Questions};
use super::shelf::Shelf;
use super::{Cache, CacheOptions, Pull};
use crate::disk::DiskCache;
use crate::{Answer, Error, Operation, Origin, Principal};

/// A source behind a [`Cache`] in memory, a [`DiskCache`], or both. Equal questions at one time are one question to
/// the source. A clone is another handle on the same, and belongs to the same run.
///
/// | | a tag | a digest |
/// |---|---|---|
/// | nothing cached | one GET | one GET |
/// | cached | one HEAD, and a GET if it names something else now | nothing; a HEAD with [`Pull::Always`] |
/// | [`Pull::Never`], offline | what it named when it was last asked for | nothing |
///
/// Only a cache on disk remembers tags, and lists of tags and referrers, and each for whoever asked for them alone.
pub struct Cached<S> {
    pub(super) inner: Arc<Inner<S>>,
    memory: Option<Cache>,
    pub(super) options: CacheOptions,
    /// For whom, and where, the source has answered in this run.
    confirmed: Arc<Mutex<HashSet<Place>>>,
}

/// A repository as one principal sees it.
type Place = (Arc<str>, Repository);

type Whom<S> = for<'a> fn(&'a S, &'a Repository) -> BoxFuture<'a, Result<[u8; 32], Error>>;

pub(super) struct Inner<S> {
    pub source: S,
    disk: Option<(DiskCache, Whom<S>)>,
    pub flights: Questions,
}

impl<S> Cached<S> {
    /// Returns the source behind a cache in memory.
    pub fn new(source: S, cache: Cache) -> Self {
        Self::over(source, Some(cache), None, CacheOptions::default())
    }

    fn over(source: S, memory: Option<Cache>, disk: Option<(DiskCache, Whom<S>)>, options: CacheOptions) -> Self {
        let inner = Arc::new(Inner { source, disk, flights: Questions::default() });
        Self { inner, memory, options, confirmed: Arc::default() }
    }

    /// Returns the same with a cache in memory before the one on disk. Each principal has a part of it that nobody
    /// else sees.
    #[must_use]
    pub fn with_memory(self, cache: Cache) -> Self {
        Self { memory: Some(cache), ..self }
    }

    /// Returns a handle for another run over the same source and caches: it uses the caches in its own way, and what
    /// the registry has said in another run does not count.
    #[must_use]
    pub fn for_run(&self, options: CacheOptions) -> Self {
        Self { options, confirmed: Arc::default(), ..self.clone() }
    }

    /// Returns the source itself.
    pub fn source(&self) -> &S {
        &self.inner.source
    }

    /// Returns how the caches are used.
    pub fn options(&self) -> CacheOptions {
        self.options
    }

    /// Returns what is cached of a repository for whoever asks now.
    pub(super) async fn shelf(&self, repository: &Repository) -> Result<Shelf, Error> {
        let repository = repository.clone();
        let Some((disk, whom)) = &self.inner.disk else {
            return Ok(Shelf { memory: self.memory.clone(), disk: None, repository });
        };
        let principal = whom(&self.inner.source, &repository).await?;
        let fail = |problem| Error::new(Operation::Open, disk.path().display(), problem);
        let disk = disk.scope(&principal, &repository).map_err(fail)?;
        let memory = self.memory.as_ref().map(|memory| memory.scoped(disk.who()));
        Ok(Shelf { memory, disk: Some(disk), repository })
    }

    pub(super) fn asker(&self, shelf: &Shelf) -> Asker {
        let who = shelf.who();
        let confirmed = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_confirmed = confirmed.contains(&(Arc::clone(&who), shelf.repository.clone()));
        (who, self.options, is_confirmed)
    }

    /// Takes note that the source has answered for a repository.
    pub(super) fn confirm<T>(&self, shelf: &Shelf, answer: &Result<Answer<T>, Error>) {
        let answered = answer.as_ref().is_ok_and(|answer| !matches!(answer.origin, Origin::Seen(_)));
        if answered && self.options.pull == Pull::Always && !self.options.is_closed() {
            let mut confirmed = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
            confirmed.insert((shelf.who(), shelf.repository.clone()));
        }
    }

    pub(super) fn question(&self, shelf: &Shelf) -> Question<S> {
        Question { inner: Arc::clone(&self.inner), shelf: shelf.clone(), options: self.options }
    }
}

impl<S: Principal> Cached<S> {
    /// Returns the source behind a cache on disk.
    pub fn on_disk(source: S, disk: DiskCache, options: CacheOptions) -> Self {
        fn whom<'a, S: Principal>(source: &'a S, repository: &'a Repository) -> BoxFuture<'a, Result<[u8; 32], Error>> {
            source.principal(repository)
        }
        Self::over(source, None, Some((disk, whom::<S>)), options)
    }
}

/// Everything that one question needs until it is answered, whoever waits for it.
pub(super) struct Question<S> {
    pub inner: Arc<Inner<S>>,
    pub shelf: Shelf,
    pub options: CacheOptions,
}

impl<S> Question<S> {
    pub fn source(&self) -> &S {
        &self.inner.source
    }
}

impl<S> Clone for Question<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), shelf: self.shelf.clone(), options: self.options }
    }
}

#[async_trait]
impl<S: Principal> Principal for Cached<S> {
    async fn principal(&self, repository: &Repository) -> Result<[u8; 32], Error> {
        self.inner.source.principal(repository).await
    }
}

impl<S> Clone for Cached<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            memory: self.memory.clone(),
            options: self.options,
            confirmed: Arc::clone(&self.confirmed),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disk = self.inner.disk.as_ref().map(|(disk, _)| disk);
        f.debug_struct("Cached")
            .field("source", &self.inner.source)
            .field("memory", &self.memory)
            .field("disk", &disk)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
