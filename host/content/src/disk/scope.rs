//! The part of the cache for one principal in one repository.

use std::fmt;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::StreamExt as _;
use refkit_oci::{Descriptor, Digest, Repository};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::blob::{self, Stored};
use super::record::{self, Slot};
use super::root::{CREDENTIALS, GRANTS, LISTS, Place, Root, TAGS};
use super::sink::Sink;
use super::{DiskCache, evict};
use crate::{Body, Origin, verify};

/// How old a record may be before it is written again with the same content: a minute.
const SEEN_GRAIN: Duration = Duration::from_secs(60);

/// A repository, and the principal that reads it. Clones share it.
#[derive(Clone)]
pub(crate) struct Scope {
    cache: DiskCache,
    who: Arc<str>,
    repository: Repository,
}

/// The record that the registry has returned content, and the media type and size of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Grant {
    media_type: String,
    size: u64,
    confirmed: bool,
}

/// Content that the cache may return.
pub(crate) struct Kept {
    pub media_type: String,
    /// Whether the registry has confirmed the media type, which a descriptor named.
    pub confirmed: bool,
    pub stored: Stored,
}

/// A value from the registry, and when it was returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen<T> {
    pub value: T,
    seen: u64,
}

impl<T> Seen<T> {
    fn now(value: T) -> Self {
        Self { value, seen: now() }
    }

