//! Valid layouts, as directories and as archives.

use std::fs::File;
use std::path::Path;

use refkit_content::{
    Discover, ErrorCode, Layout, LayoutReference, LayoutWriter, MANIFEST_LIMIT, Memory, Origin, Resolve, copy, fetch,
};
use refkit_oci::Descriptor;
use refkit_support::image::{INDEX, Image, ImageBuilder, IndexBuilder, MANIFEST, demo, push_demo};
use tempfile::TempDir;

use crate::support::{Files, describe, expect, index, pinned, repository, sha256, tagged};

/// Writes the demo as a directory and as archives, with and without `./` before the names.
async fn demo_layouts() -> (TempDir, Vec<Layout>) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("demo");
    let writer = LayoutWriter::open(&path).await.expect("a layout");
    push_demo(&writer, writer.repository()).await.expect("the demo");
    let mut layouts = vec![Layout::open(&path).await.expect("a directory")];
    for below in ["", "."] {
        let packed = directory.path().join(format!("packed{below}")).join("demo.tar");
        pack(&path, &packed, below);
        layouts.push(Layout::open(&packed).await.expect("an archive"));
    }
    (directory, layouts)
}

fn pack(directory: &Path, into: &Path, below: &str) {
    std::fs::create_dir_all(into.parent().expect("a parent")).expect("a directory");
    let mut builder = tar::Builder::new(File::create(into).expect("a file"));
    builder.append_dir_all(below, directory).expect("an archive");
    builder.finish().expect("an archive");
}

#[tokio::test]
async fn directory_and_archive_behave_alike() {
    let (_directory, layouts) = demo_layouts().await;
    let repository = layouts[0].repository().clone();
    for layout in &layouts {
        let path = layout.path().display().to_string();
        assert_eq!(layout.repository(), &repository, "{path}");
        assert_eq!(layout.names(), ["1.0.0", "1.1.0", "1.2.3", "2.0.0-rc.1", "latest", "single", "unlabelled"]);
        for (tag, image) in demo() {
            let resolved = layout.resolve(&tagged(&repository, tag)).await.expect(tag);
            assert_eq!(resolved.origin.to_string(), path);
            let pulled = layout.pull(&tagged(&repository, tag)).await.expect(tag);
            assert_eq!(resolved.value, pulled.value.descriptor, "{tag}");
            assert_eq!(pulled.value.bytes, image.bytes, "{tag}");
            everything_by_digest(layout, &image).await;
        }
        let copied = Memory::new();
        copy(layout, &tagged(&repository, "1.2.3"), &copied, &tagged(&repository, "1.2.3")).await.expect("a copy");
    }
}

