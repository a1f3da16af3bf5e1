//! The publication as the rules of composing take it.

use refkit_oci::annotation::{Annotation, Level};
use refkit_oci::{Descriptor, Digest, Platform};
use refkit_publishing::{AnnotationTarget, Error, Host, Publication};

use crate::compose::{Compose, Source};

/// Returns what is to be composed.
///
/// # Errors
/// `invalid`, for a setting that is none.
pub fn compose(host: &impl Host, request: &Publication) -> Result<Compose, Error> {
    let (oci, sparse, unwrap) = (flag(host, "oci")?, flag(host, "sparse")?, flag(host, "unwrap")?);
    let platforms = request.platforms.iter().cloned().map(Platform::from);
    let annotations = request.annotations.iter().map(|one| Annotation {
        levels: vec![level(one.target, one.platform.clone().map(Platform::from))],
        key: one.key.clone(),
        value: one.value.clone(),
    });
    let compose = Compose::new().prefer_index(request.prefer_index).oci(oci).sparse(sparse).unwrap(unwrap);
    Ok(compose.platforms(platforms).annotations(annotations))
}

/// Whether the one source of a publication stays as it is, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Something is composed, filtered or annotated.
    Nothing,
    /// An index stays, and a manifest gets an index around it.
    Index,
    /// Either stays.
    Both,
}

impl Keeps {
    /// Returns whether this source stays as it is.
    pub fn source(self, source: &Source) -> bool {
        match self {
            Self::Nothing => false,
            Self::Index => source.is_index(),
            Self::Both => true,
        }
    }
}

/// Returns what stays: a single source that is not to be wrapped, filtered, annotated or converted.
///
/// # Errors
/// `invalid`, for a setting that is none.
pub fn keeps(host: &impl Host, request: &Publication) -> Result<Keeps, Error> {
    let changes = !request.platforms.is_empty() || !request.annotations.is_empty() || flag(host, "oci")?;
    Ok(match &request.sources[..] {
        [one] if one.descriptor.is_none() && !changes && request.prefer_index => Keeps::Index,
        [one] if one.descriptor.is_none() && !changes => Keeps::Both,
        _ => Keeps::Nothing,
    })
}

/// Returns the value of a setting that is true or false; false without one.
///
/// # Errors
/// `invalid`, for another value.
pub fn flag(host: &impl Host, name: &str) -> Result<bool, Error> {
    match host.setting(name).as_deref() {
        Some("true") => Ok(true),
        Some("false") | None => Ok(false),
        Some(other) => Err(Error::invalid(format_args!("the setting {name} is true or false, not {other:?}"))),
    }
}

fn level(target: AnnotationTarget, platform: Option<Platform>) -> Level {
    match target {
        AnnotationTarget::Index => Level::Index,
        AnnotationTarget::ManifestDescriptor => Level::ManifestDescriptor(platform),
        AnnotationTarget::Manifest => Level::Manifest(platform),
    }
}

/// Returns a descriptor in the OCI vocabulary.
///
/// # Errors
/// `invalid`, for a digest that is none: the host hands over no such one.
pub fn descriptor(of: refkit_publishing::Descriptor) -> Result<Descriptor, Error> {
    let digest = Digest::try_from(of.digest).map_err(Error::invalid)?;
    Ok(Descriptor {
        platform: of.platform.map(Platform::from),
        artifact_type: of.artifact_type,
        annotations: of.annotations,
        ..Descriptor::new(of.media_type, digest, of.size)
    })
}