    /// Returns when the registry returned it.
    pub fn at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.seen)).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// The record of a tag has three fields of the descriptor.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tag {
    media_type: String,
    digest: String,
    size: u64,
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Scope {
    pub(super) fn new(cache: DiskCache, who: String, repository: Repository) -> Self {
        Self { cache, who: who.into(), repository }
    }

    /// Returns the principal, hashed as on the disk.
    pub fn who(&self) -> &Arc<str> {
        &self.who
    }

    fn slot(&self, place: Place, about: impl fmt::Display) -> Slot {
        Slot { place, key: format!("{}\n{}\n{about}", self.who, self.repository) }
    }

    /// Returns content that the registry has returned to this principal before.
    pub async fn content(&self, digest: &Digest) -> Option<Kept> {
        let (slot, digest) = (self.slot(GRANTS, digest), digest.clone());
        let read = move |root: &Root| {
            let Grant { media_type, size, confirmed } = record::read(root, &slot)?;
            let stored = blob::read(root, &digest, size)?;
            Some(Kept { media_type, confirmed, stored })
        };
        self.cache.work(read).await
    }

    /// Keeps verified content that the registry has returned.
    pub async fn keep(&self, descriptor: &Descriptor, bytes: &Bytes, confirmed: bool) {
        let (slot, grant) = self.grant(descriptor, confirmed);
        let (digest, bytes) = (descriptor.digest.clone(), bytes.clone());
        let keep = move |root: &Root| {
            if !evict::fits(root, bytes.len() as u64) {
                return Ok(0);
            }
            // The grant follows the content: a process that is killed in between grants nothing.
            let size = blob::write(root, &digest, &bytes)?;
            if size > 0 {
                evict::grown(root, size)?;
            }
            record::write(root, &slot, &grant)
        };
        self.cache.keep(keep).await;
    }

    fn grant(&self, descriptor: &Descriptor, confirmed: bool) -> (Slot, Grant) {
        let Descriptor { media_type, size, .. } = descriptor;
        let grant = Grant { media_type: media_type.clone(), size: *size, confirmed };
        (self.slot(GRANTS, &descriptor.digest), grant)
    }

    /// Begins to keep content that is too large to read whole; none if the cache cannot keep it.
    pub async fn begin(&self, descriptor: &Descriptor) -> Option<Sink> {
        let (slot, grant) = self.grant(descriptor, false);
        Sink::begin(self.cache.clone(), descriptor, move |root| record::write(root, &slot, &grant)).await
    }

    /// Grants a download to this principal alone.
    pub fn take_over(&self, sink: Sink, descriptor: &Descriptor) -> Sink {
        let (slot, grant) = self.grant(descriptor, false);
        sink.granted(move |root| record::write(root, &slot, &grant))
    }

    /// Returns whether this repository is marked: its registry has accepted credentials, so that the cache may have
    /// content for them. The mark is in the scope of requests without credentials.
    pub async fn is_behind_credentials(&self) -> bool {
        self.record::<bool>(self.slot(CREDENTIALS, "")).await == Some(true)
    }

    /// Marks this repository as one whose registry has accepted credentials.
    pub async fn put_behind_credentials(&self) {
        let slot = self.slot(CREDENTIALS, "");
        let keep = move |root: &Root| match record::read::<bool>(root, &slot) {
            Some(true) => Ok(0),
            _ => record::write(root, &slot, &true),
        };
        self.cache.keep(keep).await;
    }

    /// Returns the bytes of content, which the reader verifies. If the content is damaged, the body ends in an error,
    /// and the next request fetches it again.
    pub fn stream(&self, descriptor: &Descriptor, file: File) -> Body {
        let body = Body { origin: Origin::Cache, stream: blob::stream(file, &descriptor.digest) };
        let (cache, digest) = (self.cache.clone(), descriptor.digest.clone());
        let pieces = verify::verified(descriptor, body).stream.then(move |piece| {
            let (cache, digest, damaged) = (cache.clone(), digest.clone(), piece.is_err());
            async move {
                if damaged {
                    let remove = move |root: &Root| {
                        root.remove(blob::place(&digest), digest.hex());
                        Some(())
                    };
                    cache.work(remove).await;
                }
                piece
            }
        });
        Body { origin: Origin::Cache, stream: pieces.boxed() }
    }

    /// Returns what a tag named at the last request to the registry.
    pub async fn tag(&self, tag: &str) -> Option<Seen<Descriptor>> {
        let Seen { value, seen } = self.record::<Seen<Tag>>(self.slot(TAGS, tag)).await?;
        let digest = Digest::try_from(value.digest).ok()?;
        Some(Seen { value: Descriptor::new(value.media_type, digest, value.size), seen })
    }

    /// Keeps what a tag names.
    pub async fn keep_tag(&self, tag: &str, names: &Descriptor) {
        let Descriptor { media_type, digest, size, .. } = names;
        let value = Tag { media_type: media_type.clone(), digest: digest.to_string(), size: *size };
        self.keep_record(self.slot(TAGS, tag), value).await;
    }

    /// Returns a list of the registry.
    pub async fn list<T: DeserializeOwned + Send + 'static>(&self, of: impl fmt::Display) -> Option<Seen<T>> {
        self.record(self.slot(LISTS, of)).await
    }

    /// Keeps a list.
    pub async fn keep_list<T>(&self, of: impl fmt::Display, list: T)
    where
        T: Serialize + DeserializeOwned + PartialEq + Send + 'static,
    {
        self.keep_record(self.slot(LISTS, of), list).await;
    }

    async fn record<T: DeserializeOwned + Send + 'static>(&self, slot: Slot) -> Option<T> {
        self.cache.work(move |root| record::read(root, &slot)).await
    }

    async fn keep_record<T>(&self, slot: Slot, value: T)
    where
        T: Serialize + DeserializeOwned + PartialEq + Send + 'static,
    {
        let keep = move |root: &Root| {
            let new = Seen::now(value);
            match record::read::<Seen<T>>(root, &slot) {
                Some(old) if old.value == new.value && is_recent(old.seen, new.seen) => Ok(0),
                _ => record::write(root, &slot, &new),
            }
        };
        self.cache.keep(keep).await;
    }
}

fn is_recent(seen: u64, now: u64) -> bool {
    now.checked_sub(seen).is_some_and(|since| since < SEEN_GRAIN.as_secs())
}
