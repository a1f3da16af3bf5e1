//! Lists the tags and referrers of a layout.

use std::collections::HashSet;

use async_trait::async_trait;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use super::Layout;
use crate::links::{self, Links};
use crate::verify::{self, MANIFEST_LIMIT};
use crate::{Discover, Error, ErrorCode, ErrorKind, Operation, Resolve, WithOrigin};

impl Layout {
    /// Returns the descriptor of an entry for a list of the subject's referrers; none if the entry has another subject
    /// or is absent.
    async fn describe(&self, entry: &Descriptor, subject: &Digest) -> Result<Option<Descriptor>, Error> {
        let known = self.inner.subjects.lock().get(&entry.digest).cloned();
        if known.is_some_and(|known| known.as_ref() != Some(subject)) {
            return Ok(None);
        }
        let bytes = match verify::fetch(self, &self.repository, entry, MANIFEST_LIMIT).await {
            Ok(answer) => answer.value,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let links = Links::read(&entry.media_type, &bytes).map_err(|kind| {
            self.fail(Operation::Referrers, format_args!("{}@{}", self.repository, entry.digest), kind)
        })?;
        let about = links.subject.map(|of| of.digest);
        let described = (about.as_ref() == Some(subject)).then(|| Descriptor {
            artifact_type: links.artifact_type,
            annotations: links.annotations,
            ..Descriptor::new(&*entry.media_type, entry.digest.clone(), entry.size)
        });
        let mut subjects = self.inner.subjects.lock();
        subjects.insert(entry.digest.clone(), about);
        Ok(described)
    }

    /// Returns the index under the fallback tag, as OCI distribution 1.1, section "Referrers Tag Schema".
    async fn fallback(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let tag = links::fallback_tag(subject);
        if !self.entries().iter().any(|entry| entry.tags.contains(&tag)) {
            return Ok(Vec::new());
        }
        let fail = |kind| self.fail(Operation::Referrers, format_args!("{}@{subject}", self.repository), kind);
        let reference = Reference::new(self.repository.clone(), Some(tag), None)
            .map_err(|error| fail(ErrorKind::Malformed(error.to_string())))?;
        let index = self.pull(&reference).await?.value;
        Ok(Links::read(&index.descriptor.media_type, &index.bytes).map_err(fail)?.manifests)
    }
}

#[async_trait]
impl Discover for Layout {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.own(repository).map_err(|kind| self.fail(Operation::Tags, repository, kind))?;
        let mut tags: Vec<String> = self.names().into_iter().map(str::to_owned).collect();
        tags.sort();
        Ok(WithOrigin { value: tags, origin: self.origin() })
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let fail = |kind| self.fail(Operation::Referrers, format_args!("{repository}@{subject}"), kind);
        self.own(repository).map_err(fail)?;
        let wanted = |of: &Descriptor| artifact_type.is_none_or(|wanted| of.artifact_type.as_deref() == Some(wanted));
        let (mut found, mut met, mut left) = (Vec::new(), HashSet::new(), MANIFEST_LIMIT);
        let mut take = |of: Descriptor| {
            if met.insert(of.digest.clone()) && wanted(&of) {
                left = left.checked_sub(cost(&of)).ok_or(ErrorKind::TooLarge { limit: MANIFEST_LIMIT })?;
                found.push(of);
            }
            Ok(())
        };
        for entry in self.entries() {
            if let Some(described) = self.describe(&entry.descriptor, subject).await? {
                take(described).map_err(fail)?;
            }
        }
        for listed in self.fallback(subject).await? {
            take(listed).map_err(fail)?;
        }
        Ok(WithOrigin { value: found, origin: self.origin() })
    }
}

/// Returns roughly how many bytes a descriptor adds to a list of referrers. A registry's list is one index, with the
/// limit of an index.
fn cost(of: &Descriptor) -> u64 {
    let annotations: usize = of.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    (200 + annotations) as u64
}
