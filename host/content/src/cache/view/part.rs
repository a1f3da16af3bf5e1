//! The caches of one principal in one repository: memory first, then the disk.

use std::sync::Arc;

use bytes::Bytes;
use refkit_oci::{Descriptor, Digest, Repository};

use crate::cache::Cache;
use crate::disk::{Kept, Scope, Stored};
use crate::links::Links;
use crate::{Body, Content, Origin};

/// The caches of one principal. Clones share them.
#[derive(Clone)]
pub(in crate::cache) struct Part {
    pub memory: Option<Cache>,
    pub disk: Option<Scope>,
}

impl Part {
    /// Returns the principal.
    pub fn who(&self) -> Arc<str> {
        match (&self.disk, &self.memory) {
            (Some(disk), _) => Arc::clone(disk.who()),
            (None, Some(memory)) => Arc::clone(&memory.scope),
            (None, None) => Arc::from(""),
        }
    }

    /// Returns a manifest or index. If only a descriptor has named the media type, the bytes have to agree with it.
    pub async fn manifest(&self, repository: &Repository, digest: &Digest) -> Option<Content> {
        if let Some(content) = self.memory.as_ref().and_then(|memory| memory.manifest(repository, digest)) {
            return Some(content);
        }
        let Kept { media_type, confirmed, stored: Stored::Bytes(bytes) } = self.disk.as_ref()?.content(digest).await?
        else {
            return None;
        };
        if !confirmed {
            Links::read(&media_type, &bytes).ok()?;
        }
        let descriptor = Descriptor::new(media_type, digest.clone(), bytes.len() as u64);
        if let Some(memory) = &self.memory {
            memory.insert(repository, &descriptor, &bytes, true);
        }
        Some(Content { descriptor, bytes })
    }

    /// Returns content that is small enough to read whole.
    pub async fn bytes(&self, repository: &Repository, digest: &Digest) -> Option<Bytes> {
        if let Some(bytes) = self.memory.as_ref().and_then(|memory| memory.bytes(repository, digest)) {
            return Some(bytes);
        }
        let Kept { media_type, confirmed, stored: Stored::Bytes(bytes) } = self.disk.as_ref()?.content(digest).await?
        else {
            return None;
        };
        if let Some(memory) = &self.memory {
            let descriptor = Descriptor::new(media_type, digest.clone(), bytes.len() as u64);
            memory.insert(repository, &descriptor, &bytes, confirmed);
        }
        Some(bytes)
    }

    /// Returns content of any size.
    pub async fn body(&self, repository: &Repository, descriptor: &Descriptor) -> Option<Body> {
        if let Some(bytes) = self.memory.as_ref().and_then(|memory| memory.bytes(repository, &descriptor.digest)) {
            return Some(Body::from_bytes(Origin::Cache, bytes));
        }
        let disk = self.disk.as_ref()?;
        Some(match disk.content(&descriptor.digest).await?.stored {
            Stored::Bytes(bytes) => Body::from_bytes(Origin::Cache, bytes),
            Stored::Large(file) => disk.stream(descriptor, file),
        })
    }

    /// Keeps verified content from the source.
    pub async fn keep(&self, repository: &Repository, descriptor: &Descriptor, bytes: &Bytes, confirmed: bool) {
        if let Some(memory) = &self.memory {
            memory.insert(repository, descriptor, bytes, confirmed);
        }
        if let Some(disk) = &self.disk {
            disk.keep(descriptor, bytes, confirmed).await;
        }
    }
}
