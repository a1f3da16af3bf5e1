//! `ResolveSourceMeta`: what a reference names, and one config.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use refkit_content::ErrorKind;
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_oci::{Algorithm, Digest, Reference};
use tonic::Status;

use super::place::Place;
use super::{Converted, Inner};
use crate::definition::{self, SourceKind};
use crate::failure::{printable, problem};
use crate::{Raw, pb};

/// What BuildKit says of an index that has no image for the wanted platform (containerd's `images.Manifest`). Older ones
/// name the index's digest behind it.
const NO_MATCH: &str = "no match for platform in manifest";

/// What BuildKit says of a manifest whose config is no image's (its `childrenConfigHandler`).
const NO_IMAGE: &str = "encountered unknown type";

/// Architectures for which a tag's digest is asked where there is no image for the wanted platform: nearly every image
/// has one of them.
const COMMON: [&str; 2] = ["amd64", "arm64"];

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct MetaKey {
    pub reference: Reference,
    /// None is BuildKit's own.
    pub platform: Option<pb::Platform>,
    pub resolve_mode: Arc<str>,
}

/// What BuildKit itself says of an image, before any content of it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The root's digest.
    pub digest: Digest,
    /// The config of the image that BuildKit chooses for the wanted platform; none where there is none for it, or
    /// where the digest is an artifact's.
    pub config: Option<Bytes>,
}

impl Inner {
    /// Asks for the wanted platform; and where there is nothing for it, for the root alone, which is for the policies
    /// to decide about.
    pub async fn ask(&self, key: &MetaKey) -> Result<Metadata, ErrorKind> {
        let MetaKey { reference, platform, .. } = key;
        let place = self.record.place(reference.repository())?;
        if matches!(place, Place::Layout(..)) && reference.digest().is_none() {
            let text = "BuildKit resolves the images of a layout by digest only: name the digest";
            return Err(ErrorKind::Unsupported(text.to_owned()));
        }
        let (status, elapsed) = match self.ask_for(&place, key, platform.as_ref()).await {
            Ok(answer) => return self.read(reference, &place, answer.into_view()),
            Err(failure) => failure,
        };
        let artifact = status.message().contains(NO_IMAGE);
        let no_match = status.message().contains(NO_MATCH);
        if !artifact && !no_match {
            return Err(problem(&status, elapsed));
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
                && let Ok(answer) = self.ask_for(&place, key, Some(&other)).await
            {
                let digest = self.read(reference, &place, answer.into_view())?.digest;
                return Ok(Metadata { digest, config: None });
            }
        }
        let wanted = platform.as_ref().map_or_else(
            || "BuildKit's own platform".to_owned(),
            |platform| refkit_oci::Platform::from(platform).to_string(),
        );
        Err(ErrorKind::Other(printable(&format!("it has no image for {wanted}"))))
    }

    pub async fn ask_for(
        &self,
        place: &Place,
        MetaKey { reference, resolve_mode, .. }: &MetaKey,
        platform: Option<&pb::Platform>,
    ) -> Result<Raw<pb::ResolveSourceMetaResponse>, (Status, Duration)> {
        // Attestations are not asked for: that ends a BuildKit of 0.34.2, the whole daemon, where the root is no OCI
        // index.
        let request = pb::ResolveSourceMetaRequest {
            source: Some(place.image(reference)),
            platform: platform.cloned(),
            log_name: format!("{} load metadata for {reference}", self.options.prefix),
            resolve_mode: resolve_mode.to_string(),
            ..Default::default()
        };
        self.call(self.bridge.resolve_source_meta(request)).await
    }

    /// Takes in an answer.
    pub fn read(
        &self,
        asked: &Reference,
        place: &Place,
        answer: pb::ResolveSourceMetaResponse,
    ) -> Result<Metadata, ErrorKind> {
        let source = answer.source.ok_or_else(|| malformed("it names no source"))?;
        let resolved = if source.identifier == place.image(asked).identifier {
            asked.clone()
        } else {
            same_repository(asked, &source.identifier).ok_or_else(|| {
                let converted = Converted::new(&source);
                let problem = ErrorKind::Other(converted.to_string());
                self.record.convert(asked, converted);
                problem
            })?
        };
        let image = answer.image.ok_or_else(|| malformed("it says nothing of the image"))?;
        let digest: Digest = image.digest.parse().map_err(malformed)?;
        for expected in [asked.digest(), resolved.digest()].into_iter().flatten() {
            if *expected != digest {
                return Err(ErrorKind::WrongDigest { expected: expected.clone(), actual: digest.into_string() });
            }
        }
        let config = Some(image.config).filter(|config| !config.is_empty() && config.len() as u64 <= MANIFEST_LIMIT);
        if let Some(config) = &config {
            // By what it is: no descriptor that names something else can be answered with it.
            let digest = verify::digest(Algorithm::Sha256, config);
            self.record.keep(asked.repository(), &digest, config);
        }
        Ok(Metadata { digest, config })
    }

    /// Returns the answer of a call within the time that it may take; with an error, how long that took.
    pub async fn call<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T, (Status, Duration)> {
        let start = Instant::now();
        let answer = match self.options.timeout {
            None => call.await,
            Some(timeout) => tokio::time::timeout(timeout, call)
                .await
                .unwrap_or_else(|_| Err(Status::deadline_exceeded("BuildKit does not answer"))),
        };
        answer.map_err(|status| (status, start.elapsed()))
    }
}

/// Returns the digest that a message names behind [`NO_MATCH`].
fn root(message: &str) -> Option<Digest> {
    let (_, rest) = message.split_once(NO_MATCH)?;
    let rest = rest.strip_prefix(' ')?;
    let end = rest.find(|c: char| c != ':' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    rest[..end].trim_end_matches(':').parse().ok()
}

/// Returns the reference of an identifier that names what was asked for, only more precisely: by its digest.
fn same_repository(asked: &Reference, identifier: &str) -> Option<Reference> {
    let reference = match definition::kind(identifier, &Default::default()) {
        Ok(SourceKind::Image(reference)) => reference,
        _ => return None,
    };
    let same = reference.repository() == asked.repository()
        && reference.digest().is_some()
        && (reference.tag().is_none() || reference.tag() == asked.tag());
    same.then_some(reference)
}

fn malformed(what: impl std::fmt::Display) -> ErrorKind {
    ErrorKind::Malformed(printable(&format!("BuildKit's answer is malformed: {what}")))
}
