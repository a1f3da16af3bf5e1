//! The attestations and signatures of an image. An image that has none, and a root that is no OCI index, has no chain;
//! BuildKit crashes there, or returns nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use refkit_buildkit::pb;
use refkit_content::{Source, fetch};
use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Descriptor, Repository};
use tonic::Status;

use super::image::Chosen;
use crate::grpc::{Call, failed};

/// The artifact types of signatures. BuildKit takes the first bundle, or else the first signature.
const SIGNATURES: [&str; 2] =
    ["application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.cosign.artifact.sig.v1+json"];

/// The annotation of a statement's layer with its predicate type.
const PREDICATE: &str = "in-toto.io/predicate-type";

/// The largest statement or signature: 16 MiB, as much as an SBOM of a large image has.
const STATEMENT: u64 = 16 << 20;

struct Reading {
    source: Arc<dyn Source>,
    repository: Repository,
    blobs: BTreeMap<String, pb::Blob>,
}

/// Returns the chain of an image, with the statements of the wanted predicate types.
///
/// # Errors
/// The failure to read a part of it.
pub async fn chain(
    call: &Call,
    chosen: &Chosen,
    predicates: &[String],
) -> Result<Option<pb::AttestationChain>, Status> {
    let root = &chosen.resolution.root;
    if root.media_type != media_type::INDEX {
        return Ok(None);
    }
    let repository = chosen.resolution.reference.repository().clone();
    let allowed = call.rules.repository(&call.caller, &repository).map_err(|refused| failed::refused(&refused))?;
    let mut reading = Reading { source: allowed.source, repository, blobs: BTreeMap::new() };
    let index = reading.keep(root).await?;
    let manifest = &chosen.image.manifest.digest;
    let mut chain = pb::AttestationChain {
        root: root.digest.to_string(),
        image_manifest: manifest.to_string(),
        ..pb::AttestationChain::default()
    };
    let Some(Document::Index(index)) = document(root, &index) else { return Ok(None) };
    let attestation = index.manifests.iter().find(|entry| entry.attests() == Some(manifest.as_str()));
    if let Some(attestation) = attestation {
        chain.attestation_manifest = attestation.digest.to_string();
        let bytes = reading.keep(attestation).await?;
        if let Some(signature) = reading.signature(attestation).await? {
            chain.signature_manifests.push(signature.digest.to_string());
            let bytes = reading.keep(&signature).await?;
            for layer in layers(&signature, &bytes) {
                reading.keep(&layer).await?;
            }
        }
        let is_wanted = |layer: &Descriptor| {
            layer.annotation(PREDICATE).is_some_and(|predicate| predicates.iter().any(|wanted| wanted == predicate))
        };
        for layer in layers(attestation, &bytes).into_iter().filter(is_wanted) {
            reading.keep(&layer).await?;
        }
    }
    chain.blobs = reading.blobs;
    Ok(Some(chain))
}

impl Reading {
    /// Reads content, verified, and keeps it for the response.
    async fn keep(&mut self, descriptor: &Descriptor) -> Result<Bytes, Status> {
        let fetched = fetch(&*self.source, &self.repository, descriptor, STATEMENT).await;
        let data = fetched.map_err(|error| failed::content(&error))?.value;
        let message = pb::Descriptor {
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.to_string(),
            size: i64::try_from(descriptor.size).unwrap_or(i64::MAX),
            annotations: descriptor.annotations.iter().cloned().collect(),
        };
        let blob = pb::Blob { descriptor: Some(message), data: data.clone() };
        self.blobs.insert(descriptor.digest.to_string(), blob);
        Ok(data)
    }

    /// Returns the signature of an attestation manifest.
    async fn signature(&self, attestation: &Descriptor) -> Result<Option<Descriptor>, Status> {
        let referrers = self.source.referrers(&self.repository, &attestation.digest, None).await;
        let referrers = referrers.map_err(|error| failed::content(&error))?.value;
        let of = |kind: &str| referrers.iter().find(|one| one.artifact_type.as_deref() == Some(kind)).cloned();
        Ok(SIGNATURES.into_iter().find_map(of))
    }
}

fn document(descriptor: &Descriptor, bytes: &[u8]) -> Option<Document> {
    document::read(Some(&descriptor.media_type), bytes, &Limits::default()).ok()
}

fn layers(descriptor: &Descriptor, bytes: &[u8]) -> Vec<Descriptor> {
    match document(descriptor, bytes) {
        Some(Document::Manifest(manifest)) => manifest.layers,
        _ => Vec::new(),
    }
}
