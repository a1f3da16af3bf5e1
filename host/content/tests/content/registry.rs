//! A registry in memory for the tests of the cache. It records its requests, and its behaviour can be set.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use parking_lot::Mutex;
use refkit_content::{
    Body, Content, Discover, Error, ErrorKind, Fetch, Memory, Operation, Origin, Principal, Push, Resolve, WithOrigin,
};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};

use crate::support::{body, describe, repository, tagged};

/// The requests of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    Head,
    Get,
    Blob,
    Tags,
    Referrers,
}

/// How the registry sends content, in pieces of 64 KiB.
#[derive(Debug, Clone, Copy)]
pub enum Sends {
    Whole,
    /// The connection breaks after so many pieces.
    Cut(usize),
    /// The body stalls after so many pieces.
    Stalled(usize),
}

/// How the registry fails, and for which request; for all if there is none.
type Failing = (Option<Ask>, ErrorKind);

/// A registry, and the principal that uses it. Clones share it.
#[derive(Clone)]
pub struct Registry {
    pub memory: Memory,
    whom: u8,
    /// The only principal with access; none if all have it.
    only: Option<u8>,
    asked: Arc<Mutex<Vec<Ask>>>,
    fails: Arc<Mutex<Option<Failing>>>,
    sends: Arc<Mutex<Sends>>,
    lies: Arc<Mutex<HashMap<Digest, Bytes>>>,
}

impl Registry {
    pub fn new() -> Self {
        let sends = Arc::new(Mutex::new(Sends::Whole));
        Self {
            memory: Memory::new(),
            whom: 1,
            only: None,
            asked: Arc::default(),
            fails: Arc::default(),
            sends,
            lies: Arc::default(),
        }
    }

    /// Returns a registry with an index of one image under the tag `1.0`.
    pub async fn filled() -> (Self, Image) {
        let registry = Self::new();
        let index = registry.image("1.0", b"first").await;
        (registry, index)
    }

    /// Pushes an image that depends on the bytes.
    pub async fn image(&self, tag: &str, bytes: &[u8]) -> Image {
        let image = ImageBuilder::new("linux/amd64").file("x", bytes).build();
        let index = IndexBuilder::new().add(image).build();
        index.push(&self.memory, &tagged(&repository(), tag)).await.expect("a push");
        index
    }

    pub async fn blob(&self, media_type: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = describe(media_type, bytes);
        self.memory.push_blob(&repository(), &descriptor, body(bytes)).await.expect("a push");
        descriptor
    }

    /// Returns the same registry for another principal.
    pub fn by(&self, whom: u8) -> Self {
        Self { whom, ..self.clone() }
    }

    /// Returns the same registry, with access for one principal only.
    pub fn only(&self, whom: u8) -> Self {
        Self { only: Some(whom), ..self.clone() }
    }

    /// Returns the requests since the last call.
    pub fn asked(&self) -> Vec<Ask> {
        std::mem::take(&mut self.asked.lock())
    }

    /// Sets or clears the failure of all requests.
    pub fn fail(&self, kind: Option<ErrorKind>) {
        *self.fails.lock() = kind.map(|kind| (None, kind));
    }

    /// Sets the failure of one request.
    pub fn fail_at(&self, what: Ask, kind: ErrorKind) {
        *self.fails.lock() = Some((Some(what), kind));
    }

    /// Sets how the registry sends content.
    pub fn send(&self, sends: Sends) {
        *self.sends.lock() = sends;
    }

    /// Sends these bytes as the content of a digest that they do not have.
    pub fn lie(&self, digest: &Digest, bytes: &[u8]) {
        self.lies.lock().insert(digest.clone(), Bytes::copy_from_slice(bytes));
    }

    async fn ask(&self, what: Ask, operation: Operation) -> Result<(), Error> {
        self.asked.lock().push(what);
        // Other tasks run in between, as on a network.
        tokio::task::yield_now().await;
        let fail = |kind| Err(Error::new(operation, "it", kind).at("registry.test"));
        match self.fails.lock().clone() {
            Some((at, kind)) if at.is_none_or(|at| at == what) => fail(kind),
            _ if self.only.is_some_and(|only| only != self.whom) => fail(ErrorKind::Forbidden("not you".to_owned())),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Resolve for Registry {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.ask(Ask::Head, Operation::Resolve).await?;
        self.memory.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.ask(Ask::Get, Operation::Pull).await?;
        self.memory.pull(reference).await
    }
}

#[async_trait]
impl Fetch for Registry {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        self.ask(Ask::Blob, Operation::Fetch).await?;
        let lie = self.lies.lock().get(&descriptor.digest).cloned();
        let Body { origin, stream } = match lie {
            Some(bytes) => Body::from_bytes(Origin::Memory, bytes),
            None => self.memory.open(repository, descriptor).await?,
        };
        let whole: Vec<Bytes> = stream.try_collect().await?;
        let pieces: Vec<Bytes> = whole.concat().chunks(64 << 10).map(Bytes::copy_from_slice).collect();
        let broken = || Error::new(Operation::Fetch, "it", ErrorKind::Unavailable("the connection broke".to_owned()));
        let stream = match *self.sends.lock() {
            Sends::Whole => stream::iter(pieces).map(Ok).boxed(),
            Sends::Cut(after) => stream::iter(pieces).take(after).map(Ok).chain(stream::iter([Err(broken())])).boxed(),
            Sends::Stalled(after) => stream::iter(pieces).take(after).map(Ok).chain(stream::pending()).boxed(),
        };
        Ok(Body { origin, stream })
    }
}

#[async_trait]
impl Discover for Registry {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.ask(Ask::Tags, Operation::Tags).await?;
        self.memory.tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        self.ask(Ask::Referrers, Operation::Referrers).await?;
        self.memory.referrers(repository, subject, artifact_type).await
    }
}

#[async_trait]
impl Principal for Registry {
    async fn principal(&self, _: &Repository) -> Result<[u8; 32], Error> {
        Ok([self.whom; 32])
    }
}
