//! Resolves manifests and indexes by reference.

use async_trait::async_trait;
use futures_util::FutureExt as _;
use refkit_oci::{Descriptor, Reference};

use super::cached::{Cached, Question};
use super::options::Pull;
use crate::verify;
use crate::{Content, Error, ErrorKind, Operation, Origin, Resolve, WithOrigin};

#[async_trait]
impl<S: Resolve + 'static> Resolve for Cached<S> {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        let view = self.view(reference.repository()).await?;
        let ask = || {
            let (question, reference) = (self.question(&view), reference.clone());
            async move { question.resolve(&reference).await }.boxed()
        };
        let answer = self.inner.flights.resolve.join((self.asker(&view), reference.clone()), ask).await;
        self.confirm(&view, &answer);
        answer
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        let view = self.view(reference.repository()).await?;
        let ask = || {
            let (question, reference) = (self.question(&view), reference.clone());
            async move { question.pull(&reference).await }.boxed()
        };
        let answer = self.inner.flights.pull.join((self.asker(&view), reference.clone()), ask).await;
        self.confirm(&view, &answer);
        answer
    }
}

impl<S: Resolve> Question<S> {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        if self.options.is_closed() {
            return match self.remembered(reference).await {
                Some(answer) => Ok(answer),
                None => Err(self.miss(Operation::Resolve, reference)),
            };
        }
        if let (Some(digest), Pull::Default) = (reference.digest(), self.options.pull)
            && let Some(content) = self.view.manifest(digest).await
        {
            return Ok(WithOrigin { value: content.descriptor, origin: Origin::Cache });
        }
        match self.head(reference).await {
            Err(error) if self.options.bears(&error) => self.remembered(reference).await.ok_or(error),
            other => other,
        }
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        if self.options.is_closed() {
            return match self.held(reference).await {
                Some(answer) => Ok(answer),
                None => Err(self.miss(Operation::Pull, reference)),
            };
        }
        match self.asked(reference).await {
            Err(error) if self.options.bears(&error) => self.held(reference).await.ok_or(error),
            other => other,
        }
    }

    /// Reads what a reference names, from the cache if the tag still names the same content.
    async fn asked(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        let Some(held) = self.held(reference).await else { return self.get(reference).await };
        if reference.digest().is_some() && self.options.pull == Pull::Default {
            return Ok(held);
        }
        // Most tags still name the same content. A HEAD costs less than a GET, and Docker Hub does not count it.
        let now = match self.head(reference).await {
            Ok(now) => now.value.digest,
            Err(Error { kind: ErrorKind::Unsupported(_), .. }) => return self.get(reference).await,
            Err(error) => return Err(error),
        };
        let value = if now == held.value.descriptor.digest { Some(held.value) } else { self.view.manifest(&now).await };
        match value {
            Some(value) if reference.digest().is_none_or(|wanted| *wanted == value.descriptor.digest) => {
                Ok(WithOrigin { value, origin: Origin::Cache })
            }
            _ => self.get(reference).await,
        }
    }

    async fn head(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        let answer = self.source().resolve(reference).await?;
        self.remember(reference, &answer.value).await;
        Ok(answer)
    }

    async fn get(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        let answer = self.source().pull(reference).await?;
        let Content { descriptor, bytes } = &answer.value;
        verify::check(descriptor, bytes)
            .and_then(|()| match reference.digest() {
                Some(wanted) if *wanted != descriptor.digest => verify::check_digest(wanted, bytes),
                _ => Ok(()),
            })
            .map_err(|kind| Error::new(Operation::Pull, reference, kind).at(&answer.origin))?;
        if let Some(part) = self.keeping().await {
            part.keep(&self.view.repository, descriptor, bytes, true).await;
        }
        self.remember(reference, descriptor).await;
        Ok(answer)
    }

    /// Keeps what a tag names. If the reference also has a digest, the response says nothing about the tag.
    async fn remember(&self, reference: &Reference, names: &Descriptor) {
        let (Some(tag), None) = (reference.tag(), reference.digest()) else { return };
        if let Some(disk) = self.keeping().await.and_then(|part| part.disk) {
            disk.keep_tag(tag, names).await;
        }
    }

    /// Returns the cached content that a reference names, or named at the last request.
    async fn held(&self, reference: &Reference) -> Option<WithOrigin<Content>> {
        if let Some(digest) = reference.digest() {
            return Some(WithOrigin { value: self.view.manifest(digest).await?, origin: Origin::Cache });
        }
        let WithOrigin { value, origin } = self.remembered(reference).await?;
        Some(WithOrigin { value: self.view.manifest(&value.digest).await?, origin })
    }

    async fn remembered(&self, reference: &Reference) -> Option<WithOrigin<Descriptor>> {
        if let Some(digest) = reference.digest() {
            return Some(WithOrigin { value: self.view.manifest(digest).await?.descriptor, origin: Origin::Cache });
        }
        let seen = self.view.tag(reference.tag()?).await?;
        let origin = Origin::Seen(seen.at());
        Some(WithOrigin { value: seen.value, origin })
    }
}
