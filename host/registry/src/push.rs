//! Writing: OCI distribution 1.1, sections "Pushing a blob in a single request", "Pushing Manifests" and "Pushing
//! Manifests with Subject".

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method};
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Body, Error, Operation, Problem, Push};
use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};
use serde_json::{Value, json};
use url::Url;

use crate::authorize::Actions;
use crate::client::{About, Client};
use crate::discover::fallback;
use crate::endpoint::{Endpoint, same_origin, shown};
use crate::resolve::DIGEST;
use crate::transport::{Call, Content};

#[async_trait]
impl Push for Client {
    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let endpoint = self.endpoint(repository);
        let endpoint = endpoint.map_err(|problem| Error::new(Operation::Push, &subject, problem))?;
        let about = About { operation: Operation::Push, subject: &subject, endpoint: &endpoint };
        if self.has_blob(&endpoint, repository, descriptor).await.map_err(|problem| about.error(problem))? {
            return Ok(());
        }
        let upload = self.start_upload(&endpoint, repository).await.map_err(|problem| about.error(problem))?;
        let broken = Arc::new(Mutex::new(None));
        let sent = self.send_blob(&endpoint, repository, descriptor, upload.clone(), body, Arc::clone(&broken)).await;
        let Err(problem) = sent else { return Ok(()) };
        // Nothing stays behind where the registry can help it. What that answers changes nothing.
        let cancel = Call::new(Method::DELETE, upload);
        _ = self.inner.ask(&endpoint, repository, Actions::Push, cancel).await;
        let broken = broken.lock().unwrap_or_else(PoisonError::into_inner).take();
        Err(broken.unwrap_or_else(|| about.error(problem)))
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        let endpoint = self.endpoint(destination.repository());
        let endpoint = endpoint.map_err(|problem| Error::new(Operation::Push, destination, problem))?;
        let about = About { operation: Operation::Push, subject: destination, endpoint: &endpoint };
        let pushed = self.put_manifest(&endpoint, destination, media_type, bytes).await;
        pushed.map_err(|problem| about.error(problem))
    }
}

