//! Fuzzes manifests, indexes and configs. The first byte selects the media type.
#![no_main]

use libfuzzer_sys::fuzz_target;
use refkit_oci::document::{self, Document, Limits, media_type};

/// The most entries of a document: more than fit into an input.
const MANY: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    let said = [
        None,
        Some(media_type::INDEX),
        Some("application/vnd.oci.image.manifest.v1+json"),
        Some("application/vnd.docker.distribution.manifest.list.v2+json"),
        Some("application/vnd.docker.distribution.manifest.v2+json"),
        Some("text/plain"),
    ];
    let said = said[usize::from(*kind) % said.len()];
    let limits = Limits::default();
    match document::read(said, bytes, &limits) {
        Ok(Document::Index(index)) => {
            assert!(media_type::is_index(&index.media_type) && index.manifests.len() < MANY);
            assert!(said.is_none_or(|said| said == index.media_type));
        }
        Ok(Document::Manifest(manifest)) => {
            assert!(media_type::is_manifest(&manifest.media_type) && manifest.layers.len() < MANY);
            assert!(said.is_none_or(|said| said == manifest.media_type));
        }
        Err(error) => assert!(error.to_string().len() < 4096),
    }
    let _ = document::read_config(bytes);
    let _ = document::read_platform(bytes);
    let _ = document::read_descriptor(bytes, &limits);
});
