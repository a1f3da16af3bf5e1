//! The image that contains this frontend. BuildKit writes its definition into the frontend's container.

use prost::Message as _;
use refkit_buildkit::definition::{self, SourceKind};
use refkit_buildkit::pb;
use refkit_oci::Digest;

/// The file with the definition of the frontend's image.
const DEFINITION: &str = "/run/config/buildkit/metadata/frontend.bin";

/// Returns the definition of the image, where BuildKit has written one.
pub fn definition() -> Option<pb::Definition> {
    pb::Definition::decode(&std::fs::read(DEFINITION).ok()?[..]).ok()
}

/// Returns the digest of the image that a definition reads. Returns `None` for a definition that reads anything else.
pub fn digest(definition: &pb::Definition) -> Option<Digest> {
    let mut sources = definition::sources(definition).ok()?;
    match (sources.pop()?.kind, sources.is_empty()) {
        (SourceKind::Image(reference), true) => reference.digest().cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pinned_image_has_a_digest() {
        let hex = "a".repeat(64);
        // the identifier, the digest
        let rows = [
            (format!("docker-image://ghcr.io/a/b:1@sha256:{hex}"), Some(format!("sha256:{hex}"))),
            ("docker-image://ghcr.io/a/b:1".to_owned(), None),
            (format!("oci-layout://ghcr.io/a/b@sha256:{hex}"), None),
            ("local://a".to_owned(), None),
            ("a".to_owned(), None),
        ];
        for (identifier, wanted) in rows {
            let source = pb::SourceOp { identifier: identifier.clone(), ..Default::default() };
            let definition = definition::single(source, "", &[]);
            assert_eq!(digest(&definition).map(Digest::into_string), wanted, "{identifier}");
        }
        assert_eq!(digest(&pb::Definition::default()), None);
    }
}
