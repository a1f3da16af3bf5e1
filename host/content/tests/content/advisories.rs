//! Advisories of other readers of layouts, one test a row. The tables in `hostile` have more rows of each kind.

use std::fs::File;
use std::path::PathBuf;

use refkit_content::{ErrorCode, Layout, LayoutWriter, MANIFEST_LIMIT, Resolve, copy, fetch};
use refkit_support::image::ImageBuilder;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use crate::support::{Files, VERSION, blob_name, expect, index, pinned, tagged};

/// Writes an archive with a layout whose only blob is an entry of a given type, and a secret file beside the archive.
fn archive(entry: EntryType, target: &str, name: &str, listed: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("app.tar");
    let mut builder = Builder::new(File::create(&path).expect("a file"));
    for (name, bytes) in [("oci-layout", VERSION), ("index.json", listed)] {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).expect("an entry");
    }
    let mut header = Header::new_gnu();
    header.set_entry_type(entry);
    header.set_size(0);
    match entry {
        EntryType::Symlink | EntryType::Link => builder.append_link(&mut header, name, target),
        _ => builder.append_data(&mut header, name, &b""[..]),
    }
    .expect("an entry");
    builder.finish().expect("an archive");
    (directory, path)
}

#[tokio::test]
async fn cve_2026_50163_and_ghsa_8xwf_rjm4_xvhv_no_link_leads_out_of_a_layout() {
    let image = ImageBuilder::new("linux/amd64").build();
    let (name, listed) = (blob_name(image.digest()), index(&[(&image.descriptor, Some("a"))]));
    // The layout's bytes, outside of it: a reader that follows the link gets content with the right digest.
    let outside = Files::empty().file("secret", &image.bytes);
    let secret = outside.path().join("secret");
    let files = || Files::layout(&listed);
    for (row, files, said) in [
        ("a link out", files().link(&name, &secret), "is a symbolic link"),
        ("a link out by dots", files().link(&name, "../../../../../etc/passwd"), "is a symbolic link"),
        ("a link to a device", files().link(&name, "/dev/zero"), "is a symbolic link"),
        ("a FIFO", files().fifo(&name), "is a named pipe"),
        ("a directory", files().subdirectory(&name), "is a directory"),
    ] {
        let layout = Layout::open(files.path()).await.expect(row);
        let own = layout.repository().clone();
        expect(row, layout.pull(&tagged(&own, "a")).await, Some(said));
        expect(row, layout.resolve(&pinned(&own, image.digest())).await, Some(said));
        expect(row, fetch(&layout, &own, &image.descriptor, MANIFEST_LIMIT).await, Some(said));
        // The writer must not write through the link, or leave files at its target.
        let other = tempfile::tempdir().expect("a directory");
        let writer = LayoutWriter::open(&other.path().join("copy")).await.expect("a layout");
        let to = tagged(writer.repository(), "a");
        expect(row, copy(&layout, &tagged(&own, "a"), &writer, &to).await, Some(said));
    }
    let target = secret.to_str().expect("UTF-8");
    for (row, kind, to, said) in [
        ("a symbolic link", EntryType::Symlink, target, "is a symbolic link"),
        ("a symbolic link by dots", EntryType::Symlink, "../../../etc/passwd", "is a symbolic link"),
        ("a hard link", EntryType::Link, "index.json", "is a hard link"),
        ("a FIFO", EntryType::Fifo, "", "is a named pipe"),
        ("a directory", EntryType::Directory, "", "the layout lists it, and has no blob"),
        ("a device", EntryType::Block, "", "is no plain file"),
    ] {
        let (_directory, path) = archive(kind, to, &name, &listed);
        let found = match Layout::open(&path).await {
            Ok(layout) => layout.pull(&tagged(layout.repository(), "a")).await.map(drop),
            Err(refused) => Err(refused),
        };
        expect(row, found, Some(said));
    }
}

#[tokio::test]
async fn cve_2024_3727_a_digest_is_no_path() {
    let outside = Files::empty().file("secret", b"{}");
    let image = ImageBuilder::new("linux/amd64").build();
    let good = String::from_utf8(index(&[(&image.descriptor, Some("a"))])).expect("text");
    for bad in [
        format!("sha256:../../..{}/secret", outside.path().display()),
        "sha256:../index.json".to_owned(),
        format!("sha256:{}", image.digest().hex().to_uppercase()),
        format!("sha256:{}", &image.digest().hex()[1..]),
        format!("sha256/{}", image.digest().hex()),
    ] {
        let files = Files::layout(good.replace(image.digest().as_str(), &bad).as_bytes()).blob(&image.bytes);
        let error = Layout::open(files.path()).await.expect_err(&bad);
        assert_eq!(error.code(), ErrorCode::Invalid, "{bad}: {error}");
    }
}
