//! Resolves references in a layout and reads its content.

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use super::Layout;
use super::entry::Entry;
use super::file::blocking;
use crate::links::{self, Links};
use crate::verify::{self, MANIFEST_LIMIT};
use crate::{Body, Content, Error, ErrorKind, Fetch, Operation, Resolve, WithOrigin};

impl Layout {
    /// Returns the entry with a tag.
    fn named_by(&self, tag: &str) -> Result<&Entry, ErrorKind> {
        let mut found = self.entries().iter().filter(|entry| entry.tags.iter().any(|own| own == tag));
        let first = found.next().ok_or(ErrorKind::NotFound)?;
        let other = found.find(|entry| entry.descriptor.digest != first.descriptor.digest);
        match other {
            None => Ok(first),
            Some(other) => Err(ErrorKind::Malformed(format!(
                "the layout has several images of that name, {} and {}; ask by digest",
                first.descriptor.digest, other.descriptor.digest
            ))),
        }
    }

    /// Returns the media type and size of the content that a reference names, and the bytes if they had to be read.
    async fn find(&self, reference: &Reference) -> Result<(Descriptor, Option<bytes::Bytes>), ErrorKind> {
        self.own(reference.repository())?;
        let listed = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => self.entries().iter().find(|entry| entry.descriptor.digest == *digest),
            (None, Some(tag)) => Some(self.named_by(tag)?),
            (None, None) => return Err(ErrorKind::NotFound),
        };
        if let Some(Entry { descriptor: of, .. }) = listed {
            // As from a registry: without what `index.json` adds, such as the name.
            return Ok((Descriptor::new(&*of.media_type, of.digest.clone(), of.size), None));
        }
        let digest = reference.digest().ok_or(ErrorKind::NotFound)?;
        let bytes = self.unlisted(digest).await?;
        let media_type = links::media_type_of(&bytes)?;
        Links::read(&media_type, &bytes)?;
        Ok((Descriptor::new(media_type, digest.clone(), bytes.len() as u64), Some(bytes)))
    }

    /// Reads a blob that is in no index.
    async fn unlisted(&self, digest: &Digest) -> Result<bytes::Bytes, ErrorKind> {
        let (inner, digest) = (std::sync::Arc::clone(&self.inner), digest.clone());
        blocking(move || {
            let bytes = inner.store.blob(&digest)?.read_all(MANIFEST_LIMIT)?;
            verify::check_digest(&digest, &bytes)?;
            Ok(bytes.into())
        })
        .await
    }

    /// Opens a blob, checks its size, and reads the first piece of it.
    async fn open_blob(&self, descriptor: &Descriptor) -> Result<Body, ErrorKind> {
        let (inner, digest, expected) =
            (std::sync::Arc::clone(&self.inner), descriptor.digest.clone(), descriptor.size);
        let (first, rest) = blocking(move || {
            let mut file = inner.store.blob(&digest)?;
            if file.size() != expected {
                return Err(ErrorKind::WrongSize { expected, actual: file.size() });
            }
            Ok((file.next()?, file))
        })
        .await?;
        let (origin, subject) = (self.origin(), descriptor.digest.clone());
        let at = origin.clone();
        let rest =
            rest.stream().map(move |piece| piece.map_err(|kind| Error::new(Operation::Fetch, &subject, kind).at(&at)));
        Ok(Body { origin, stream: stream::iter(first.map(Ok)).chain(rest).boxed() })
    }
}

/// Returns the error for an entry of the index whose blob is not there: the layout is incomplete, and the name is right.
fn absent(entry: &Descriptor, kind: ErrorKind) -> ErrorKind {
    match kind {
        ErrorKind::NotFound => ErrorKind::Malformed(format!("the layout lists it, and has no blob {}", entry.digest)),
        other => other,
    }
}

#[async_trait]
impl Resolve for Layout {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        let found = async {
            let (descriptor, read) = self.find(reference).await?;
            if read.is_none() {
                // Opening the blob detects entries whose blob is absent or truncated, as a pull would.
                self.open_blob(&descriptor).await.map_err(|kind| absent(&descriptor, kind))?;
            }
            Ok(descriptor)
        };
        match found.await {
            Ok(value) => Ok(WithOrigin { value, origin: self.origin() }),
            Err(kind) => Err(self.fail(Operation::Resolve, reference, kind)),
        }
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        let fail = |kind| self.fail(Operation::Pull, reference, kind);
        let (descriptor, read) = self.find(reference).await.map_err(fail)?;
        let bytes = match read {
            Some(bytes) => bytes,
            None => {
                verify::fetch(self, reference.repository(), &descriptor, MANIFEST_LIMIT)
                    .await
                    .map_err(|error| Error {
                        operation: Operation::Pull,
                        subject: reference.to_string(),
                        kind: absent(&descriptor, error.kind),
                        ..error
                    })?
                    .value
            }
        };
        Ok(WithOrigin { value: Content { descriptor, bytes }, origin: self.origin() })
    }
}

#[async_trait]
impl Fetch for Layout {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let opened = async {
            self.own(repository)?;
            self.open_blob(descriptor).await
        };
        opened
            .await
            .map_err(|kind| self.fail(Operation::Fetch, format_args!("{repository}@{}", descriptor.digest), kind))
    }
}
