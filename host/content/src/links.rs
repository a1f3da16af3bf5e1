//! What a manifest or an index refers to, and what its bytes are.

use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Problem;
use crate::verify::{self, MANIFEST_LIMIT};

/// The media type of an OCI image index.
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The media type of an OCI image manifest.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Docker's media types of a manifest list and a manifest.
const DOCKER: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// Everything that one manifest or index refers to, and what it says of itself to those that list it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    /// The manifests and indexes of an index, in its order.
    pub manifests: Vec<Descriptor>,
    /// Config and layers of a manifest; what an index lists beside manifests.
    pub blobs: Vec<Descriptor>,
    /// What it is about. It need not exist.
    pub subject: Option<Descriptor>,
    /// The artifact type; of a manifest without one its config's media type, as OCI distribution 1.1, section
    /// "Listing Referrers".
    pub artifact_type: Option<String>,
    /// Its own annotations.
    pub annotations: Vec<(String, String)>,
}

impl Links {
    /// Reads a manifest or an index strictly.
    pub fn read(media_type: &str, bytes: &[u8]) -> Result<Self, Problem> {
        temporary::read(media_type, bytes)
    }

    /// Checks, as a registry does at a push, that all of it is there, by a question for sizes.
    pub fn complete(&self, size: impl Fn(&Digest) -> Result<Option<u64>, Problem>) -> Result<(), Problem> {
        for part in self.manifests.iter().chain(&self.blobs) {
            match size(&part.digest)? {
                Some(size) if size == part.size => {}
                Some(size) => {
                    return Err(Problem::Malformed(format!(
                        "it says that {} has {} bytes, but that has {size}",
                        part.digest, part.size
                    )));
                }
                None if stays_elsewhere(part) => {}
                None => {
                    let what = format!("it refers to {}, a {}, which is not there", part.digest, part.media_type);
                    return Err(Problem::Malformed(what));
                }
            }
        }
        Ok(())
    }
}

/// Returns whether a media type is one of a manifest or an index.
pub(crate) fn is_manifest(media_type: &str) -> bool {
    media_type == INDEX || media_type == MANIFEST || DOCKER.contains(&media_type)
}

/// Returns whether a layer's licence keeps it out of registries: its bytes are at its `urls`.
pub(crate) fn stays_elsewhere(blob: &Descriptor) -> bool {
    blob.media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        || blob.media_type.starts_with("application/vnd.docker.image.rootfs.foreign.")
}

/// Returns the media type of a manifest or index that came without one: its own `mediaType`, else what its members
/// show. Reading it strictly comes after that.
pub(crate) fn media_type_of(bytes: &[u8]) -> Result<&'static str, Problem> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Shape {
        media_type: Option<String>,
        manifests: Option<IgnoredAny>,
        config: Option<IgnoredAny>,
        layers: Option<IgnoredAny>,
    }
    let none = || Problem::Malformed("it is neither a manifest nor an index".to_owned());
    let shape: Shape = serde_json::from_slice(bytes).map_err(|_| none())?;
    match shape.media_type {
        Some(own) => [INDEX, MANIFEST].into_iter().chain(DOCKER).find(|known| *known == own).ok_or_else(none),
        None if shape.manifests.is_some() => Ok(INDEX),
        None if shape.config.is_some() || shape.layers.is_some() => Ok(MANIFEST),
        None => Err(none()),
    }
}

/// Returns the descriptor of a manifest that is to be pushed.
pub(crate) fn describe(destination: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Problem> {
    if bytes.len() as u64 > MANIFEST_LIMIT {
        return Err(Problem::TooLarge { limit: MANIFEST_LIMIT });
    }
    let actual = verify::digest(destination.digest().map_or(Algorithm::Sha256, Digest::algorithm), bytes);
    match destination.digest() {
        Some(expected) if *expected != actual => {
            Err(Problem::WrongDigest { expected: expected.clone(), actual: actual.into_string() })
        }
        _ => Ok(Descriptor::new(media_type, actual, bytes.len() as u64)),
    }
}

/// Returns the reference to a digest and nothing else.
pub(crate) fn pinned(repository: &Repository, digest: &Digest) -> Reference {
    Reference::new(repository.clone(), None, Some(digest.clone())).expect("a digest makes a reference")
}

/// Returns the tag under which a registry without the referrers API keeps the list of referrers, as OCI distribution
/// 1.1, section "Referrers Tag Schema": at most 64 digits of the digest.
pub(crate) fn fallback_tag(subject: &Digest) -> String {
    format!("{}-{}", subject.algorithm().as_str(), &subject.hex()[..64])
}

/// Returns whether a tag can be a [`fallback_tag`].
pub(crate) fn is_fallback_tag(tag: &str) -> bool {
    ["sha256-", "sha384-", "sha512-"].iter().any(|start| {
        tag.strip_prefix(start).is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

/// Until `refkit_oci::document` is there.
mod temporary {
    use super::*;
    use std::collections::BTreeMap;
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct D {
        media_type: String,
        digest: String,
        size: u64,
        #[serde(default)]
        annotations: BTreeMap<String, String>,
        artifact_type: Option<String>,
    }
    impl D {
        fn go(self) -> Result<Descriptor, Problem> {
            let digest =
                self.digest.parse().map_err(|e: refkit_oci::digest::DigestError| Problem::Malformed(e.to_string()))?;
            Ok(Descriptor {
                artifact_type: self.artifact_type,
                annotations: self.annotations.into_iter().collect(),
                ..Descriptor::new(self.media_type, digest, self.size)
            })
        }
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct M {
        #[serde(default)]
        manifests: Vec<D>,
        config: Option<D>,
        #[serde(default)]
        layers: Vec<D>,
        subject: Option<D>,
        artifact_type: Option<String>,
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    }
    pub fn read(media_type: &str, bytes: &[u8]) -> Result<Links, Problem> {
        if !is_manifest(media_type) {
            return Err(Problem::Malformed("no manifest type".to_owned()));
        }
        let m: M = serde_json::from_slice(bytes).map_err(|e| Problem::Malformed(e.to_string()))?;
        let artifact_type = m.artifact_type.or(m.config.as_ref().map(|c| c.media_type.clone()));
        Ok(Links {
            manifests: m.manifests.into_iter().map(D::go).collect::<Result<_, _>>()?,
            blobs: m.config.into_iter().chain(m.layers).map(D::go).collect::<Result<_, _>>()?,
            subject: m.subject.map(D::go).transpose()?,
            artifact_type,
            annotations: m.annotations.into_iter().collect(),
        })
    }
}
