//! Descriptors and platforms.

use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Platform};

use crate::grpc::pb;

/// Returns the message of a descriptor.
pub fn descriptor(descriptor: &Descriptor) -> pb::Descriptor {
    pb::Descriptor {
        media_type: descriptor.media_type.clone(),
        digest: descriptor.digest.to_string(),
        size: descriptor.size,
        platform: descriptor.platform.as_ref().map(platform),
        artifact_type: descriptor.artifact_type.clone(),
        annotations: descriptor.annotations.iter().cloned().collect(),
        urls: descriptor.urls.clone(),
        data: descriptor.data.clone(),
    }
}

/// Returns the descriptor of a message.
///
/// # Errors
/// The name of the malformed field, and what is wrong with it.
pub fn descriptor_of(message: pb::Descriptor) -> Result<Descriptor, (&'static str, String)> {
    if !media_type::is_well_formed(&message.media_type) {
        return Err(("media_type", format!("{:?} is no media type", message.media_type)));
    }
    Ok(Descriptor {
        media_type: message.media_type,
        digest: Digest::try_from(message.digest).map_err(|error| ("digest", error.to_string()))?,
        size: message.size,
        platform: message.platform.map(platform_of),
        artifact_type: message.artifact_type,
        annotations: message.annotations.into_iter().collect(),
        urls: message.urls,
        data: message.data,
    })
}

/// Returns the message of a platform.
pub fn platform(platform: &Platform) -> pb::Platform {
    pb::Platform {
        os: platform.os.clone(),
        architecture: platform.architecture.clone(),
        variant: platform.variant.clone(),
        os_version: platform.os_version.clone(),
        os_features: platform.os_features.clone(),
    }
}

/// Returns the platform of a message, in the message's spelling.
pub fn platform_of(message: pb::Platform) -> Platform {
    Platform {
        os: message.os,
        architecture: message.architecture,
        variant: message.variant.filter(|variant| !variant.is_empty()),
        os_version: message.os_version.filter(|version| !version.is_empty()),
        os_features: message.os_features,
    }
}
