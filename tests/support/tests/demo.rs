//! The committed demo layout is what the builder writes, byte for byte, and has what the demo needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use refkit_content::{Discover, Fetch, Layout, LayoutWriter, MANIFEST_LIMIT, Resolve, fetch};
use refkit_oci::{Descriptor, Reference};
use refkit_support::image::{DEMO_REPOSITORY, demo, push_demo};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/demo")
}

fn files(below: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![below.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(below).expect("below").to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

#[tokio::test]
async fn the_committed_demo_is_what_the_builder_writes() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("demo");
    let writer = LayoutWriter::open(&path).await.expect("a layout");
    push_demo(&writer, writer.repository()).await.expect("the demo");
    let (made, committed) = (files(&path), files(&fixture()));
    let names = |of: &BTreeMap<PathBuf, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    let again = "run `cargo run -p refkit-support --bin make-demo -- DIR` and put DIR in place of tests/fixtures/demo";
    assert_eq!(names(&made), names(&committed), "{again}");
    for (name, bytes) in &made {
        assert!(committed[name] == *bytes, "{} differs; {again}", name.display());
    }
    let total: usize = committed.values().map(Vec::len).sum();
    assert!(total < 200_000, "the demo has {total} bytes");
}

#[tokio::test]
async fn the_demo_is_readable_to_its_last_blob() {
    let layout = Layout::open(fixture()).await.expect("the demo");
    assert_eq!(layout.repository().to_string(), format!("oci-layout/{DEMO_REPOSITORY}"));
    let mut left: Vec<Descriptor> = Vec::new();
    for (tag, image) in demo() {
        let reference = Reference::new(layout.repository().clone(), Some(tag.to_owned()), None).expect("a reference");
        let pulled = layout.pull(&reference).await.expect(tag).value;
        assert_eq!(&pulled.descriptor.digest, image.digest(), "{tag}");
        let mut images = vec![image];
        while let Some(image) = images.pop() {
            left.push(image.descriptor.clone());
            left.extend(image.blobs().iter().map(|(descriptor, _)| descriptor.clone()));
            images.extend(image.children().iter().cloned());
        }
    }
    for descriptor in left {
        fetch(&layout as &dyn Fetch, layout.repository(), &descriptor, MANIFEST_LIMIT).await.expect("verified bytes");
    }
}

#[tokio::test]
async fn the_demo_has_what_the_demo_needs() {
    let layout = Layout::open(fixture()).await.expect("the demo");
    let tags = layout.tags(layout.repository()).await.expect("tags").value;
    assert_eq!(tags, ["1.0.0", "1.1.0", "1.2.3", "2.0.0-rc.1", "latest", "single", "unlabelled"]);
    assert_eq!(layout.default_reference().expect("a reference").tag(), Some("latest"));

    let images: BTreeMap<_, _> = demo().into_iter().collect();
    let full = &images["1.2.3"];
    assert_eq!(full.digest(), images["latest"].digest());
    let platforms = full.children().iter().filter_map(|child| child.descriptor.platform.as_ref());
    let unknown = platforms.clone().filter(|platform| platform.os == "unknown").count();
    let arm = platforms.clone().filter(|platform| platform.architecture == "arm").count();
    let nested: Vec<_> = full.children().iter().filter(|child| !child.children().is_empty()).collect();
    assert_eq!((platforms.count(), unknown, arm, nested.len()), (12, 6, 2, 1));
    assert_eq!(nested[0].children().len(), 2);

    let signed = layout.referrers(layout.repository(), full.digest(), None).await.expect("referrers").value;
    assert_eq!(signed.len(), 1);
    assert_eq!(signed[0].artifact_type.as_deref(), Some("application/vnd.example.signature.v1"));
}
