//! Hostile layouts: each is refused with an error that names the reason. No link is followed, and nothing large is
//! read.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use refkit_content::{Discover, ErrorCode, Layout, MANIFEST_LIMIT, Memory, Resolve, copy, fetch};
use refkit_oci::Descriptor;
use refkit_support::image::{INDEX, Image, ImageBuilder, MANIFEST};
use tar::{EntryType, Header};
use tempfile::TempDir;

use crate::support::{Files, VERSION, blob_name, describe, expect, index, pinned, repository, sha256, tagged};

fn image() -> Image {
    ImageBuilder::new("linux/amd64").build()
}

fn listed(image: &Image) -> Vec<u8> {
    index(&[(&image.descriptor, Some("a"))])
}

#[tokio::test]
async fn layouts_that_do_not_open() {
    let other_version = br#"{"imageLayoutVersion":"2.0.0"}"#;
    let number = br#"{"imageLayoutVersion":1}"#;
    let good = index(&[]);
    let entries = (0..100_000).map(|n| describe(MANIFEST, format!("{n}").as_bytes())).collect::<Vec<_>>();
    let many = index(&entries.iter().map(|of| (of, None)).collect::<Vec<_>>());
    let negative = String::from_utf8(index(&[(&describe(MANIFEST, b""), None)])).expect("text").replace(":0}", ":-1}");
    let escaping = negative.replace("sha256:", "sha256:../").replace(":-1}", ":1}");
    let marker = |bytes: &[u8]| Files::empty().file("index.json", &good).file("oci-layout", bytes);
    let rows = [
        ("nothing at all", Files::empty(), "not found"),
        ("an empty directory", Files::empty().subdirectory(""), "there is no file `oci-layout`"),
        ("docker save", Files::empty().file("manifest.json", b"[]"), "`docker save`"),
        ("another version", marker(other_version), "version \"2.0.0\", and only 1.0.0"),
        ("a version that is a number", marker(number), "`oci-layout` is malformed"),
        ("a version that is no JSON", marker(b"1.0.0"), "`oci-layout` is malformed"),
        ("an endless version", marker(b"").sparse("oci-layout", 1 << 40), "limit of 4096 bytes"),
        ("no index", Files::empty().file("oci-layout", VERSION), "there is no file `index.json`"),
        ("an index of 100 MB", Files::layout(&[b' '; 1].repeat(100_000_000)), "limit of 4194304 bytes"),
        ("an index of a TiB", Files::layout(b"").sparse("index.json", 1 << 40), "limit of 4194304 bytes"),
        ("an index of 10^5 entries", Files::layout(&many), "limit of 4194304 bytes"),
        ("an index that is no JSON", Files::layout(b"\0\xff"), "`index.json` is malformed"),
        ("an index that is empty", Files::layout(b""), "`index.json` is malformed"),
        ("an index that is a manifest", Files::layout(&image().bytes), "`index.json` is malformed"),
        ("a negative size", Files::layout(negative.as_bytes()), "`index.json` is malformed"),
        ("a digest that is a path", Files::layout(escaping.as_bytes()), "`index.json` is malformed"),
    ];
    for (name, files, error) in rows {
        expect(name, Layout::open(files.path()).await, Some(error));
    }
}

