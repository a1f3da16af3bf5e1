//! Policies as artifacts, read from a source in memory.

use bytes::Bytes;
use refkit::artifact::{self, ArtifactError};
use refkit_content::{Body, ErrorKind, Memory, Origin, Push as _, verify};
use refkit_oci::{Algorithm, Descriptor, Reference, Repository};
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const WASM: &str = "application/wasm";
const OLDER: &str = "application/vnd.wasm.content.layer.v1+wasm";
const COMPONENT: &[u8] = b"\0asm";

fn repository() -> Repository {
    Repository::parse("r.example/policy").unwrap()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, verify::digest(Algorithm::Sha256, bytes), bytes.len() as u64)
}

fn layer(media_type: &str) -> Value {
    let Descriptor { digest, size, .. } = descriptor(media_type, COMPONENT);
    json!({ "mediaType": media_type, "digest": digest.as_str(), "size": size })
}

fn manifest(layers: &[Value]) -> Value {
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": layer("application/vnd.wasm.config.v0+json"), "layers": layers })
}

/// Returns what a source in memory with one document, and with the component if `blob`, has for the document's digest.
async fn fetched(media_type: &str, document: &str, blob: bool, limit: u64) -> Result<Bytes, ArtifactError> {
    let memory = Memory::new();
    if blob {
        let body = Body::from_bytes(Origin::Memory, Bytes::from_static(COMPONENT));
        memory.push_blob(&repository(), &descriptor(WASM, COMPONENT), body).await.unwrap();
    }
    let digest = verify::digest(Algorithm::Sha256, document.as_bytes());
    let reference = Reference::new(repository(), None, Some(digest)).unwrap();
    memory.insert(&reference, media_type, document.to_owned());
    artifact::fetch(&memory, &reference, limit).await
}

#[tokio::test]
async fn a_manifest_with_one_layer_is_a_policy() {
    for media_type in [WASM, OLDER] {
        let document = manifest(&[layer(media_type)]).to_string();
        assert_eq!(fetched(MANIFEST, &document, true, 4).await.unwrap(), COMPONENT, "{media_type}");
    }
}

#[tokio::test]
async fn other_documents_are_no_policy() {
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] });
    let rows = [
        (MANIFEST, manifest(&[]), "it has 0 layers; a policy has one, application/wasm"),
        (MANIFEST, manifest(&[layer(WASM), layer(WASM)]), "it has 2 layers; a policy has one, application/wasm"),
        (MANIFEST, manifest(&[layer("text/plain")]), "its layer is text/plain, not application/wasm"),
        (INDEX, index, "it is an index; name the manifest of the policy"),
    ];
    for (media_type, document, wanted) in rows {
        assert_eq!(fetched(media_type, &document.to_string(), true, 4).await.unwrap_err().to_string(), wanted);
    }
    let error = fetched(MANIFEST, "{", true, 4).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Document(_)), "{error:?}");
}

#[tokio::test]
async fn a_tag_alone_names_no_policy() {
    let reference = Reference::new(repository(), Some("1".to_owned()), None).unwrap();
    let memory = Memory::new();
    memory.insert(&reference, MANIFEST, manifest(&[layer(WASM)]).to_string());
    let error = artifact::fetch(&memory, &reference, 4).await.unwrap_err();
    assert!(matches!(error, ArtifactError::NotPinned), "{error:?}");
}

#[tokio::test]
async fn a_component_is_bounded_and_verified() {
    let document = manifest(&[layer(WASM)]).to_string();
    let kind = |error: ArtifactError| match error {
        ArtifactError::Content(error) => error.kind,
        other => panic!("{other:?}"),
    };
    let large = kind(fetched(MANIFEST, &document, true, 3).await.unwrap_err());
    assert!(matches!(large, ErrorKind::TooLarge { limit: 3 }), "{large:?}");
    let missing = kind(fetched(MANIFEST, &document, false, 4).await.unwrap_err());
    assert!(matches!(missing, ErrorKind::NotFound), "{missing:?}");
}
