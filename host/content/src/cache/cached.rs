//! A source that looks into caches first.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use refkit_oci::Repository;

use super::questions::{Asker, Questions};
use super::view::{Part, View};
use super::{Cache, CacheOptions, Pull};
use crate::disk::DiskCache;
use crate::{Error, Operation, Origin, Principal, WithOrigin};

/// A source behind a [`Cache`] in memory, a [`DiskCache`], or both. Equal requests at the same time become one request
/// to the source. Clones share the caches and belong to the same run.
///
/// | | a tag | a digest |
/// |---|---|---|
/// | nothing cached | one GET | one GET |
/// | cached | one HEAD, and a GET if it names something else now | nothing; a HEAD with [`Pull::Always`] |
/// | [`Pull::Never`], offline | what it named at the last request | nothing |
///
/// Only a cache on disk remembers tags, and lists of tags and referrers.
///
/// Only a cache on disk remembers tags, and lists of tags and referrers.
///
/// The cache returns tags and content only to the credentials that fetched them, and returns to all callers what was
/// fetched without credentials. The client looks up credentials if the registry asks for some, or if it accepted some
/// for the same repository before. If the lookup fails, the cache returns only what was fetched without credentials,
/// and keeps nothing that needs them.
pub struct Cached<S> {
    pub(super) inner: Arc<Inner<S>>,
    memory: Option<Cache>,
    pub(super) options: CacheOptions,
    /// The principals and repositories for which the source has answered in this run.
    confirmed: Arc<Mutex<HashSet<Place>>>,
}

/// A repository, and the principal that reads it.
type Place = (Arc<str>, Repository);

type Whom<S> = for<'a> fn(&'a S) -> &'a (dyn Principal + 'a);

pub(super) struct Inner<S> {
    pub source: S,
    disk: Option<(DiskCache, Whom<S>)>,
    pub flights: Questions,
}

impl<S> Inner<S> {
    /// Returns the caches of a principal.
    fn part(&self, memory: Option<&Cache>, principal: &[u8; 32], repository: &Repository) -> Result<Part, Error> {
        let Some((disk, _)) = &self.disk else { return Ok(Part { memory: memory.cloned(), disk: None }) };
        let fail = |kind| Error::new(Operation::Open, disk.path().display(), kind);
        let disk = disk.scope(principal, repository).map_err(fail)?;
        Ok(Part { memory: memory.map(|memory| memory.scoped(disk.who())), disk: Some(disk) })
    }
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

    /// Returns the same source with a cache in memory before the one on disk. Each principal has its own scope in it.
    #[must_use]
    pub fn with_memory(self, cache: Cache) -> Self {
        Self { memory: Some(cache), ..self }
    }

    /// Returns a handle for another run over the same source and caches, with its own options. It does not rely on
    /// responses of the registry in earlier runs.
    #[must_use]
    pub fn for_run(&self, options: CacheOptions) -> Self {
        Self { options, confirmed: Arc::default(), ..self.clone() }
    }

    /// Returns the source without the caches.
    pub fn source(&self) -> &S {
        &self.inner.source
    }

    /// Returns the options of this run.
    pub fn options(&self) -> CacheOptions {
        self.options
    }

    /// Returns the view of the caches for a repository and the present principal.
    pub(super) async fn view(&self, repository: &Repository) -> Result<View, Error> {
        let mut view = View { repository: repository.clone(), own: None, open: None, unknown: None };
        let memory = self.memory.as_ref();
        let Some((_, whom)) = &self.inner.disk else {
            view.own = Some(Part { memory: memory.cloned(), disk: None });
            return Ok(view);
        };
        let source = whom(&self.inner.source);
        if let Some(anybody) = source.anonymous(repository).await {
            let open = self.inner.part(memory, &anybody, repository)?;
            let behind = match &open.disk {
                Some(disk) => disk.is_behind_credentials().await,
                None => false,
            };
            view.open = Some(open);
            if !behind && source.is_anonymous(repository) {
                return Ok(view);
            }
        }
        match source.principal(repository).await {
            Ok(principal) => view.own = Some(self.inner.part(memory, &principal, repository)?),
            Err(error) => view.unknown = Some(error),
        }
        Ok(view)
    }

