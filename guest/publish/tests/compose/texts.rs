//! Descriptors as text.

use refkit_oci::Descriptor;
use refkit_publish::compose::Given;

use crate::content::sha256;

#[test]
fn stated_descriptors_are_read() {
    let digest = sha256(b"x");
    let found = || Descriptor {
        annotations: vec![("old".to_owned(), "1".to_owned())],
        ..Descriptor::new("a/b", digest.clone(), 1)
    };
    let read = |text: &str| Given::read(text.replace("DIGEST", digest.as_str()).as_bytes());
    let rows = [
        (r#"{"digest":"DIGEST"}"#, "a/b", "old"),
        (r#"{"digest":"DIGEST","size":1,"mediaType":"c/d","annotations":null}"#, "c/d", "old"),
        (r#"{"digest":"DIGEST","annotations":{"new":"2"},"x":[]}"#, "a/b", "new"),
    ];
    for (text, media_type, key) in rows {
        let merged = read(text).unwrap().over(found()).unwrap();
        assert_eq!((merged.media_type.as_str(), merged.annotations[0].0.as_str()), (media_type, key), "{text}");
    }
    let rows = [
        ("", "no descriptor"),
        ("[]", "no descriptor"),
        (r#"{"digest":1}"#, "no descriptor"),
        ("{}", "digest"),
        (r#"{"digest":"sha256:x"}"#, "digest"),
        (r#"{"schemaVersion":2,"digest":"DIGEST"}"#, "a manifest or an index"),
        (r#"{"digest":"DIGEST","size":2}"#, "has 1 bytes, and the descriptor says 2"),
    ];
    for (text, wanted) in rows {
        let error = read(text).and_then(|given| given.over(found())).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}
