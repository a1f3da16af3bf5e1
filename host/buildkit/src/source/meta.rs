//! `ResolveSourceMeta`: the digest of a reference, and one config.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use refkit_content::ErrorKind;
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_oci::{Algorithm, Digest, Reference};
use tonic::Status;

use super::repository::SourceRepository;
use super::{Converted, Inner};
use crate::definition::{self, SourceKind};
use crate::failure::{kind_of, printable};
use crate::{Raw, pb};

/// The text of BuildKit's error for an index without an image for the wanted platform (containerd's `images.Manifest`).
/// Older BuildKits append the digest of the index.
const NO_MATCH: &str = "no match for platform in manifest";

/// The text of BuildKit's error for a manifest whose config is not an image's (its `childrenConfigHandler`).
const NO_IMAGE: &str = "encountered unknown type";

/// The architectures for which the source resolves a tag that has no image for the wanted platform, to learn its digest.
/// Nearly every image has one of them.
const COMMON: [&str; 2] = ["amd64", "arm64"];

/// A request for metadata.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct MetaKey {
    pub reference: Reference,
    /// The wanted platform; `None` is BuildKit's own.
    pub platform: Option<pb::Platform>,
    pub resolve_mode: Arc<str>,
}

/// BuildKit's metadata of an image, for which RefKit has read no content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The root's digest.
    pub digest: Digest,
    /// The config of the image that BuildKit selects for the wanted platform. `None` where the index has no image for the
    /// platform, or the digest is an artifact's.
    pub config: Option<Bytes>,
}

impl Inner {
    /// Resolves a reference for the wanted platform. Returns the digest of the root alone where it has no image for the
    /// platform: the policies decide about that.
    pub async fn ask(&self, key: &MetaKey) -> Result<Metadata, ErrorKind> {
        let MetaKey { reference, platform, .. } = key;
        let repository = self.record.repository(reference.repository())?;
        if matches!(repository, SourceRepository::Layout(..)) && reference.digest().is_none() {
            let text = "BuildKit resolves the images of a layout by digest only: name the digest";
            return Err(ErrorKind::Unsupported(text.to_owned()));
        }
        let (status, elapsed) = match self.ask_for(&repository, key, platform.as_ref()).await {
            Ok(response) => return self.read(reference, &repository, response.into_view()),
            Err(failure) => failure,
        };
        let artifact = status.message().contains(NO_IMAGE);
        let no_match = status.message().contains(NO_MATCH);
        if !artifact && !no_match {
            return Err(kind_of(&status, elapsed));
        }
        if let Some(digest) = reference.digest().cloned().or_else(|| root(status.message())) {
            return Ok(Metadata { digest, config: None });
        }
        if artifact {
            let text = "BuildKit resolves no tags of artifacts, only of images: name the digest";
            return Err(ErrorKind::Unsupported(text.to_owned()));
        }
        for architecture in COMMON {
            let (os, architecture) = ("linux".to_owned(), architecture.to_owned());
            let other = pb::Platform { os, architecture, ..Default::default() };
            if platform.as_ref() != Some(&other)
                && let Ok(response) = self.ask_for(&repository, key, Some(&other)).await
            {
                let digest = self.read(reference, &repository, response.into_view())?.digest;
                return Ok(Metadata { digest, config: None });
            }
        }
        let wanted = platform.as_ref().map_or_else(
            || "BuildKit's own platform".to_owned(),
            |platform| refkit_oci::Platform::from(platform).to_string(),
        );
        Err(ErrorKind::Other(printable(&format!("it has no image for {wanted}"))))
    }

    /// Calls BuildKit for one platform.
    pub async fn ask_for(
        &self,
        repository: &SourceRepository,
        MetaKey { reference, resolve_mode, .. }: &MetaKey,
        platform: Option<&pb::Platform>,
    ) -> Result<Raw<pb::ResolveSourceMetaResponse>, (Status, Duration)> {
        // The request does not ask for attestations: BuildKit 0.34.2 crashes, the whole daemon, where the root is not an
        // OCI index.
        let request = pb::ResolveSourceMetaRequest {
            source: Some(repository.image(reference)),
            platform: platform.cloned(),
            log_name: format!("{} load metadata for {reference}", self.options.prefix),
            resolve_mode: resolve_mode.to_string(),
            ..Default::default()
        };
        self.call(self.bridge.resolve_source_meta(request)).await
    }

    /// Checks a response, and keeps its config as content.
    pub fn read(
        &self,
        requested: &Reference,
        repository: &SourceRepository,
        response: pb::ResolveSourceMetaResponse,
    ) -> Result<Metadata, ErrorKind> {
        let source = response.source.ok_or_else(|| malformed("it names no source"))?;
        let resolved = if source.identifier == repository.image(requested).identifier {
            requested.clone()
        } else {
            same_repository(requested, &source.identifier).ok_or_else(|| {
                let converted = Converted::new(&source);
                let error = ErrorKind::Other(converted.to_string());
                self.record.convert(requested, converted);
                error
            })?
        };
        let image = response.image.ok_or_else(|| malformed("it says nothing of the image"))?;
        let digest: Digest = image.digest.parse().map_err(malformed)?;
        for expected in [requested.digest(), resolved.digest()].into_iter().flatten() {
            if *expected != digest {
                return Err(ErrorKind::WrongDigest { expected: expected.clone(), actual: digest.into_string() });
            }
        }
        let config = Some(image.config).filter(|config| !config.is_empty() && config.len() as u64 <= MANIFEST_LIMIT);
        if let Some(config) = &config {
            // Under the digest of its bytes, so that it can only be found by a descriptor that names these bytes.
            let digest = verify::digest(Algorithm::Sha256, config);
            self.record.keep(requested.repository(), &digest, config);
        }
        Ok(Metadata { digest, config })
    }

    /// Returns the response of a call within the timeout, or the error and the time that the call took.
    pub async fn call<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T, (Status, Duration)> {
        let start = Instant::now();
        let response = match self.options.timeout {
            None => call.await,
            Some(timeout) => tokio::time::timeout(timeout, call)
                .await
                .unwrap_or_else(|_| Err(Status::deadline_exceeded("BuildKit does not answer"))),
        };
        response.map_err(|status| (status, start.elapsed()))
    }
}

/// Returns the digest behind [`NO_MATCH`] in a message.
fn root(message: &str) -> Option<Digest> {
    let (_, rest) = message.split_once(NO_MATCH)?;
    let rest = rest.strip_prefix(' ')?;
    let end = rest.find(|c: char| c != ':' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    rest[..end].trim_end_matches(':').parse().ok()
}

/// Returns the reference of an identifier that adds only a digest to the requested reference.
fn same_repository(requested: &Reference, identifier: &str) -> Option<Reference> {
    let reference = match definition::kind(identifier, &Default::default()) {
        Ok(SourceKind::Image(reference)) => reference,
        _ => return None,
    };
    let same = reference.repository() == requested.repository()
        && reference.digest().is_some()
        && (reference.tag().is_none() || reference.tag() == requested.tag());
    same.then_some(reference)
}

fn malformed(what: impl std::fmt::Display) -> ErrorKind {
    ErrorKind::Malformed(printable(&format!("BuildKit's answer is malformed: {what}")))
}
