//! The publication as the rules of composing take it.

use refkit_oci::{Descriptor, Digest, Platform};
use refkit_publishing::{AnnotationTarget, Error, Host, Publication};

use crate::compose::{Annotation, Compose, Level};

/// Returns what is to be composed.
///
/// # Errors
/// `invalid`, for a setting that is none.
pub fn compose(host: &impl Host, request: &Publication) -> Result<Compose, Error> {
    let oci = flag(host, "oci")?;
    let platforms = request.platforms.iter().cloned().map(Platform::from);
    let annotations = request.annotations.iter().map(|one| Annotation {
        levels: vec![level(one.target, one.platform.clone().map(Platform::from))],
        key: one.key.clone(),
        value: one.value.clone(),
    });
    let compose = Compose::new().prefer_index(request.prefer_index).oci(oci);
    Ok(compose.platforms(platforms).annotations(annotations))
}

/// Returns a setting that is true or false, which is the default.
///
/// # Errors
/// `invalid`, for a setting that is neither.
pub fn flag(host: &impl Host, name: &str) -> Result<bool, Error> {
    match host.setting(name).as_deref() {
        Some("true") => Ok(true),
        Some("false") | None => Ok(false),
        Some(other) => Err(Error::invalid(format_args!("the setting {name} is true or false, not {other:?}"))),
    }
}

/// Checks that a request changes nothing of its one source.
///
/// # Errors
/// `invalid`, for a request that does.
pub fn changes_nothing(request: &Publication) -> Result<(), Error> {
    match &request.sources[..] {
        [one] if one.descriptor.is_none() && request.platforms.is_empty() && request.annotations.is_empty() => Ok(()),
        _ => Err(Error::invalid("the setting exact is for one source without platforms and annotations")),
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
