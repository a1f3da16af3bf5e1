//! Descriptors and platforms as JSON.

use std::fmt::Arguments;

use super::error::{malformed, shorten};
use super::fields::Fields;
use super::json::Value;
use super::media_type;
use super::unverifiable::Unverifiable;
use super::{DocumentError, Limits};
use crate::digest::is_of_unknown_algorithm;
use crate::platform::FEATURES;
use crate::quoted::Quoted;
use crate::{Descriptor, Digest, Platform};

/// The largest size: the specification's numbers are signed, with 64 bits.
const SIZE_LIMIT: u64 = i64::MAX as u64;

const DESCRIPTOR: [&str; 8] =
    ["mediaType", "digest", "size", "platform", "artifactType", "annotations", "urls", "data"];

const PLATFORM: [&str; 5] = ["os", "architecture", "variant", "os.version", "os.features"];

/// Reads a descriptor of content that must be verifiable.
pub(super) fn descriptor(name: &'static str, value: &Value<'_>) -> Result<Descriptor, DocumentError> {
    let mut unverifiable = Vec::new();
    let descriptor = part(name, value, 0, &mut unverifiable)?;
    descriptor.ok_or_else(|| unverifiable.first().map_or_else(|| malformed("it is empty"), Unverifiable::error))
}

/// Reads a descriptor; `None` for one that cannot be verified, which is added to the list.
pub(super) fn part(
    name: &'static str,
    value: &Value<'_>,
    place: usize,
    unverifiable: &mut Vec<Unverifiable>,
) -> Result<Option<Descriptor>, DocumentError> {
    let fields = Fields::of(name, value, &DESCRIPTOR)?;
    let media_type = fields.required("mediaType")?;
    media_type::check("mediaType", media_type)?;
    let text = fields.required("digest")?;
    let digest = match text.parse::<Digest>() {
        Ok(digest) => Some(digest),
        Err(_) if is_of_unknown_algorithm(text) => None,
        Err(error) => return Err(malformed(error)),
    };
    let size = fields.number("size")?.ok_or_else(|| malformed("it has no member `size`"))?;
    if size > SIZE_LIMIT {
        return Err(malformed(format_args!("the size of {text} is {size}, more than {SIZE_LIMIT}")));
    }
    let urls = fields.texts("urls")?;
    if let Some(url) = urls.iter().find(|url| !is_uri(url)) {
        return Err(malformed(format_args!("{}, a place where {text} should be, is no URI", Quoted(&shorten(url)))));
    }
    let data = fields.text("data")?;
    if !data.is_none_or(is_base64) {
        return Err(malformed(format_args!("the data of {text} is not base64")));
    }
    let (artifact_type, annotations) = (artifact_type(&fields)?, fields.pairs("annotations")?);
    let platform = fields.get("platform").map(|platform| listed(text, platform)).transpose()?;
    let (media_type, data) = (media_type.to_owned(), data.map(str::to_owned));
    let Some(digest) = digest else {
        unverifiable.push(Unverifiable { member: name, place, media_type, digest: text.to_owned(), platform });
        return Ok(None);
    };
    Ok(Some(Descriptor { media_type, digest, size, platform, artifact_type, annotations, urls, data }))
}

/// Reads descriptors; those that cannot be verified are added to the other list.
pub(super) fn descriptors(
    name: &'static str,
    list: &[Value<'_>],
    limits: &Limits,
    unverifiable: &mut Vec<Unverifiable>,
) -> Result<Vec<Descriptor>, DocumentError> {
    if list.len() > limits.descriptors {
        return Err(DocumentError::TooMany { limit: limits.descriptors });
    }
    let mut found = Vec::new();
    for value in list {
        let place = found.len();
        found.extend(part(name, value, place, unverifiable)?);
    }
    Ok(found)
}

/// Reads the type of an artifact.
pub(super) fn artifact_type(fields: &Fields<'_, '_>) -> Result<Option<String>, DocumentError> {
    let artifact_type = fields.some_text("artifactType")?;
    if let Some(artifact_type) = &artifact_type {
        media_type::check("artifactType", artifact_type)?;
    }
    Ok(artifact_type)
}

/// Reads the platform of an index's entry.
fn listed(digest: &str, value: &Value<'_>) -> Result<Platform, DocumentError> {
    let fields = Fields::of("platform", value, &PLATFORM)?;
    let name = format_args!("the platform of {digest}");
    let platform = platform(name, &fields)?;
    let platform = platform.ok_or_else(|| malformed(format_args!("{name} has no `os` or no `architecture`")))?;
    // containerd uses the builder's own operating system instead of an empty one. Without an architecture nothing
    // matches: clients write such platforms for artifacts.
    if platform.os.is_empty() && !platform.architecture.is_empty() {
        let architecture = Quoted(&platform.architecture);
        return Err(malformed(format_args!("{name} has an empty `os` beside the architecture {architecture}")));
    }
    Ok(platform)
}

/// Reads a platform; `None` if operating system or architecture is missing. It refuses platforms that containerd and
/// other readers interpret differently, because the builder would select another image than the one that a policy has
/// judged.
pub(super) fn platform(name: Arguments<'_>, fields: &Fields<'_, '_>) -> Result<Option<Platform>, DocumentError> {
    let os_features = fields.texts("os.features")?;
    if os_features.len() > FEATURES {
        return Err(malformed(format_args!("{name} has more than {FEATURES} features")));
    }
    if os_features.iter().any(String::is_empty) {
        return Err(malformed(format_args!("{name} has an empty feature in `os.features`")));
    }
    let (os, architecture, variant) = (fields.text("os")?, fields.text("architecture")?, fields.text("variant")?);
    // Readers differ in the lower case of other letters: some equate the Kelvin sign with `k`.
    for (member, text) in [("os", os), ("architecture", architecture), ("variant", variant)] {
        if let Some(text) = text.filter(|text| !text.is_ascii()) {
            let shown = shorten(text);
            return Err(malformed(format_args!("{name} has letters outside ASCII in `{member}`: {}", Quoted(&shown))));
        }
    }
    let os_version = fields.some_text("os.version")?;
    Ok(os.zip(architecture).map(|(os, architecture)| Platform {
        os: os.to_owned(),
        architecture: architecture.to_owned(),
        variant: variant.filter(|variant| !variant.is_empty()).map(str::to_owned),
        os_version,
        os_features,
    }))
}

/// Returns whether a text has the form of RFC 4648, section 4, with padding.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

/// Returns whether a text is a scheme followed by a rest, as RFC 3986, section 3, without characters that could end a
/// line or a quotation.
fn is_uri(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
    })
}
