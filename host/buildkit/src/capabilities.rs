//! The capabilities of BuildKit.

use std::collections::HashSet;

use crate::pb;

/// BuildKit reads content by digest, under the schemes `docker-image+blob` and `oci-layout+blob` (`CapSourceImageBlob`).
pub(crate) const IMAGE_BLOB: &str = "source.imageblob";

/// BuildKit has the call `ResolveSourceMeta` (`CapSourceMetaResolver`).
pub(crate) const META_RESOLVER: &str = "source.metaresolver";

/// BuildKit lacks a capability, because it is too old.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "BuildKit {since} or later is needed to {purpose}: this one does not have the capability {capability}; \
     update buildkitd, or the Docker that contains it"
)]
pub struct MissingCapability {
    /// The capability's name.
    pub capability: &'static str,
    /// What RefKit needs it for.
    pub purpose: &'static str,
    /// The first version of BuildKit with the capability.
    pub since: &'static str,
}

/// The enabled capabilities of BuildKit, from its response to `Ping`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    calls: HashSet<String>,
    definitions: HashSet<String>,
}

impl Capabilities {
    /// Returns whether BuildKit has a capability of calls, such as `gateway.warnings`.
    pub fn calls(&self, id: &str) -> bool {
        self.calls.contains(id)
    }

    /// Returns whether BuildKit has a capability of definitions, such as `source.imageblob`.
    pub fn definitions(&self, id: &str) -> bool {
        self.definitions.contains(id)
    }

    /// Checks that BuildKit can resolve images by `ResolveSourceMeta` and read their content by digest.
    ///
    /// # Errors
    /// The first missing capability, with the version of BuildKit that has it.
    pub fn check_images(&self) -> Result<(), MissingCapability> {
        if !self.calls(META_RESOLVER) {
            let purpose = "resolve images";
            return Err(MissingCapability { capability: META_RESOLVER, purpose, since: "0.13" });
        }
        if !self.definitions(IMAGE_BLOB) {
            let purpose = "read an image's index and manifests";
            return Err(MissingCapability { capability: IMAGE_BLOB, purpose, since: "0.28" });
        }
        Ok(())
    }
}

impl From<&pb::PongResponse> for Capabilities {
    fn from(pong: &pb::PongResponse) -> Self {
        let enabled = |caps: &[pb::ApiCap]| caps.iter().filter(|cap| cap.enabled).map(|cap| cap.id.clone()).collect();
        Self { calls: enabled(&pong.frontend_api_caps), definitions: enabled(&pong.llb_caps) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        let cap = |id: &str, enabled| pb::ApiCap { id: id.to_owned(), enabled, ..Default::default() };
        let table = [
            (vec![cap(META_RESOLVER, true)], vec![cap(IMAGE_BLOB, true)], None),
            (vec![], vec![cap(IMAGE_BLOB, true)], Some("BuildKit 0.13 or later is needed to resolve images")),
            (vec![cap(META_RESOLVER, true)], vec![], Some("BuildKit 0.28 or later is needed to read an image's index")),
            (vec![cap(META_RESOLVER, true)], vec![cap(IMAGE_BLOB, false)], Some("BuildKit 0.28")),
            (vec![cap(IMAGE_BLOB, true)], vec![cap(META_RESOLVER, true)], Some("BuildKit 0.13")),
        ];
        for (frontend_api_caps, llb_caps, expected) in table {
            let found = Capabilities::from(&pb::PongResponse { frontend_api_caps, llb_caps }).check_images();
            match (expected, found) {
                (None, found) => assert_eq!(found, Ok(())),
                (Some(start), found) => assert!(found.unwrap_err().to_string().starts_with(start)),
            }
        }
    }
}