    pub(super) fn asker(&self, view: &View) -> Asker {
        let confirmed = self.confirmed.lock();
        let is_confirmed = view.parts().any(|part| confirmed.contains(&(part.who(), view.repository.clone())));
        (view.who(), self.options, is_confirmed)
    }

    /// Notes that the source has answered for a repository, and traces whether a cache or a host has answered.
    pub(super) fn confirm<T>(&self, view: &View, answer: &Result<WithOrigin<T>, Error>) {
        if let Ok(WithOrigin { origin, .. }) = answer {
            tracing::debug!(target: "refkit::cache", repository = %view.repository, %origin, "answered");
        }
        let answered = answer.as_ref().is_ok_and(|answer| !matches!(answer.origin, Origin::Seen(_)));
        if answered && self.options.pull == Pull::Always && !self.options.is_closed() {
            let mut confirmed = self.confirmed.lock();
            confirmed.extend(view.parts().map(|part| (part.who(), view.repository.clone())));
        }
    }

    pub(super) fn question(&self, view: &View) -> Question<S> {
        let (inner, memory) = (Arc::clone(&self.inner), self.memory.clone());
        Question { inner, memory, view: view.clone(), options: self.options }
    }
}

impl<S: Principal> Cached<S> {
    /// Returns the source behind a cache on disk.
    pub fn on_disk(source: S, disk: DiskCache, options: CacheOptions) -> Self {
        fn whom<S: Principal>(source: &S) -> &dyn Principal {
            source
        }
        Self::over(source, None, Some((disk, whom::<S>)), options)
    }
}

/// The state of one request, shared by all callers that wait for it.
pub(super) struct Question<S> {
    pub inner: Arc<Inner<S>>,
    memory: Option<Cache>,
    pub view: View,
    pub options: CacheOptions,
}

impl<S> Question<S> {
    pub fn source(&self) -> &S {
        &self.inner.source
    }

    /// Returns where to keep a response of the source: for all callers if the client sent no credentials, otherwise
    /// for these credentials. None if the credentials cannot be looked up.
    pub async fn keeping(&self) -> Option<Part> {
        let Some((_, whom)) = &self.inner.disk else { return self.view.own.clone() };
        let (source, repository) = (whom(&self.inner.source), &self.view.repository);
        if let Some(open) = self.view.open.as_ref().filter(|_| source.is_anonymous(repository)) {
            return Some(open.clone());
        }
        let own = match &self.view.own {
            Some(own) => own.clone(),
            None => {
                let principal = source.principal(repository).await.ok()?;
                self.inner.part(self.memory.as_ref(), &principal, repository).ok()?
            }
        };
        if let Some(Part { disk: Some(open), .. }) = self.view.open.as_ref().filter(|open| open.who() != own.who()) {
            open.put_behind_credentials().await;
        }
        Some(own)
    }

    /// Returns the error for content that the cache does not have. If the lookup of the credentials failed, this is
    /// its error, because the content may be there for them.
    pub fn miss(&self, operation: Operation, subject: impl fmt::Display) -> Error {
        self.view.unknown.clone().unwrap_or_else(|| Error::new(operation, subject, self.options.miss()))
    }
}

impl<S> Clone for Question<S> {
    fn clone(&self) -> Self {
        let (inner, memory) = (Arc::clone(&self.inner), self.memory.clone());
        Self { inner, memory, view: self.view.clone(), options: self.options }
    }
}

#[async_trait]
impl<S: Principal> Principal for Cached<S> {
    async fn principal(&self, repository: &Repository) -> Result<[u8; 32], Error> {
        self.inner.source.principal(repository).await
    }

    async fn anonymous(&self, repository: &Repository) -> Option<[u8; 32]> {
        self.inner.source.anonymous(repository).await
    }

    fn is_anonymous(&self, repository: &Repository) -> bool {
        self.inner.source.is_anonymous(repository)
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
