//! The view of the caches for one principal and one repository.

mod part;

use std::sync::Arc;

use bytes::Bytes;
use refkit_oci::{Descriptor, Digest, Repository};
use serde::de::DeserializeOwned;

pub(super) use part::Part;

use crate::disk::{Scope, Seen};
use crate::{Body, Content, Error};

/// The caches of a repository, as far as one principal may read them. Clones share them.
#[derive(Clone)]
pub(super) struct View {
    pub repository: Repository,
    /// The part for the present credentials; none if they need not be looked up, because the registry of this
    /// repository has never accepted any.
    pub own: Option<Part>,
    /// The part for requests without credentials; none if the source always sends some.
    pub open: Option<Part>,
    /// Why the lookup of the credentials failed, if it was needed.
    pub unknown: Option<Error>,
}

impl View {
    /// Returns the readable parts, the one for the present credentials first.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.own.iter().chain(&self.open)
    }

    /// Returns the principal.
    pub fn who(&self) -> Arc<str> {
        self.parts().next().map_or_else(|| Arc::from(""), Part::who)
    }

    /// Returns the scope on disk that needs no principal.
    pub fn disk(&self) -> Option<&Scope> {
        self.parts().find_map(|part| part.disk.as_ref())
    }

    /// Returns a manifest or index.
    pub async fn manifest(&self, digest: &Digest) -> Option<Content> {
        for part in self.parts() {
            if let Some(content) = part.manifest(&self.repository, digest).await {
                return Some(content);
            }
        }
        None
    }

    /// Returns content that is small enough to read whole.
    pub async fn bytes(&self, digest: &Digest) -> Option<Bytes> {
        for part in self.parts() {
            if let Some(bytes) = part.bytes(&self.repository, digest).await {
                return Some(bytes);
            }
        }
        None
    }

    /// Returns content of any size.
    pub async fn body(&self, descriptor: &Descriptor) -> Option<Body> {
        for part in self.parts() {
            if let Some(body) = part.body(&self.repository, descriptor).await {
                return Some(body);
            }
        }
        None
    }

    /// Returns what a tag named at the last request to the registry.
    pub async fn tag(&self, tag: &str) -> Option<Seen<Descriptor>> {
        let mut newest: Option<Seen<Descriptor>> = None;
        for disk in self.parts().filter_map(|part| part.disk.as_ref()) {
            newest = newer(newest, disk.tag(tag).await);
        }
        newest
    }

    /// Returns a list from the last request to the registry.
    pub async fn list<T: DeserializeOwned + Send + 'static>(&self, of: &str) -> Option<Seen<T>> {
        let mut newest = None;
        for disk in self.parts().filter_map(|part| part.disk.as_ref()) {
            newest = newer(newest, disk.list(of).await);
        }
        newest
    }
}

fn newer<T>(one: Option<Seen<T>>, other: Option<Seen<T>>) -> Option<Seen<T>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.at() > one.at() { other } else { one }),
        (one, other) => one.or(other),
    }
}
