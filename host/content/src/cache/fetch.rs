//! Fetches content by descriptor.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use refkit_oci::{Descriptor, Repository};

use super::cached::{Cached, Question};
use super::download::Download;
use super::options::Pull;
use super::questions::{Asker, Opening};
use super::worth_keeping;
use crate::verify::{self, MANIFEST_LIMIT};
use crate::{Body, Error, Fetch, Operation, Origin, WithOrigin};

#[async_trait]
impl<S: Fetch + 'static> Fetch for Cached<S> {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let view = self.view(repository).await?;
        let asker = self.asker(&view);
        let question = self.question(&view);
        // Inline data does not grant access.
        let descriptor = Descriptor { data: None, ..descriptor.clone() };
        // Requests with the same values of these fields are equal.
        let Descriptor { media_type, digest, size, urls, .. } = descriptor.clone();
        let key = (asker, repository.clone(), Descriptor { urls, ..Descriptor::new(media_type, digest, size) });
        if is_read_whole(&descriptor, question.keeps_blobs()) {
            let may_look = question.may_look(&key.0);
            let ask = || async move { question.whole(&descriptor, may_look).await }.boxed();
            let answer = self.inner.flights.open.join(key, ask).await;
            self.confirm(&view, &answer);
            return answer.map(|WithOrigin { value, origin }| Body::from_bytes(origin, value));
        }
        let answer = question.stream(descriptor, key).await;
        if let Ok(body) = &answer {
            self.confirm(&view, &Ok(WithOrigin { value: (), origin: body.origin.clone() }));
        }
        answer
    }
}

/// Returns whether content is small and kept. Such content is read whole before the caller gets it, because only
/// verified bytes may enter a cache.
fn is_read_whole(descriptor: &Descriptor, blobs: bool) -> bool {
    worth_keeping(descriptor) || (blobs && descriptor.size <= MANIFEST_LIMIT)
}

impl<S: Fetch> Question<S> {
    async fn whole(&self, descriptor: &Descriptor, may_look: bool) -> Result<WithOrigin<Bytes>, Error> {
        let cached = |value| WithOrigin { value, origin: Origin::Cache };
        if may_look && let Some(bytes) = self.view.bytes(&descriptor.digest).await {
            return Ok(cached(bytes));
        }
        if self.options.is_closed() {
            return Err(self.lacks(descriptor));
        }
        match verify::fetch(self.source(), &self.view.repository, descriptor, MANIFEST_LIMIT).await {
            Ok(answer) => {
                if let Some(part) = self.keeping().await {
                    part.keep(&self.view.repository, descriptor, &answer.value, false).await;
                }
                Ok(answer)
            }
            Err(error) if self.options.bears(&error) => {
                self.view.bytes(&descriptor.digest).await.map(cached).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn stream(self, descriptor: Descriptor, key: Opening) -> Result<Body, Error>
    where
        S: 'static,
    {
        if let Some(body) = self.here(&descriptor, &key.0).await {
            return Ok(body);
        }
        if self.options.is_closed() {
            return Err(self.lacks(&descriptor));
        }
        let opened = if self.keeps_blobs() {
            match self.download(&descriptor, key.clone()).await {
                Ok(Some(download)) => {
                    let again = async move { self.source().open(&self.view.repository, &descriptor).await };
                    return Ok(download.body(again.boxed()));
                }
                Ok(None) => match self.here(&descriptor, &key.0).await {
                    Some(body) => return Ok(body),
                    None => self.source().open(&self.view.repository, &descriptor).await,
                },
                Err(error) => Err(error),
            }
        } else {
            self.source().open(&self.view.repository, &descriptor).await
        };
        match opened {
            Err(error) if self.options.bears(&error) => self.view.body(&descriptor).await.ok_or(error),
            other => other,
        }
    }

    /// Returns content from the cache, if the options allow that before a request to the source.
    async fn here(&self, descriptor: &Descriptor, asker: &Asker) -> Option<Body> {
        if self.may_look(asker) { self.view.body(descriptor).await } else { None }
    }

    /// Joins a download of the content, or starts one. None if the download has ended by now, or the cache cannot keep
    /// the content.
    async fn download(&self, descriptor: &Descriptor, key: Opening) -> Result<Option<Arc<Download>>, Error>
    where
        S: 'static,
    {
        let ask = || {
            let (question, descriptor, key) = (self.clone(), descriptor.clone(), key.clone());
            async move { question.begin(&descriptor, key).await }.boxed()
        };
        self.inner.flights.large.join(key.clone(), ask).await
    }

    async fn begin(&self, descriptor: &Descriptor, key: Opening) -> Result<Option<Arc<Download>>, Error> {
        let downloads = || self.inner.flights.downloads.lock();
        let under_way = downloads().get(&key).and_then(Weak::upgrade).filter(|download| download.is_of_use());
        if under_way.is_some() {
            return Ok(under_way);
        }
        // A download that has ended since has put the content into the cache.
        if self.here(descriptor, &key.0).await.is_some() {
            return Ok(None);
        }
        let Some(disk) = self.view.disk() else { return Ok(None) };
        let Some(sink) = disk.begin(descriptor).await else { return Ok(None) };
        let body = self.source().open(&self.view.repository, descriptor).await?;
        // Only now it is known whether the registry asked for credentials.
        let sink = match self.keeping().await.and_then(|part| part.disk) {
            Some(disk) => disk.take_over(sink, descriptor),
            None => sink.ungranted(),
        };
        let Ok(download) = Download::start(descriptor, body, sink).map(Arc::new) else { return Ok(None) };
        let mut downloads = downloads();
        downloads.retain(|_, download| download.strong_count() > 0);
        downloads.insert(key, Arc::downgrade(&download));
        Ok(Some(download))
    }

    fn keeps_blobs(&self) -> bool {
        self.options.blobs && self.view.disk().is_some()
    }

    /// Returns whether the cache may be used before a request to the source.
    fn may_look(&self, (_, _, is_confirmed): &Asker) -> bool {
        *is_confirmed || self.options.is_closed() || self.options.pull == Pull::Default
    }

    fn lacks(&self, descriptor: &Descriptor) -> Error {
        self.miss(Operation::Fetch, format_args!("{}@{}", self.view.repository, descriptor.digest))
    }
}