/// A digest of an unknown algorithm hides no other entry, and a copy refuses to leave it out.
#[tokio::test]
async fn digests_of_unknown_algorithms() {
    let image = ImageBuilder::new("linux/amd64").build();
    let unknown = format!(r#"{{"mediaType":"{MANIFEST}","digest":"blake3:0123","size":2}}"#);
    let with = |index: &str| index.replace("\"manifests\":[", &format!("\"manifests\":[{unknown},"));
    let parent = with(&String::from_utf8(index(&[(&image.descriptor, None)])).expect("text"));
    let parent_descriptor = describe(INDEX, parent.as_bytes());
    let names = [(&image.descriptor, Some("a")), (&parent_descriptor, Some("parent"))];
    let listing = with(&String::from_utf8(index(&names)).expect("text"));
    let mut files = Files::layout(listing.as_bytes()).blob(&image.bytes).blob(parent.as_bytes());
    for (_, bytes) in image.blobs() {
        files = files.blob(bytes);
    }
    let layout = Layout::open(files.path()).await.expect("a layout");
    assert_eq!(layout.names(), ["a", "parent"]);
    let pulled = layout.pull(&tagged(layout.repository(), "a")).await.expect("the image").value;
    assert_eq!(pulled.bytes, image.bytes);
    let (one, whole) = (tagged(layout.repository(), "a"), tagged(layout.repository(), "parent"));
    copy(&layout, &one, &Memory::new(), &one).await.expect("a copy of the image");
    let error = copy(&layout, &whole, &Memory::new(), &whole).await.expect_err("a part cannot be verified");
    assert!(error.to_string().contains("the algorithm blake3 is none of"), "{error}");
}

/// Checks that each manifest of an image is found by its digest, unchanged.
async fn everything_by_digest(layout: &Layout, image: &Image) {
    let reference = pinned(layout.repository(), image.digest());
    let pulled = layout.pull(&reference).await.expect("a manifest").value;
    assert_eq!(pulled.bytes, image.bytes);
    assert_eq!(pulled.descriptor.media_type, image.descriptor.media_type);
    assert_eq!(layout.resolve(&reference).await.expect("a descriptor").value, pulled.descriptor);
    for (descriptor, bytes) in image.blobs() {
        let read = fetch(layout, layout.repository(), descriptor, MANIFEST_LIMIT).await.expect("a blob");
        assert_eq!(read.value, bytes);
        assert!(matches!(read.origin, Origin::Layout(_)));
        // A config or a layer is no manifest.
        layout.pull(&pinned(layout.repository(), &descriptor.digest)).await.expect_err("no manifest");
    }
    for child in image.children() {
        Box::pin(everything_by_digest(layout, child)).await;
    }
}

#[tokio::test]
async fn absent_content_is_not_found() {
    let (_directory, layouts) = demo_layouts().await;
    let own = layouts[0].repository();
    let rows = [
        ("a tag", tagged(own, "9.9")),
        ("a digest", pinned(own, &sha256(b"nothing"))),
        ("another repository", tagged(&repository(), "latest")),
    ];
    for layout in &layouts {
        for (name, reference) in &rows {
            let errors = [
                layout.resolve(reference).await.map(|_| ()).expect_err(name),
                layout.pull(reference).await.map(|_| ()).expect_err(name),
            ];
            for error in errors {
                assert_eq!(error.code(), ErrorCode::NotFound, "{name}: {error}");
                assert!(error.to_string().contains(&reference.to_string()), "{name}: {error}");
            }
        }
        let blob = describe("application/octet-stream", b"nothing");
        let error = fetch(layout, own, &blob, MANIFEST_LIMIT).await.expect_err("no blob");
        assert_eq!(error.code(), ErrorCode::NotFound, "{error}");
        assert_eq!(layout.tags(&repository()).await.expect_err("another repository").code(), ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn a_layout_can_have_the_name_of_another_repository() {
    let (_directory, layouts) = demo_layouts().await;
    let layout = layouts[0].clone().named(repository());
    layout.resolve(&tagged(&repository(), "latest")).await.expect("a descriptor");
    layout.resolve(&tagged(layouts[0].repository(), "latest")).await.expect_err("the other name is gone");
}

fn named(of: &Descriptor, key: &str, name: &str) -> String {
    format!(
        r#"{{"mediaType":"{}","digest":"{}","size":{},"annotations":{{"{key}":"{name}"}}}}"#,
        of.media_type, of.digest, of.size
    )
}

#[tokio::test]
async fn entries_go_by_two_annotations() {
    const OCI: &str = "org.opencontainers.image.ref.name";
    const CONTAINERD: &str = "io.containerd.image.name";
    let of = describe(MANIFEST, b"{}");
    let rows: [(&str, &str, &[&str]); 12] = [
        (OCI, "1.0", &["1.0"]),
        (OCI, "docker.io/library/app:1.0", &["1.0"]),
        (OCI, "app:1.0", &["1.0"]),
        (OCI, "app:1.0@sha256:abc", &["1.0"]),
        (OCI, "docker.io/library/app", &[]),
        (OCI, "localhost:5000/app", &[]),
        (OCI, "-not-a-tag", &[]),
        (CONTAINERD, "docker.io/library/app:1.0", &["1.0"]),
        (CONTAINERD, "docker.io/library/app", &[]),
        (CONTAINERD, "1.0", &[]),
        (CONTAINERD, "localhost:5000/app:1.0", &["1.0"]),
        ("something.else", "1.0", &[]),
    ];
    for (key, name, wanted) in rows {
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, named(&of, key, name));
        let files = Files::layout(index.as_bytes());
        let layout = Layout::open(files.path()).await.expect(name);
        assert_eq!(layout.names(), wanted, "{key} {name}");
    }
}

#[tokio::test]
async fn a_name_must_mean_one_image() {
    let (one, other) = (ImageBuilder::new("linux/amd64").build(), ImageBuilder::new("linux/arm64").build());
    type Row<'a> = (&'a str, Vec<(&'a Image, Option<&'a str>)>, Option<&'a str>);
    let rows: [Row; 3] = [
        ("once", vec![(&one, Some("a")), (&other, Some("b"))], None),
        ("the same twice", vec![(&one, Some("a")), (&one, Some("a"))], None),
        ("two", vec![(&one, Some("a")), (&other, Some("a"))], Some("has several images of that name, sha256:")),
    ];
    for (name, entries, error) in rows {
        let entries: Vec<_> = entries.iter().map(|(image, name)| (&image.descriptor, *name)).collect();
        let files = Files::layout(&index(&entries)).blob(&one.bytes).blob(&other.bytes);
        let layout = Layout::open(files.path()).await.expect(name);
        expect(name, layout.resolve(&tagged(layout.repository(), "a")).await, error);
        expect(name, layout.pull(&tagged(layout.repository(), "a")).await, error);
        layout.pull(&pinned(layout.repository(), other.digest())).await.map(|_| ()).unwrap_or_else(|error| {
            assert_eq!((name, error.code()), ("the same twice", ErrorCode::NotFound), "{error}");
        });
    }
}

#[tokio::test]
async fn the_default_reference_is_the_only_image_or_the_latest() {
    let (one, other) = (describe(MANIFEST, b"one"), describe(MANIFEST, b"two"));
    let fallback = format!("sha256-{}", one.digest.hex());
    let signature = format!("{fallback}.sig");
    type Wanted = Result<Option<&'static str>, &'static str>;
    type Row<'a> = (&'a str, Vec<(&'a Descriptor, Option<&'a str>)>, Wanted);
    let rows: Vec<Row> = vec![
        ("nothing", vec![], Err("the layout has no image")),
        ("one, no name", vec![(&one, None)], Ok(None)),
        ("one, a name", vec![(&one, Some("1.0"))], Ok(Some("1.0"))),
        ("one, two names", vec![(&one, Some("1.0")), (&one, Some("2.0"))], Ok(Some("1.0"))),
        ("one, latest too", vec![(&one, Some("1.0")), (&one, Some("latest"))], Ok(Some("latest"))),
        ("one with a name, one without", vec![(&one, Some("1.0")), (&other, None)], Ok(Some("1.0"))),
        ("one and its referrers", vec![(&one, Some("1.0")), (&other, Some(&fallback))], Ok(Some("1.0"))),
        ("one without a name and its signature", vec![(&one, None), (&other, Some(&signature))], Ok(None)),
        ("one and its signature", vec![(&one, Some("1.0")), (&other, Some(&signature))], Ok(Some("1.0"))),
        ("a signature alone", vec![(&other, Some(&signature))], Err("the layout has no image")),
        ("two, one latest", vec![(&one, Some("1.0")), (&other, Some("latest"))], Ok(Some("latest"))),
        ("two names", vec![(&one, Some("1.0")), (&other, Some("2.0"))], Err("2 images; add :TAG, one of 1.0, 2.0")),
        ("two, no names", vec![(&one, None), (&other, None)], Err("2 images without names; add @DIGEST")),
    ];
    for (name, entries, wanted) in rows {
        let files = Files::layout(&index(&entries));
        let layout = Layout::open(files.path()).await.expect(name);
        match (layout.default_reference(), wanted) {
            (Ok(found), Ok(tag)) => {
                assert_eq!(found.tag(), tag, "{name}");
                assert_eq!(found.digest(), tag.is_none().then_some(&one.digest), "{name}");
            }
            (Err(found), Err(wanted)) => assert!(found.to_string().contains(wanted), "{name}: {found}"),
            (found, wanted) => panic!("{name}: {found:?}, but expected {wanted:?}"),
        }
    }
}

#[tokio::test]
async fn a_layout_reference_opens_its_layout() {
    let (_directory, layouts) = demo_layouts().await;
    for layout in &layouts {
        let path = layout.path().display();
        for (suffix, tag) in [("", "latest"), (":1.0.0", "1.0.0")] {
            let wanted = LayoutReference::parse(&format!("oci-layout:{path}{suffix}")).expect("well-formed");
            let (opened, reference) = wanted.expect("the prefix says so").open().await.expect("a layout");
            assert_eq!(reference, tagged(opened.repository(), tag));
            opened.resolve(&reference).await.expect("a descriptor");
        }
    }
}

#[tokio::test]
async fn referrers_come_from_entries_and_from_the_fallback_tag() {
    let image = ImageBuilder::new("linux/amd64").build();
    let listed = ImageBuilder::artifact("application/x.listed", &image).annotation("a", "b").build();
    let fallen = ImageBuilder::artifact("application/x.fallen", &image).build();
    let both = ImageBuilder::artifact("application/x.both", &image).build();
    let referrers = IndexBuilder::new().add(fallen.clone()).add(both.clone()).build();
    let fallback = format!("sha256-{}", image.digest().hex());
    let gone = describe(MANIFEST, b"listed, but not there");
    let entries = [
        (&image.descriptor, Some("1.0")),
        (&listed.descriptor, None),
        (&both.descriptor, None),
        (&gone, None),
        (&referrers.descriptor, Some(fallback.as_str())),
    ];
    let files = [&image, &listed, &fallen, &both, &referrers]
        .into_iter()
        .fold(Files::layout(&index(&entries)), |files, image| files.blob(&image.bytes));
    let layout = Layout::open(files.path()).await.expect("a layout");
    let rows = [
        (image.digest(), None, vec![&listed, &both, &fallen]),
        (image.digest(), Some("application/x.listed"), vec![&listed]),
        (image.digest(), Some("application/x.fallen"), vec![&fallen]),
        (image.digest(), Some("application/x.none"), vec![]),
        (listed.digest(), None, vec![]),
    ];
    for _ in 0..2 {
        for (subject, artifact_type, wanted) in &rows {
            let found = layout.referrers(layout.repository(), subject, *artifact_type).await.expect("referrers").value;
            let digests: Vec<_> = found.iter().map(|of| &of.digest).collect();
            assert_eq!(digests, wanted.iter().map(|image| image.digest()).collect::<Vec<_>>(), "{artifact_type:?}");
        }
    }
    let found = layout.referrers(layout.repository(), image.digest(), Some("application/x.listed")).await;
    assert_eq!(found.expect("referrers").value[0].annotations, [("a".to_owned(), "b".to_owned())]);
    assert_eq!(layout.default_reference().expect("a reference").tag(), Some("1.0"));
}

#[tokio::test]
async fn a_manifest_without_a_media_type_is_recognised() {
    let config = describe("application/vnd.oci.image.config.v1+json", b"{}");
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"{}","digest":"{}","size":2}},"layers":[]}}"#,
        config.media_type, config.digest
    );
    let list = index(&[(&describe(MANIFEST, manifest.as_bytes()), None)]);
    let files = Files::layout(&index(&[])).blob(manifest.as_bytes()).blob(&list).blob(b"{}").blob(b"text");
    let layout = Layout::open(files.path()).await.expect("a layout");
    let rows: [(&[u8], Result<&str, &str>); 4] = [
        (manifest.as_bytes(), Ok(MANIFEST)),
        (&list, Ok(INDEX)),
        (b"{}", Err("no member `schemaVersion`")),
        (b"text", Err("it is no JSON")),
    ];
    for (bytes, wanted) in rows {
        let found = layout.resolve(&pinned(layout.repository(), &sha256(bytes))).await;
        let media_type = expect("by digest", found, wanted.err()).map(|answer| answer.value.media_type);
        assert_eq!(media_type.as_deref(), wanted.ok());
    }
}
