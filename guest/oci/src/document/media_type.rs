//! Media types, as OCI image-spec 1.1, section "OCI Image Media Types", and the corresponding ones of Docker.

use super::DocumentError;
use super::error::{malformed, shorten};
use crate::quoted::Quoted;

/// An OCI image index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An OCI image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Docker's manifest list.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's manifest of schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's image config.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// The media types of manifests of schema 1.
const SCHEMA1: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/json",
    "text/plain",
];

/// The most characters of either half, as RFC 6838, section 4.2.
const HALF: usize = 127;

/// Returns whether this is the media type of an index.
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, INDEX | DOCKER_INDEX)
}

/// Returns whether this is the media type of an image manifest.
pub fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, MANIFEST | DOCKER_MANIFEST)
}

/// Returns whether this is the media type of a manifest or index.
pub fn is_document(media_type: &str) -> bool {
    is_index(media_type) || is_manifest(media_type)
}

/// Returns whether this is the media type of an image config.
pub fn is_config(media_type: &str) -> bool {
    matches!(media_type, CONFIG | DOCKER_CONFIG)
}

/// Returns whether layers of a media type may not be distributed: registries need not have them, and their `urls` say
/// where they are.
pub fn is_nondistributable(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        || media_type.starts_with("application/vnd.docker.image.rootfs.foreign.")
}

/// Returns whether manifests of schema 1 came as this; some registries sent them as plain text.
pub fn is_schema1(media_type: &str) -> bool {
    SCHEMA1.contains(&media_type)
}

/// Checks that this crate reads documents of a media type.
///
/// # Errors
/// [`DocumentError::Unsupported`] for every other media type; for schema 1 it names a remedy.
pub fn check_document(media_type: &str) -> Result<(), DocumentError> {
    if is_document(media_type) {
        return Ok(());
    }
    if is_schema1(media_type) {
        return Err(DocumentError::schema1());
    }
    let shown = shorten(media_type);
    let shown = Quoted(&shown);
    Err(DocumentError::Unsupported(format!("{shown} is no media type of a manifest or index")))
}

/// Checks the form of a media type, as RFC 6838, section 4.2. Parameters are allowed: some artifact types have a
/// version after a `;`.
pub fn is_well_formed(media_type: &str) -> bool {
    if is_document(media_type) || is_config(media_type) {
        return true;
    }
    let bare = media_type.split_once(';').map_or(media_type, |(bare, _)| bare);
    bare.split_once('/').is_some_and(|(first, second)| is_half(first) && is_half(second))
}

/// Checks the form of a media type.
pub(super) fn check(member: &str, media_type: &str) -> Result<(), DocumentError> {
    if is_well_formed(media_type) {
        return Ok(());
    }
    Err(malformed(format_args!("{member} {} is no media type", Quoted(&shorten(media_type)))))
}

fn is_half(half: &str) -> bool {
    half.len() <= HALF
        && half.starts_with(|first: char| first.is_ascii_alphanumeric())
        && half.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
}