impl Client {
    async fn has_blob(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> Result<bool, Problem> {
        let url = endpoint.url(&format!("{}/blobs/{}", repository.path(), descriptor.digest))?;
        let reply = self.inner.ask(endpoint, repository, Actions::Push, Call::new(Method::HEAD, url)).await?;
        match reply.success().await {
            Ok(_) => Ok(true),
            Err(Problem::NotFound | Problem::Unsupported(_)) => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    /// Returns where the blob is to be sent. It has to be at the registry: credentials go with it (CVE-2026-50151).
    async fn start_upload(&self, endpoint: &Endpoint, repository: &Repository) -> Result<Url, Problem> {
        let url = endpoint.url(&format!("{}/blobs/uploads/", repository.path()))?;
        let call = Call::new(Method::POST, url).header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let reply = self.inner.ask(endpoint, repository, Actions::Push, call).await?.success().await?;
        let location = reply.location()?;
        if same_origin(&location, &endpoint.base) && location.username().is_empty() && location.password().is_none() {
            return Ok(location);
        }
        Err(Problem::Malformed(format!("its upload is at another place, {}, which gets nothing", shown(&location))))
    }

    async fn send_blob(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        descriptor: &Descriptor,
        mut upload: Url,
        body: Body,
        broken: Arc<Mutex<Option<Error>>>,
    ) -> Result<(), Problem> {
        upload.query_pairs_mut().append_pair("digest", descriptor.digest.as_str());
        let pieces = verify::verified(descriptor, body).stream.map(move |piece| {
            piece.inspect_err(|error| {
                *broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            })
        });
        let content = if descriptor.size == 0 {
            // Nothing is to be sent, but all the same to be checked.
            let mut pieces = pieces;
            while let Some(piece) = pieces.next().await {
                piece.map_err(|error| error.problem)?;
            }
            Content::Bytes(Bytes::new())
        } else {
            Content::Stream(Some(reqwest::Body::wrap_stream(pieces)))
        };
        let call = Call::new(Method::PUT, upload)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .header(CONTENT_LENGTH, HeaderValue::from(descriptor.size))
            .content(content);
        let reply = self.inner.ask(endpoint, repository, Actions::Push, call).await?.success().await?;
        check_digest(&descriptor.digest, reply.header(DIGEST))
    }

    async fn put_manifest(
        &self,
        endpoint: &Endpoint,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Problem> {
        if bytes.len() as u64 > MANIFEST_LIMIT {
            return Err(Problem::TooLarge { limit: MANIFEST_LIMIT });
        }
        let document = document::read(Some(media_type), &bytes, &Limits::default());
        let document = document.map_err(|error| Problem::Malformed(error.to_string()))?;
        let algorithm = destination.digest().map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = verify::digest(algorithm, &bytes);
        if let Some(expected) = destination.digest().filter(|expected| **expected != digest) {
            return Err(Problem::WrongDigest { expected: expected.clone(), actual: digest.into_string() });
        }
        let repository = destination.repository();
        let name = destination.tag().unwrap_or(digest.as_str());
        let url = endpoint.url(&format!("{}/manifests/{name}", repository.path()))?;
        let kind = HeaderValue::from_str(media_type).map_err(|error| Problem::Malformed(error.to_string()))?;
        let call = Call::new(Method::PUT, url).header(CONTENT_TYPE, kind).content(Content::Bytes(bytes.clone()));
        let reply = self.inner.ask(endpoint, repository, Actions::Push, call).await?.success().await?;
        check_digest(&digest, reply.header(DIGEST))?;
        let listed = reply.header("oci-subject").is_some();
        let descriptor = Descriptor::new(media_type, digest, bytes.len() as u64);
        if !listed {
            self.list_referrer(endpoint, repository, &descriptor, document).await?;
        }
        Ok(descriptor)
    }

    /// Adds a manifest with a subject to the list under the subject's tag, at a registry without the API.
    async fn list_referrer(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        pushed: &Descriptor,
        document: Document,
    ) -> Result<(), Problem> {
        let (subject, artifact_type, annotations) = match document {
            Document::Index(index) => (index.subject, index.artifact_type, index.annotations),
            Document::Manifest(manifest) => {
                let config = manifest.config.media_type;
                (manifest.subject, manifest.artifact_type.or(Some(config)), manifest.annotations)
            }
        };
        let Some(subject) = subject else { return Ok(()) };
        let mut index = match self.fallback_index(endpoint, repository, &subject.digest).await? {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| Problem::Malformed(format!("its list of referrers is malformed: {error}")))?,
            None => json!({"schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": []}),
        };
        let list = index.get_mut("manifests").and_then(Value::as_array_mut);
        let list = list.ok_or_else(|| Problem::Malformed("its list of referrers is no index".to_owned()))?;
        if list.iter().any(|entry| entry["digest"] == pushed.digest.as_str()) {
            return Ok(());
        }
        let mut entry = json!({
            "mediaType": pushed.media_type,
            "digest": pushed.digest.as_str(),
            "size": pushed.size,
        });
        if let Some(artifact_type) = artifact_type {
            entry["artifactType"] = artifact_type.into();
        }
        if !annotations.is_empty() {
            let annotations = annotations.into_iter().map(|(key, value)| (key, Value::from(value)));
            entry["annotations"] = Value::Object(annotations.collect());
        }
        list.push(entry);
        let bytes = serde_json::to_vec(&index).map_err(|error| Problem::Other(error.to_string()))?;
        let reference = fallback(repository, &subject.digest)?;
        let name = reference.tag().unwrap_or_default();
        let url = endpoint.url(&format!("{}/manifests/{name}", repository.path()))?;
        let call = Call::new(Method::PUT, url)
            .header(CONTENT_TYPE, HeaderValue::from_static(media_type::INDEX))
            .content(Content::Bytes(bytes.into()));
        self.inner.ask(endpoint, repository, Actions::Push, call).await?.success().await.map(drop)
    }
}

/// A registry that took other bytes than were sent says so by another digest.
fn check_digest(expected: &Digest, told: Option<&str>) -> Result<(), Problem> {
    match told {
        Some(told) if told != expected.as_str() && told.starts_with(expected.algorithm().as_str()) => {
            let actual = crate::failure::printable(told);
            Err(Problem::WrongDigest { expected: expected.clone(), actual })
        }
        _ => Ok(()),
    }
}
