//! Packing a layout directory into an archive.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures_util::FutureExt as _;
use refkit_content::layout::{self, Seen};
use refkit_content::{Error, ErrorKind, Layout, LayoutWriter, Resolve as _, fetch};
use refkit_oci::Reference;
use refkit_support::image::{Image, ImageBuilder, demo};

use crate::support::tagged;

/// Writes images into a layout, in this order.
async fn layout(path: &Path, images: &[(&str, Image)]) {
    let writer = LayoutWriter::open(path).await.expect("a layout");
    for (tag, image) in images {
        image.push(&writer, &tagged(writer.repository(), tag)).await.expect("a push");
    }
}

/// Packs a directory over the archive that is there now.
async fn pack(directory: &Path, archive: &Path) -> Result<(), Error> {
    layout::pack(directory, archive, Seen::look(archive).expect("the archive or nothing")).await
}

/// Returns the names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().expect("a name")).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn an_archive_has_what_the_directory_has() {
    let directory = tempfile::tempdir().expect("a directory");
    let (from, to) = (directory.path().join("app"), directory.path().join("app.tar"));
    let images = demo();
    layout(&from, &images).await;
    pack(&from, &to).await.expect("an archive");
    let (written, packed) =
        (Layout::open(&from).await.expect("a layout"), Layout::open(&to).await.expect("an archive"));
    assert_eq!(packed.names(), written.names());
    for (tag, image) in &images {
        let reference = tagged(packed.repository(), tag);
        let pulled = packed.pull(&reference).await.expect("a manifest").value;
        assert_eq!(pulled.bytes, image.bytes, "{tag}");
        for (descriptor, bytes) in image.blobs() {
            let read = fetch(&packed, packed.repository(), descriptor, u64::MAX).await.expect("a blob");
            assert_eq!(read.value, *bytes, "{tag}");
        }
    }
    assert_eq!(fs::metadata(&to).expect("a file").permissions().mode() & 0o7113, 0);
    assert_eq!(names(directory.path()), ["app", "app.tar"]);
}

#[tokio::test]
async fn equal_layouts_give_equal_bytes() {
    let directory = tempfile::tempdir().expect("a directory");
    let image = |version: &str| ImageBuilder::new("linux/amd64").label("version", version).build();
    let mut archives = Vec::new();
    for name in ["one", "two"] {
        let path = directory.path().join(name);
        layout(&path, &[("1", image("1")), ("2", image("2"))]).await;
        pack(&path, &path.with_extension("tar")).await.expect("an archive");
        archives.push(fs::read(path.with_extension("tar")).expect("a file"));
    }
    assert!(archives[0] == archives[1]);
}

/// A name of 128 digits is longer than the field of an archive's header.
#[tokio::test]
async fn names_of_any_length_are_packed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("app");
    layout(&path, &[("1", ImageBuilder::new("linux/amd64").build())]).await;
    let digest = format!("sha512:{}", "0f".repeat(64)).parse().expect("a digest");
    fs::create_dir_all(path.join("blobs/sha512")).expect("a directory");
    fs::write(path.join("blobs/sha512").join("0f".repeat(64)), "x").expect("a file");
    let to = directory.path().join("app.tar");
    pack(&path, &to).await.expect("an archive");
    let packed = Layout::open(&to).await.expect("an archive");
    let reference = Reference::to_digest(packed.repository().clone(), digest);
    let error = packed.pull(&reference).await.expect_err("the bytes have another digest").to_string();
    assert!(!error.contains("not found"), "{error}");
}

#[tokio::test]
async fn what_is_no_layout_is_not_packed() {
    let directory = tempfile::tempdir().expect("a directory");
    let to = directory.path().join("app.tar");
    let linked = directory.path().join("linked");
    layout(&linked, &[("1", ImageBuilder::new("linux/amd64").build())]).await;
    std::os::unix::fs::symlink("/etc/hostname", linked.join("blobs/sha256/link")).expect("a link");
    let rows = [
        (directory.path().join("none"), "none is no image layout"),
        (directory.path().to_owned(), "is no image layout"),
        (linked, "link"),
    ];
    for (from, part) in rows {
        let error = pack(&from, &to).await.expect_err("it is no layout").to_string();
        assert!(error.contains(part), "{error}");
        assert!(!to.exists());
    }
    let image = [("1", ImageBuilder::new("linux/amd64").build())];
    layout(&directory.path().join("app"), &image).await;
    assert!(pack(&directory.path().join("app"), Path::new("/proc/none/app.tar")).await.is_err());
}

#[tokio::test]
async fn an_archive_that_another_process_has_written_meanwhile_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let (from, to) = (directory.path().join("app"), directory.path().join("app.tar"));
    layout(&from, &[("1", ImageBuilder::new("linux/amd64").build())]).await;
    let seen = Seen::look(&to).expect("nothing");
    fs::write(&to, "another's").expect("an archive");
    let error = layout::pack(&from, &to, seen).await.expect_err("it has changed");
    assert!(matches!(error.kind, ErrorKind::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("run the command again"), "{error}");
    assert_eq!(fs::read(&to).expect("an archive"), b"another's");
    assert_eq!(names(directory.path()), ["app", "app.tar"]);
}

#[tokio::test]
async fn a_link_and_a_mode_stay() {
    let directory = tempfile::tempdir().expect("a directory");
    let (from, to, link) =
        (directory.path().join("app"), directory.path().join("app.tar"), directory.path().join("l.tar"));
    layout(&from, &[("1", ImageBuilder::new("linux/amd64").build())]).await;
    fs::write(&to, "").expect("a file");
    fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("a mode");
    std::os::unix::fs::symlink("app.tar", &link).expect("a link");
    pack(&from, &link).await.expect("an archive");
    assert!(link.is_symlink());
    assert_eq!(fs::metadata(&to).expect("a file").permissions().mode() & 0o777, 0o600);
    Layout::open(&to).await.expect("an archive");
}

/// The thread that writes sees it at its next piece: it does not finish an archive of 256 MiB before.
#[test]
fn an_archive_that_nobody_waits_for_is_not_finished() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("app");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        layout(&path, &[("1", ImageBuilder::new("linux/amd64").build())]).await;
        let blob = fs::File::create(path.join("blobs/sha256").join("f".repeat(64))).expect("a file");
        blob.set_len(256 << 20).expect("a sparse file");
        let to = directory.path().join("app.tar");
        assert!(pack(&path, &to).now_or_never().is_none());
    });
    // The thread has ended then.
    drop(runtime);
    assert_eq!(names(directory.path()), ["app"]);
}
