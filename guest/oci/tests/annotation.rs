//! Annotations as text.

use refkit_oci::Platform;
use refkit_oci::annotation::{Annotation, Level};

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