/// The rows of the specification's own tests that concern this file.
#[tokio::test]
async fn the_marker_follows_the_specification() {
    const VECTORS: &str = include_str!("../../../../tests/fixtures/vectors/image_spec_schema.json");
    let file: serde_json::Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    let rows = file["tests"].as_array().expect("rows").iter().filter(|row| row["test"] == "TestImageLayout");
    let mut seen = 0;
    for row in rows {
        let marker = row["json"].as_str().expect("text");
        let files = Files::empty().file("index.json", &index(&[])).file("oci-layout", marker.as_bytes());
        let opened = Layout::open(files.path()).await.map(drop).map_err(|error| error.to_string());
        match row["must_fail"].as_bool().expect("a boolean") {
            false => assert_eq!(opened, Ok(()), "{row}"),
            true => assert!(opened.as_ref().is_err_and(|error| error.contains("oci-layout")), "{row}: {opened:?}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[tokio::test]
async fn index_and_marker_are_not_read_through_links() {
    let elsewhere = Files::layout(&index(&[]));
    let good = index(&[]);
    let at = |name: &str| elsewhere.path().join(name);
    let rows = [
        ("a marker", Files::empty().file("index.json", &good).link("oci-layout", at("oci-layout")), "a symbolic link"),
        (
            "an index",
            Files::empty().file("oci-layout", VERSION).link("index.json", at("index.json")),
            "a symbolic link",
        ),
        ("a FIFO", Files::empty().file("oci-layout", VERSION).fifo("index.json"), "a named pipe"),
        ("a directory", Files::empty().file("oci-layout", VERSION).subdirectory("index.json"), "a directory"),
        ("a device", Files::empty().file("oci-layout", VERSION).link("index.json", "/dev/zero"), "a symbolic link"),
    ];
    for (name, files, error) in rows {
        expect(name, Layout::open(files.path()).await, Some(error));
    }
    // Links that no reference leads to do no harm, nor does a link in the user's path.
    let fine = Files::layout(&good).link("x", "/etc").link("blobs/sha256/x", "/etc/passwd");
    Layout::open(fine.path()).await.expect("a layout");
    let link = Files::empty().link("x", elsewhere.path());
    Layout::open(link.path().join("x")).await.expect("a layout");
    let fifo = Files::empty().fifo("x");
    expect("a FIFO as a layout", Layout::open(fifo.path().join("x")).await, Some("it is a named pipe"));
    expect("a device as a layout", Layout::open("/dev/null").await, Some("it is a device"));
}

#[tokio::test]
async fn blobs_that_are_not_files() {
    let image = image();
    let name = blob_name(image.digest());
    let elsewhere = Files::layout(&listed(&image)).blob(&image.bytes);
    let files = || Files::layout(&listed(&image));
    let rows = [
        ("right", files().blob(&image.bytes), None),
        ("a link to the right content", files().link(&name, elsewhere.path().join(&name)), Some("is a symbolic link")),
        ("a link to nowhere", files().link(&name, "nowhere"), Some("is a symbolic link")),
        ("a link to a device", files().link(&name, "/dev/zero"), Some("is a symbolic link")),
        ("a FIFO", files().fifo(&name), Some("is a named pipe")),
        ("a directory", files().subdirectory(&name), Some("is a directory")),
        (
            "blobs/sha256 is a link",
            files().link("blobs/sha256", elsewhere.path().join("blobs/sha256")),
            Some("`sha256` is not"),
        ),
        ("blobs is a link", files().link("blobs", elsewhere.path().join("blobs")), Some("`blobs` is not a directory")),
        ("blobs is a file", files().file("blobs", b""), Some("`blobs` is not a directory")),
        ("nothing", files(), Some("the layout lists it, and has no blob")),
    ];
    for (name, files, error) in rows {
        let layout = Layout::open(files.path()).await.expect(name);
        let own = layout.repository().clone();
        expect(name, layout.pull(&tagged(&own, "a")).await, error);
        expect(name, layout.pull(&pinned(&own, image.digest())).await, error);
        expect(name, layout.resolve(&tagged(&own, "a")).await, error);
        // A digest that no entry names may be absent.
        let error = if name == "nothing" { Some("not found") } else { error };
        expect(name, fetch(&layout, &own, &image.descriptor, MANIFEST_LIMIT).await, error);
    }
}

#[tokio::test]
async fn blobs_that_contradict_their_descriptor() {
    let image = image();
    let name = blob_name(image.digest());
    let sized = |size| {
        let of = Descriptor::new(MANIFEST, image.digest().clone(), size);
        Files::layout(&index(&[(&of, Some("a"))])).blob(&image.bytes)
    };
    let other = [b' '; 1].repeat(image.bytes.len());
    let files = || Files::layout(&listed(&image));
    let rows = [
        ("another content", files().file(&name, &other), "has the digest"),
        ("cut short", files().file(&name, &image.bytes[..10]), "only 10 bytes"),
        ("longer", files().file(&name, &[&image.bytes[..], b" "].concat()), "bytes, not"),
        ("empty", files().file(&name, b""), "only 0 bytes"),
        ("a TiB", files().sparse(&name, 1 << 40), "at least 1099511627776 bytes"),
        ("a size of 2^62", sized(1 << 62), "limit of 4194304 bytes"),
        ("a size of 2^64-1", sized(u64::MAX), "cannot"),
        ("a size of 0", sized(0), "bytes, not 0"),
    ];
    for (name, files, error) in rows {
        let layout = match Layout::open(files.path()).await {
            Ok(layout) => layout,
            Err(refused) => {
                // A strict reader may refuse such a size at once.
                expect::<(), _>(name, Err(refused), Some(error));
                continue;
            }
        };
        expect(name, layout.pull(&tagged(layout.repository(), "a")).await, Some(error));
        let by_digest = layout.pull(&pinned(&repository(), image.digest())).await;
        assert_eq!(by_digest.expect_err("another repository").code(), ErrorCode::NotFound);
    }
    let huge = Files::layout(&index(&[])).sparse(&name, 1 << 40);
    let layout = Layout::open(huge.path()).await.expect("a layout");
    expect(
        "by digest",
        layout.pull(&pinned(layout.repository(), image.digest())).await,
        Some("limit of 4194304 bytes"),
    );
}

#[tokio::test]
async fn deeply_nested_indexes_stop_a_copy() {
    let mut below = describe(INDEX, &index(&[]));
    let mut files = Files::empty().file("oci-layout", VERSION).blob(&index(&[]));
    for _ in 0..40 {
        let level = index(&[(&below, None), (&below, None)]);
        below = describe(INDEX, &level);
        files = files.blob(&level);
    }
    let files = files.file("index.json", &index(&[(&below, Some("deep"))]));
    let layout = Layout::open(files.path()).await.expect("a layout");
    let copied = copy(&layout, &tagged(layout.repository(), "deep"), &Memory::new(), &tagged(&repository(), "x")).await;
    expect("deep", copied, Some("more than 8 deep"));
}

#[tokio::test]
async fn damaged_referrers_are_errors() {
    let image = image();
    let signature = ImageBuilder::artifact("application/x.signature", &image).build();
    let files = Files::layout(&index(&[(&signature.descriptor, None)]))
        .file(&blob_name(signature.digest()), &[b' '; 1].repeat(signature.bytes.len()));
    let layout = Layout::open(files.path()).await.expect("a layout");
    expect("damaged", layout.referrers(layout.repository(), image.digest(), None).await, Some("has the digest"));
    let large = "x".repeat(3 << 20);
    let artifacts: Vec<Image> = ["1", "2"]
        .iter()
        .map(|n| ImageBuilder::artifact("application/x", &image).annotation("n", n).annotation("large", &large).build())
        .collect();
    let entries: Vec<_> = artifacts.iter().map(|artifact| (&artifact.descriptor, None)).collect();
    let files = artifacts.iter().fold(Files::layout(&index(&entries)), |files, artifact| files.blob(&artifact.bytes));
    let layout = Layout::open(files.path()).await.expect("a layout");
    expect(
        "too much",
        layout.referrers(layout.repository(), image.digest(), None).await,
        Some("limit of 4194304 bytes"),
    );
}

/// An archive that is built entry by entry.
struct Archive {
    directory: TempDir,
    bytes: Vec<u8>,
}

impl Archive {
    fn empty() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), bytes: Vec::new() }
    }

    fn layout(image: &Image) -> Self {
        Self::empty().file("oci-layout", VERSION).file("index.json", &listed(image))
    }

    /// Adds an entry with a given header.
    fn entry(mut self, name: &str, kind: EntryType, link: &str, size: u64, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        let place = &mut header.as_old_mut().name;
        place[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.entry(name, EntryType::Regular, "", bytes.len() as u64, bytes)
    }

    fn link(self, name: &str, kind: EntryType, to: &str) -> Self {
        self.entry(name, kind, to, 0, b"")
    }

    /// Adds an extension entry (`L` for a long name, `x` for extended attributes), followed by a file.
    fn file_of(self, kind: &str, content: &[u8]) -> Self {
        let kind = EntryType::new(kind.as_bytes()[0]);
        self.entry("extension", kind, "", content.len() as u64, content).file("x", b"")
    }

    fn write(&self, length: usize) -> PathBuf {
        let path = self.directory.path().join("app.tar");
        fs::write(&path, &self.bytes[..length]).expect("a file");
        path
    }

    fn path(&self) -> PathBuf {
        let path = self.write(self.bytes.len());
        let mut file = File::options().append(true).open(&path).expect("a file");
        file.write_all(&[0; 1024]).expect("the end of the archive");
        path
    }
}

#[tokio::test]
async fn archives_that_do_not_open() {
    let image = image();
    let name = blob_name(image.digest());
    let good = || Archive::layout(&image).file(&name, &image.bytes);
    let regular = EntryType::Regular;
    let many = || (0..70_000).fold(good(), |archive, n| archive.file(&format!("x{n}"), b""));
    let long = "x".repeat(3 << 20);
    let extended = format!("{} path={long}\n", long.len() + 14);
    let rows = [
        ("right", good(), None),
        ("a harmless entry more", good().file("README", b"text"), None),
        ("a link nobody asks for", good().link("x", EntryType::Symlink, "/etc/passwd"), None),
        ("a name that speaks to the terminal", good().file("../\u{1b}[2J", b""), Some(r"`../\u{1b}[2J`")),
        ("an absolute path", good().file("/etc/passwd", b""), Some("an absolute path: `/etc/passwd`")),
        ("an absolute blob", Archive::layout(&image).file(&format!("/{name}"), b""), Some("an absolute path")),
        ("a path that leads out", good().file("../x", b""), Some("leads out of it: `../x`")),
        ("a path that leads out later", good().file("a/../../x", b""), Some("leads out of it")),
        ("a blob's name twice", good().file(&name, &image.bytes), Some("twice")),
        ("a blob's name as ./ again", good().file(&format!("./{name}"), &image.bytes), Some("twice")),
        ("a blob, and a link of its name", good().link(&name, EntryType::Symlink, "x"), Some("twice")),
        ("the index twice", good().file("index.json", b"{}"), Some("the entry `index.json` twice")),
        ("a size beyond the end", good().entry("x", regular, "", 1 << 40, b""), Some("cannot open")),
        ("a size of 2^62", good().entry("x", regular, "", 1 << 62, b""), Some("cannot open")),
        ("a size of 2^64-1", good().entry("x", regular, "", u64::MAX, b""), Some("cannot open")),
        ("70000 entries", many(), Some("more than 65536 entries")),
        ("a name of 3 MiB", good().file_of("L", long.as_bytes()), Some("more than 1048576 bytes")),
        ("an extended name of 3 MiB", good().file_of("x", extended.as_bytes()), Some("more than 1048576 bytes")),
        ("no marker", Archive::empty().file("index.json", b"{}"), Some("there is no file `oci-layout`")),
        ("docker save", Archive::empty().file("manifest.json", b"[]"), Some("`docker save`")),
        ("nothing in it", Archive::empty(), Some("neither a directory nor a tar archive")),
    ];
    for (name, archive, error) in rows {
        let opened = Layout::open(archive.path()).await;
        if let Some(layout) = expect(name, opened, error) {
            layout.pull(&tagged(layout.repository(), "a")).await.expect(name);
        }
    }
}

#[tokio::test]
async fn archives_whose_blobs_are_links() {
    let image = image();
    let name = blob_name(image.digest());
    let rows = [
        ("a symbolic link", EntryType::Symlink, "/etc/passwd", "is a symbolic link"),
        ("a symbolic link within", EntryType::Symlink, "../../index.json", "is a symbolic link"),
        ("a hard link", EntryType::Link, "index.json", "is a hard link"),
        ("a FIFO", EntryType::Fifo, "", "is a named pipe"),
        ("a device", EntryType::Char, "", "is no plain file"),
        ("a sparse file", EntryType::GNUSparse, "", "cannot"),
    ];
    for (what, kind, to, error) in rows {
        let archive = Archive::layout(&image).link(&name, kind, to);
        let layout = match Layout::open(archive.path()).await {
            Ok(layout) => layout,
            Err(refused) => {
                expect::<(), _>(what, Err(refused), Some(error));
                continue;
            }
        };
        expect(what, layout.pull(&tagged(layout.repository(), "a")).await, Some(error));
        expect(what, fetch(&layout, layout.repository(), &image.descriptor, MANIFEST_LIMIT).await, Some(error));
    }
    for file in ["oci-layout", "index.json"] {
        let archive = Archive::empty().link(file, EntryType::Symlink, "x").file("y", b"");
        let archive = if file == "oci-layout" { archive } else { archive.file("oci-layout", VERSION) };
        expect(file, Layout::open(archive.path()).await, Some("is a symbolic link"));
    }
}

#[tokio::test]
async fn archives_truncated_anywhere() {
    let image = image();
    let archive = Archive::layout(&image).file(&blob_name(image.digest()), &image.bytes);
    for length in (0..archive.bytes.len()).step_by(64) {
        let pulled = match Layout::open(archive.write(length)).await {
            Ok(layout) => layout.pull(&tagged(layout.repository(), "a")).await.map(|answer| answer.value.bytes),
            Err(error) => Err(error),
        };
        // Only the padding of the last blob may be missing.
        if let Ok(bytes) = pulled {
            assert!(bytes == image.bytes && length > archive.bytes.len() - 512, "cut at {length}");
        }
    }
}

#[tokio::test]
async fn archives_with_any_byte_changed() {
    let image = image();
    let archive = Archive::layout(&image).file(&blob_name(image.digest()), &image.bytes);
    for (position, flip) in (0..archive.bytes.len()).step_by(5).zip([0x01, 0x80, 0xff, 0x20].into_iter().cycle()) {
        let mut changed = Archive { bytes: archive.bytes.clone(), ..Archive::empty() };
        changed.bytes[position] ^= flip;
        if let Ok(layout) = Layout::open(changed.path()).await
            && let Ok(answer) = layout.pull(&tagged(layout.repository(), "a")).await
        {
            assert_eq!(answer.value.bytes, image.bytes, "byte {position}");
        }
    }
}

#[tokio::test]
async fn opening_an_archive_reads_no_large_blob() {
    let image = image();
    let large = blob_name(&sha256(b"a layer of a TiB"));
    let archive = Archive::layout(&image).file(&blob_name(image.digest()), &image.bytes);
    let archive = archive.entry(&large, EntryType::Regular, "", 1 << 40, b"");
    let path = archive.path();
    let length = archive.bytes.len() as u64 + (1 << 40);
    File::options().write(true).open(&path).and_then(|file| file.set_len(length)).expect("a sparse file");
    let layout = Layout::open(&path).await.expect("a layout");
    layout.pull(&tagged(layout.repository(), "a")).await.expect("the manifest before it");
}

#[tokio::test]
async fn an_archive_that_shrinks_while_it_is_open() {
    let image = image();
    let archive = Archive::layout(&image).file(&blob_name(image.digest()), &image.bytes);
    let path = archive.path();
    let layout = Layout::open(&path).await.expect("a layout");
    File::options().write(true).open(&path).and_then(|file| file.set_len(2600)).expect("a shorter file");
    expect("shorter", layout.pull(&tagged(layout.repository(), "a")).await, Some("bytes too early"));
}

#[tokio::test]
async fn compressed_and_foreign_archives() {
    let rows: [(&str, &[u8], &str); 7] = [
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0", "compressed with gzip; unpack it first with `gunzip`"),
        ("zstd", b"\x28\xb5\x2f\xfd\0\0\0\0", "compressed with zstd; unpack it first with `unzstd`"),
        ("bzip2", b"BZh91AY", "compressed with bzip2"),
        ("xz", b"\xfd7zXZ\0\0", "compressed with xz"),
        ("nothing", b"", "neither a directory nor a tar archive"),
        ("text", b"FROM alpine\n", "tar archive"),
        ("zeros", &[0; 4096], "neither a directory nor a tar archive"),
    ];
    for (name, bytes, error) in rows {
        let files = Files::empty().file("x.tar", bytes);
        expect(name, Layout::open(files.path().join("x.tar")).await, Some(error));
    }
}

#[tokio::test]
async fn a_digest_of_another_algorithm_finds_nothing() {
    let image = image();
    let files = Files::layout(&listed(&image)).blob(&image.bytes);
    let layout = Layout::open(files.path()).await.expect("a layout");
    let other = refkit_content::verify::digest(refkit_oci::Algorithm::Sha512, &image.bytes);
    let error = layout.pull(&pinned(layout.repository(), &other)).await.expect_err("not there");
    assert_eq!(error.code(), ErrorCode::NotFound);
    assert_ne!(sha256(b""), other);
}
