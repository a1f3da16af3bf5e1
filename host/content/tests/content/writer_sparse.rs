//! Layouts with an index and only some of its manifests, and layouts that exist for a time.

use std::path::Path;
use std::process::Command;

use futures_util::FutureExt as _;
use refkit_content::{Layout, LayoutWriter, Push as _, Resolve as _};
use refkit_oci::Reference;
use refkit_support::image::{INDEX, Image, ImageBuilder, IndexBuilder};
use refkit_support::tool;

use crate::support::{body, describe, pinned, tagged};

fn image(platform: &str) -> Image {
    ImageBuilder::new(platform).file("for", platform.as_bytes()).build()
}

fn index() -> Image {
    IndexBuilder::new().add(image("linux/amd64")).add(image("linux/arm64")).build()
}

/// Pushes the index, and of its images the one for arm64.
async fn push_in_part(writer: &LayoutWriter) -> Result<(), refkit_content::Error> {
    let image = image("linux/arm64");
    image.push(writer, &pinned(writer.repository(), image.digest())).await.expect("a push");
    writer.push_manifest(&tagged(writer.repository(), "1"), INDEX, index().bytes.clone()).await.map(drop)
}

#[tokio::test]
async fn an_index_may_lack_manifests_where_the_caller_wants_that() {
    let directory = tempfile::tempdir().expect("a directory");
    let writer = LayoutWriter::open(directory.path().join("app")).await.expect("a layout");
    let error = push_in_part(&writer).await.expect_err("a manifest is absent").to_string();
    assert!(error.contains(image("linux/amd64").digest().as_str()) && error.contains("is absent"), "{error}");
    let writer = writer.sparse(true);
    push_in_part(&writer).await.expect("a push");
    let found = writer.pull(&tagged(writer.repository(), "1")).await.expect("the index").value;
    assert_eq!(found.bytes, index().bytes);
    // The image that is there needs no entry of its own: the index lists it.
    assert_eq!(writer.now().await.expect("a layout").entries().len(), 1);
    // What is there may get another tag.
    let usual = writer.clone().sparse(false);
    usual.push_manifest(&tagged(writer.repository(), "2"), INDEX, index().bytes.clone()).await.expect("a push");
    // A manifest never lacks a blob.
    let image = image("linux/amd64");
    let to = pinned(writer.repository(), image.digest());
    let error = writer.push_manifest(&to, &image.descriptor.media_type, image.bytes.clone()).await;
    assert!(error.expect_err("the blobs are absent").to_string().contains("is absent"));
}

#[tokio::test]
async fn another_client_reads_a_platform_that_is_there() {
    let skopeo = tool("skopeo").expect("make tools");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("app");
    push_in_part(&LayoutWriter::open(&path).await.expect("a layout").sparse(true)).await.expect("a push");
    for (architecture, there) in [("arm64", true), ("amd64", false)] {
        let to = directory.path().join(architecture);
        let mut command = Command::new(&skopeo);
        command.args(["--insecure-policy", "--override-os", "linux", "--override-arch", architecture, "copy"]);
        let ran = command.arg(format!("oci:{}:1", path.display())).arg(format!("dir:{}", to.display())).output();
        let ran = ran.expect("skopeo runs");
        assert_eq!(ran.status.success(), there, "{architecture}: {}", String::from_utf8_lossy(&ran.stderr));
        if there {
            assert_eq!(std::fs::read(to.join("manifest.json")).expect("a manifest"), image("linux/arm64").bytes);
        }
    }
}

/// Returns the digest that a reference names in a layout.
async fn named(layout: &Layout, reference: Reference) -> String {
    layout.resolve(&reference).await.expect("it is there").value.digest.into_string()
}

#[tokio::test]
async fn a_layout_keeps_what_another_one_had() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = async |name: &str| LayoutWriter::open(directory.path().join(name)).await.expect("a layout");
    let old = open("old").await.sparse(true);
    push_in_part(&old).await.expect("a push");
    let (other, untagged) = (image("linux/s390x"), image("linux/riscv64"));
    let nested = IndexBuilder::new().add(index()).add(untagged.clone()).build();
    other.push(&old, &tagged(old.repository(), "other")).await.expect("a push");
    untagged.push(&old, &pinned(old.repository(), untagged.digest())).await.expect("a push");
    old.push_manifest(&tagged(old.repository(), "nested"), INDEX, nested.bytes.clone()).await.expect("a push");
    let referrer = ImageBuilder::artifact("application/x.kind", &other).build();
    referrer.push(&old, &pinned(old.repository(), referrer.digest())).await.expect("a push");
    // What no entry leads to stays behind.
    let stray = describe("a/b", b"stray");
    old.push_blob(old.repository(), &stray, body(b"stray")).await.expect("a push");

    let new = open("new").await;
    let before = Layout::open(directory.path().join("old")).await.expect("a layout");
    new.keep(&before).await.expect("a copy");
    let now = new.now().await.expect("a layout");
    assert_eq!(now.names(), before.names());
    let repository = now.repository();
    for (tag, image) in [("1", index()), ("other", other.clone()), ("nested", nested)] {
        assert_eq!(named(&now, tagged(repository, tag)).await, image.digest().as_str(), "{tag}");
    }
    for image in [image("linux/arm64"), untagged, referrer] {
        assert_eq!(named(&now, pinned(repository, image.digest())).await, image.digest().as_str());
    }
    assert!(now.resolve(&pinned(repository, image("linux/amd64").digest())).await.is_err(), "it was not there");
    assert!(!new.has(new.repository(), &stray).await.expect("an answer"));
    assert_eq!(blobs(&directory.path().join("new")), blobs(&directory.path().join("old")) - 1);
    // To keep it again changes nothing.
    new.keep(&before).await.expect("a copy");
    assert_eq!(new.now().await.expect("a layout").entries(), now.entries());
    // Damaged content is not kept.
    let config = other.blobs()[0].0.digest.hex();
    std::fs::write(directory.path().join("old/blobs/sha256").join(config), "damaged").expect("a file");
    assert!(open("third").await.keep(&before).await.is_err());
}

fn blobs(layout: &Path) -> usize {
    std::fs::read_dir(layout.join("blobs/sha256")).expect("a directory").count()
}

/// Work that its caller has dropped still runs in the directory, which stays for it.
#[test]
fn a_temporary_layout_goes_with_the_last_that_uses_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("app");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let writer = LayoutWriter::planned(&path).await.expect("a layout").temporary();
        let clone = writer.clone();
        image("linux/amd64").push(&writer, &tagged(writer.repository(), "1")).await.expect("a push");
        drop(writer);
        assert!(path.join("index.json").exists(), "a clone is left");
        let bytes = vec![7; 1 << 20];
        let (blob, to) = (describe("a/b", &bytes), clone.repository().clone());
        assert!(clone.push_blob(&to, &blob, body(&bytes)).now_or_never().is_none());
    });
    // The threads have ended then.
    drop(runtime);
    assert!(!path.exists());
    // What was never written leaves nothing, and neither does a layout that is not temporary vanish.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        drop(LayoutWriter::planned(&path).await.expect("a layout").temporary());
        drop(LayoutWriter::open(directory.path().join("kept")).await.expect("a layout"));
    });
    assert!(!path.exists() && directory.path().join("kept/oci-layout").exists());
}
