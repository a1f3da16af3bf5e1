//! Writing: OCI distribution 1.1, sections "Pushing blobs", "Mounting a blob from another repository", "Pushing
//! Manifests" and "Pushing Manifests with Subject".

mod blob;
mod chunks;
mod lent;
mod mount;
mod reading;
mod referrers;
mod upload;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method};
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Body, Error, ErrorKind, Operation, Push};
use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};

use crate::auth::Actions;
use crate::client::{About, AtHost, Client, DIGEST, fallback};
use crate::endpoint::Endpoint;
use crate::http::{Repeat, Request, RequestBody};
use crate::text::printable;
use blob::{Blob, Failed};
use referrers::referrer;

#[async_trait]
impl Push for Client {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let ask = |endpoint: Endpoint| async move { self.holds(&endpoint, descriptor).await };
        self.at_writer(About::new(Operation::Push, &subject), repository, ask).await.map(|held| held.value)
    }

    async fn tagged(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        let ask = |endpoint: Endpoint| async move { self.tag_names(&endpoint, reference).await };
        self.at_writer(About::new(Operation::Push, reference), reference.repository(), ask).await.map(|held| held.value)
    }

    async fn mount(&self, repository: &Repository, descriptor: &Descriptor, from: &Repository) -> Result<bool, Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let ask = |endpoint: Endpoint| async move {
            match self.name_at(&endpoint, from)? {
                Some(there) if there != endpoint.path => self.mount_blob(&endpoint, descriptor, there).await,
                _ => Ok(false),
            }
        };
        self.at_writer(About::new(Operation::Push, &subject), repository, ask).await.map(|mounted| mounted.value)
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let ask = |endpoint: Endpoint| async move { self.holds(&endpoint, descriptor).await };
        let about = About::new(Operation::Push, &subject);
        let AtHost { endpoint, value: held } = self.at_writer(about, repository, ask).await?;
        if held {
            return Ok(());
        }
        let blob = Blob { client: self, endpoint: &endpoint, descriptor };
        blob.send(body).await.map_err(|failed| match failed {
            Failed::Source(error) => error,
            Failed::Registry(kind) => about.error_at(&endpoint, kind),
        })
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        self.push(destination, media_type, bytes, true).await
    }

    async fn push_referrer(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        self.push(destination, media_type, bytes, false).await
    }

    async fn complete_referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        present: &[Descriptor],
    ) -> Result<(), Error> {
        let name = format!("{repository}@{subject}");
        let ask =
            |endpoint: Endpoint| async move { self.complete_referrers(&endpoint, repository, subject, present).await };
        self.at_writer(About::new(Operation::Push, &name), repository, ask).await.map(|listed| listed.value)
    }
}

impl Client {
    /// Pushes a manifest. `lists` says whether the list of the subject's referrers gets it now, or with the next call that
    /// completes the list.
    async fn push(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
        lists: bool,
    ) -> Result<Descriptor, Error> {
        let ask = |endpoint: Endpoint| {
            let bytes = bytes.clone();
            async move { self.put_manifest(&endpoint, destination, media_type, bytes, lists).await }
        };
        let about = About::new(Operation::Push, destination);
        self.at_writer(about, destination.repository(), ask).await.map(|pushed| pushed.value)
    }

    /// Returns whether a registry has a manifest or a blob, by its digest.
    async fn holds(&self, endpoint: &Endpoint, descriptor: &Descriptor) -> Result<bool, ErrorKind> {
        let document = media_type::is_document(&descriptor.media_type);
        let kind = if document { "manifests" } else { "blobs" };
        let url = endpoint.url(&format!("{kind}/{}", descriptor.digest))?;
        let mut request = Request::new(Method::HEAD, url);
        if let (true, Ok(accept)) = (document, HeaderValue::from_str(&descriptor.media_type)) {
            request = request.header(ACCEPT, accept);
        }
        let response = self.send(endpoint, Actions::Push, request).await?;
        match response.success().await {
            Ok(response) => check_digest(&descriptor.digest, response.header(DIGEST)).map(|()| true),
            // Credentials that may push need not be allowed to read; if they may not push either, the push returns the
            // registry's message.
            Err(ErrorKind::NotFound | ErrorKind::Unsupported(_) | ErrorKind::Forbidden(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the digest that the tag of a reference names; none if the registry does not say.
    async fn tag_names(&self, endpoint: &Endpoint, reference: &Reference) -> Result<Option<Digest>, ErrorKind> {
        let repository = reference.repository().clone();
        let Ok(reference) = Reference::new(repository, reference.tag().map(str::to_owned), None) else {
            return Ok(None);
        };
        if reference.tag().is_none() {
            return Ok(None);
        }
        let request = self.manifest(endpoint, &reference, Method::HEAD)?.repeat(Repeat::Not500);
        // Some registries refuse every HEAD; and credentials that may push need not be allowed to read.
        let response = match self.send(endpoint, Actions::Push, request).await {
            Err(ErrorKind::NotFound | ErrorKind::Unsupported(_) | ErrorKind::Forbidden(_)) => return Ok(None),
            response => response?,
        };
        let told = response.header(DIGEST).filter(|_| response.status.is_success());
        Ok(told.and_then(|told| told.trim().parse().ok()))
    }

    /// Pushes a manifest. One with a subject that the registry does not list itself gets into the list under the tag now, or
    /// with the next call that completes the list.
    async fn put_manifest(
        &self,
        endpoint: &Endpoint,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
        lists: bool,
    ) -> Result<Descriptor, ErrorKind> {
        if bytes.len() as u64 > MANIFEST_LIMIT {
            return Err(ErrorKind::TooLarge { limit: MANIFEST_LIMIT });
        }
        let document = document::read(Some(media_type), &bytes, &Limits::default()).and_then(Document::verifiable);
        let document = document.map_err(|error| ErrorKind::Malformed(error.to_string()))?;
        let algorithm = destination.digest().map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = verify::digest(algorithm, &bytes);
        if let Some(expected) = destination.digest().filter(|expected| **expected != digest) {
            return Err(ErrorKind::WrongDigest { expected: expected.clone(), actual: digest.into_string() });
        }
        let repository = destination.repository();
        let name = destination.tag().unwrap_or(digest.as_str());
        let url = endpoint.url(&format!("manifests/{name}"))?;
        let kind = HeaderValue::from_str(media_type).map_err(|error| ErrorKind::Malformed(error.to_string()))?;
        let body = RequestBody::Bytes(bytes.clone());
        let request = Request::new(Method::PUT, url).header(CONTENT_TYPE, kind).body(body);
        let response = self.send(endpoint, Actions::Push, request).await?.accepted().await?;
        check_digest(&digest, response.header(DIGEST))?;
        let listed = response.header("oci-subject").is_some();
        drop(response);
        let descriptor = Descriptor::new(media_type, digest, bytes.len() as u64);
        if let (false, Some((subject, entry))) = (listed, referrer(document, &descriptor)) {
            self.strategies().list(&fallback(repository, &subject)?.to_string(), entry);
            if lists {
                self.complete_list(endpoint, repository, &subject).await?;
            }
        }
        Ok(descriptor)
    }
}

/// Checks the digest in a registry's response, if it has one of the same algorithm.
fn check_digest(expected: &Digest, told: Option<&str>) -> Result<(), ErrorKind> {
    match told.map(str::trim) {
        Some(told) if told != expected.as_str() && told.starts_with(expected.algorithm().as_str()) => {
            let actual = printable(told);
            Err(ErrorKind::WrongDigest { expected: expected.clone(), actual })
        }
        _ => Ok(()),
    }
}
