//! Writing documents.

use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Descriptor, Digest, Platform};

fn digest(byte: u8) -> Digest {
    format!("sha256:{}", format!("{byte:02x}").repeat(32)).parse().unwrap()
}

fn full() -> Descriptor {
    Descriptor {
        platform: Some(Platform {
            os: "windows".to_owned(),
            architecture: "amd64".to_owned(),
            variant: Some("v3".to_owned()),
            os_version: Some("10.0.1".to_owned()),
            os_features: vec!["win32k".to_owned()],
        }),
        artifact_type: Some("a/b".to_owned()),
        annotations: vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "\"".to_owned())],
        urls: vec!["https://example.org/x".to_owned()],
        ..Descriptor::new(media_type::MANIFEST, digest(1), 3).with_data(b"abc")
    }
}

#[test]
fn a_descriptor_is_written_and_read() {
    let bytes = serde_json::to_string(&full()).unwrap();
    let wanted = format!(
        "{{\"mediaType\":\"{}\",\"digest\":\"{}\",\"size\":3,\"artifactType\":\"a/b\",\
         \"annotations\":{{\"a\":\"1\",\"b\":\"\\\"\"}},\"platform\":{{\"architecture\":\"amd64\",\"os\":\"windows\",\
         \"os.version\":\"10.0.1\",\"os.features\":[\"win32k\"],\"variant\":\"v3\"}},\
         \"urls\":[\"https://example.org/x\"],\"data\":\"YWJj\"}}",
        media_type::MANIFEST,
        digest(1)
    );
    assert_eq!(bytes, wanted);
    assert_eq!(document::read_descriptor(bytes.as_bytes(), &Limits::default()).unwrap(), full());
    let bare = Descriptor::new("a/b", digest(2), 0);
    let wanted = format!(r#"{{"mediaType":"a/b","digest":"{}","size":0}}"#, digest(2));
    assert_eq!(serde_json::to_string(&bare).unwrap(), wanted);
}

#[test]
fn documents_are_read_as_they_were_written() {
    let subject = Some(Descriptor::new(media_type::INDEX, digest(3), 4));
    let annotations = vec![("k".to_owned(), "v".to_owned())];
    for (subject, annotations) in [(None, Vec::new()), (subject, annotations)] {
        let artifact_type = subject.as_ref().map(|_| "a/b".to_owned());
        let manifest = document::Manifest {
            media_type: media_type::MANIFEST.to_owned(),
            config: Descriptor::new(media_type::CONFIG, digest(4), 5),
            layers: vec![full(), full()],
            artifact_type: artifact_type.clone(),
            subject: subject.clone(),
            annotations: annotations.clone(),
            unverifiable: Vec::new(),
        };
        let bytes = serde_json::to_vec(&manifest).unwrap();
        let read = document::read(Some(media_type::MANIFEST), &bytes, &Limits::default()).unwrap();
        assert_eq!(read, Document::Manifest(manifest));
        let index = document::Index {
            media_type: media_type::INDEX.to_owned(),
            manifests: vec![full()],
            artifact_type,
            subject,
            annotations,
            unverifiable: Vec::new(),
        };
        let bytes = serde_json::to_vec(&index).unwrap();
        let read = document::read(Some(media_type::INDEX), &bytes, &Limits::default()).unwrap();
        assert_eq!(read, Document::Index(index));
    }
}

#[test]
fn an_index_with_an_unknown_algorithm_is_not_written() {
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{}","digest":"other:{}","size":1}}]}}"#,
        media_type::MANIFEST,
        "0".repeat(64)
    );
    let Ok(Document::Index(index)) = document::read(None, text.as_bytes(), &Limits::default()) else {
        panic!("an index")
    };
    let error = serde_json::to_vec(&index).unwrap_err().to_string();
    assert!(error.contains("the algorithm other"), "{error}");
}
