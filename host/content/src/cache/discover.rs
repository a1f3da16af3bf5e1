//! Lists of tags and of referrers. The source is asked for each list every time; the cache keeps them for use without
//! a source.

use async_trait::async_trait;
use futures_util::FutureExt as _;
use refkit_oci::{Descriptor, Digest, Repository};

use super::cached::{Cached, Question};
use super::listed::Listed;
use crate::{Discover, Error, Operation, Origin, WithOrigin};

#[async_trait]
impl<S: Discover + 'static> Discover for Cached<S> {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        let view = self.view(repository).await?;
        let ask = || {
            let question = self.question(&view);
            async move { question.tags().await }.boxed()
        };
        self.inner.flights.tags.join((self.asker(&view), repository.clone()), ask).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let view = self.view(repository).await?;
        let (subject, artifact_type) = (subject.clone(), artifact_type.map(str::to_owned));
        let key = (self.asker(&view), repository.clone(), subject.clone(), artifact_type.clone());
        let ask = || {
            let question = self.question(&view);
            async move { question.referrers(&subject, artifact_type.as_deref()).await }.boxed()
        };
        self.inner.flights.referrers.join(key, ask).await
    }
}

/// The name of the list of tags. No list of referrers has this name.
const TAGS: &str = "tags";

fn referrers_of(subject: &Digest, artifact_type: Option<&str>) -> String {
    match artifact_type {
        Some(artifact_type) => format!("referrers\n{subject}\n{artifact_type}"),
        None => format!("referrers\n{subject}"),
    }
}

impl<S: Discover> Question<S> {
    async fn tags(&self) -> Result<WithOrigin<Vec<String>>, Error> {
        let repository = &self.view.repository;
        if self.options.is_closed() {
            let miss = || self.miss(Operation::Tags, repository);
            return self.known_tags().await.ok_or_else(miss);
        }
        match self.source().tags(repository).await {
            Ok(answer) => {
                if let Some(disk) = self.keeping().await.and_then(|part| part.disk) {
                    disk.keep_list(TAGS, answer.value.clone()).await;
                }
                Ok(answer)
            }
            Err(error) if self.options.bears(&error) => self.known_tags().await.ok_or(error),
            Err(error) => Err(error),
        }
    }

    async fn known_tags(&self) -> Option<WithOrigin<Vec<String>>> {
        let seen = self.view.list::<Vec<String>>(TAGS).await?;
        Some(WithOrigin { origin: Origin::Seen(seen.at()), value: seen.value })
    }

    async fn referrers(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let repository = &self.view.repository;
        if self.options.is_closed() {
            let miss = || self.miss(Operation::Referrers, format!("{repository}@{subject}"));
            return self.known_referrers(subject, artifact_type).await.ok_or_else(miss);
        }
        match self.source().referrers(repository, subject, artifact_type).await {
            Ok(answer) => {
                if let Some(disk) = self.keeping().await.and_then(|part| part.disk) {
                    let list: Vec<Listed> = answer.value.iter().cloned().map(Listed::from).collect();
                    disk.keep_list(referrers_of(subject, artifact_type), list).await;
                }
                Ok(answer)
            }
            Err(error) if self.options.bears(&error) => self.known_referrers(subject, artifact_type).await.ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// Returns the requested list, or the matching entries from the list of all referrers.
    async fn known_referrers(&self, subject: &Digest, wanted: Option<&str>) -> Option<WithOrigin<Vec<Descriptor>>> {
        let seen = match self.view.list::<Vec<Listed>>(&referrers_of(subject, wanted)).await {
            Some(seen) => seen,
            None => self.view.list(&referrers_of(subject, None)).await?,
        };
        let origin = Origin::Seen(seen.at());
        let of = |one: &Descriptor| wanted.is_none_or(|wanted| one.artifact_type.as_deref() == Some(wanted));
        let value = seen.value.into_iter().filter_map(Listed::into_descriptor).filter(of).collect();
        Some(WithOrigin { value, origin })
    }
}
