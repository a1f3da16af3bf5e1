//! References to images in layouts: a table of yes and no.

use std::path::PathBuf;

use refkit_content::LayoutReference;

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn notations() {
    let digest = format!("sha256:{HEX}");
    // the text; the path, the tag, and whether there is a digest
    type Row = (&'static str, Option<(&'static str, Option<&'static str>, bool)>);
    let rows: [Row; 34] = [
        ("oci-layout:image", Some(("image", None, false))),
        ("oci-layout:image:1.0", Some(("image", Some("1.0"), false))),
        ("oci-layout:image@DIGEST", Some(("image", None, true))),
        ("oci-layout:image:1.0@DIGEST", Some(("image", Some("1.0"), true))),
        ("oci-layout:/a/b/image.tar:1.0", Some(("/a/b/image.tar", Some("1.0"), false))),
        ("oci-layout:///a/b:1.0", Some(("/a/b", Some("1.0"), false))),
        ("oci-layout://a/b", Some(("a/b", None, false))),
        ("oci-layout:.", Some((".", None, false))),
        ("oci-layout:registry.example/app:1.0", Some(("registry.example/app", Some("1.0"), false))),
        ("oci-layout:a:b/c", Some(("a:b/c", None, false))),
        ("oci-layout:a:b/", Some(("a:b/", None, false))),
        ("oci-layout:a:b:1", Some(("a:b", Some("1"), false))),
        ("oci-layout:a:.hidden", Some(("a:.hidden", None, false))),
        ("oci-layout:a:", Some(("a:", None, false))),
        ("oci-layout:me@home:1", Some(("me@home", Some("1"), false))),
        ("oci-layout:me@home/a@DIGEST", Some(("me@home/a", None, true))),
        ("oci-layout:with space:1", Some(("with space", Some("1"), false))),
        ("./a", Some(("./a", None, false))),
        ("./a:b.tar:latest", Some(("./a:b.tar", Some("latest"), false))),
        ("../a:1@DIGEST", Some(("../a", Some("1"), true))),
        ("/a", Some(("/a", None, false))),
        ("/localhost:5000/a", Some(("/localhost:5000/a", None, false))),
        (".", Some((".", None, false))),
        ("..", Some(("..", None, false))),
        ("image.tar", Some(("image.tar", None, false))),
        ("build/image.tar:1.0", Some(("build/image.tar", Some("1.0"), false))),
        ("image.tar@DIGEST", Some(("image.tar", None, true))),
        ("image", None),
        ("alpine:3.20", None),
        ("docker.io/library/alpine@DIGEST", None),
        ("localhost:5000/app:1.0", None),
        ("image.tar.gz", None),
        ("oci-layouts/a:1", None),
        ("", None),
    ];
    for (text, wanted) in rows {
        let text = text.replace("DIGEST", &digest);
        let found = LayoutReference::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let wanted = wanted.map(|(path, tag, pinned)| LayoutReference {
            path: PathBuf::from(path),
            tag: tag.map(str::to_owned),
            digest: pinned.then(|| digest.parse().expect("a digest")),
        });
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn malformed() {
    let rows = [
        ("oci-layout:", "there is no path"),
        ("oci-layout://", "there is no path"),
        ("oci-layout::1.0", "there is no path"),
        ("oci-layout:a@sha256:abc", "length does not fit"),
        ("oci-layout:a@sha256:", "length does not fit"),
        ("./a:1@sha512:abc", "length does not fit"),
    ];
    for (text, wanted) in rows {
        let error = LayoutReference::parse(text).expect_err(text).to_string();
        assert!(error.contains(wanted) && error.contains(text), "{text}: {error}");
    }
}

#[test]
fn repositories_are_named_after_the_file() {
    let long = format!("/x/{}", "a".repeat(300));
    let rows = [
        ("demo", "demo"),
        ("tests/fixtures/demo", "demo"),
        ("tests/fixtures/demo/", "demo"),
        ("/a/image.tar", "image"),
        ("image-1.2", "image-1.2"),
        ("My Image (2).tar", "my-image-2"),
        ("a__b", "a__b"),
        ("a___b", "a-b"),
        ("a..b", "a-b"),
        ("a---b", "a---b"),
        ("a._b", "a-b"),
        ("-_.a.-_", "a"),
        ("a:b", "a-b"),
        ("übung", "bung"),
        ("日本", "layout"),
        (".tar", "layout"),
        (".", "layout"),
        ("..", "layout"),
        ("/", "layout"),
        (&long, &"a".repeat(128)),
    ];
    for (path, wanted) in rows {
        let reference = LayoutReference { path: PathBuf::from(path), tag: None, digest: None };
        assert_eq!(reference.repository().to_string(), format!("oci-layout/{wanted}"), "{path}");
    }
}
