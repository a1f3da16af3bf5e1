//! Annotations and descriptors as text.

use refkit_oci::{Descriptor, Platform};
use refkit_publish::compose::{Annotation, Given, Level};

use crate::content::sha256;

#[test]
fn annotations_are_read() {
    let platform = |os: &str, architecture: &str, variant: Option<&str>| {
        let variant = variant.map(str::to_owned);
        Some(Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant, ..Platform::default() })
    };
    let rows = [
        ("a=b", vec![Level::Index], "a", "b"),
        ("a=b:c=d", vec![Level::Index], "a", "b:c=d"),
        ("index:a=", vec![Level::Index], "a", ""),
        ("index-descriptor:a=b", vec![Level::IndexDescriptor], "a", "b"),
        ("manifest:a:b=c", vec![Level::Manifest(None)], "a:b", "c"),
        ("index,manifest:a=b", vec![Level::Index, Level::Manifest(None)], "a", "b"),
        ("manifest[linux/arm64]:a=b", vec![Level::Manifest(platform("linux", "arm64", None))], "a", "b"),
        (
            "manifest-descriptor[linux/arm/v7]:a=b",
            vec![Level::ManifestDescriptor(platform("linux", "arm", Some("v7")))],
            "a",
            "b",
        ),
        ("manifest-descriptor[arm]:a=b", vec![Level::ManifestDescriptor(platform("linux", "arm", None))], "a", "b"),
        (
            "manifest-descriptor[linux/aarch64/v8]:a=b",
            vec![Level::ManifestDescriptor(platform("linux", "arm64", Some("v8")))],
            "a",
            "b",
        ),
    ];
    for (text, levels, key, value) in rows {
        let wanted = Annotation { levels, key: key.to_owned(), value: value.to_owned() };
        assert_eq!(text.parse(), Ok(wanted), "{text}");
    }
    let rows = [
        ("a", "has no value"),
        ("", "has no value"),
        ("=b", "has no key"),
        ("index:=b", "has no key"),
        ("images:a=b", "\"images\" is not what an annotation can be for"),
        (":a=b", "\"\" is not what"),
        ("index[linux/amd64]:a=b", "is not what"),
        ("manifest[linux/amd64:a=b", "is not what"),
        ("manifest[a b]:a=b", "is not a platform"),
    ];
    for (text, wanted) in rows {
        let error = text.parse::<Annotation>().unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

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
