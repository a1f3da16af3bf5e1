//! The fields of requests, checked. Each error names the field.

use refkit_oci::{Descriptor, Digest, Reference, Repository};
use tonic::Status;

use super::failed::invalid;
use super::{pb, wire};

/// The longest text of a reference: a registry, a path, a tag and a digest have fewer bytes together.
const TEXT: usize = 1024;

/// Returns a reference.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn reference(field: &str, text: &str) -> Result<Reference, Status> {
    bounded(field, text)?.parse().map_err(|error| invalid(field, error))
}

/// Returns a repository.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn repository(field: &str, text: &str) -> Result<Repository, Status> {
    bounded(field, text)?.parse().map_err(|error| invalid(field, error))
}

/// Returns a digest.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn digest(field: &str, text: String) -> Result<Digest, Status> {
    Digest::try_from(text).map_err(|error| invalid(field, error))
}

/// Returns a descriptor, without the bytes in it.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn descriptor(field: &str, message: Option<pb::Descriptor>) -> Result<Descriptor, Status> {
    let message = message.ok_or_else(|| invalid(field, "it is missing"))?;
    let descriptor =
        wire::descriptor_of(message).map_err(|(below, problem)| invalid(&format!("{field}.{below}"), problem))?;
    Ok(Descriptor { data: None, ..descriptor })
}

fn bounded<'a>(field: &str, text: &'a str) -> Result<&'a str, Status> {
    if text.len() > TEXT {
        return Err(invalid(field, format!("it has {} bytes, more than {TEXT}", text.len())));
    }
    Ok(text)
}
