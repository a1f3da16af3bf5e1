//! A layout that is read and written through one value, like a registry, and by other tools.

use std::path::Path;
use std::process::Command;

use refkit_content::copy::{Options, Referrers};
use refkit_content::{Discover, ErrorCode, Fetch, LayoutWriter, MANIFEST_LIMIT, Memory, Push, Source, copy, fetch};
use refkit_oci::Repository;
use refkit_support::image::{Image, ImageBuilder, IndexBuilder, MANIFEST};
use refkit_support::tool;

use crate::support::{Files, blob_name, body, describe, pinned, tagged};

const KIND: &str = "application/x.kind";

fn image(version: &str) -> Image {
    ImageBuilder::new("linux/amd64").label("version", version).file("x", version.as_bytes()).build()
}

/// A store that can be read and written.
trait Peer: Source + Push {}

impl<T: Source + Push> Peer for T {}

/// Performs all operations of a registry on a store.
async fn behaves(name: &str, peer: &dyn Peer, repository: &Repository) {
    let (one, two) = (image("1"), image("2"));
    let to = |tag: &str| tagged(repository, tag);
    assert_eq!(peer.resolve(&to("1")).await.expect_err(name).code(), ErrorCode::NotFound);
    assert!(!peer.has(repository, &one.descriptor).await.expect(name), "{name}");
    let config = &one.blobs()[0];
    peer.push_blob(repository, &config.0, body(&config.1)).await.expect(name);
    assert!(peer.has(repository, &config.0).await.expect(name), "{name}");
    assert_eq!(fetch(peer, repository, &config.0, MANIFEST_LIMIT).await.expect(name).value, config.1);
    assert!(!peer.has(repository, &one.descriptor).await.expect(name), "{name}");

    for tag in ["1", "latest"] {
        one.push(&Pushing(peer), &to(tag)).await.expect(name);
        assert_eq!(peer.resolve(&to(tag)).await.expect(name).value.digest, *one.digest(), "{name}");
    }
    assert!(peer.has(repository, &one.descriptor).await.expect(name), "{name}");
    two.push(&Pushing(peer), &to("latest")).await.expect(name);
    assert_eq!(peer.pull(&to("latest")).await.expect(name).value.bytes, two.bytes, "{name}: the tag has moved");
    assert_eq!(peer.tags(repository).await.expect(name).value, ["1", "latest"], "{name}");
    peer.pull(&pinned(repository, one.digest())).await.expect(name);

    for number in ["1", "2"] {
        assert_eq!(
            peer.referrers(repository, one.digest(), None).await.expect(name).value.len(),
            number.parse::<usize>().unwrap() - 1
        );
        let artifact = ImageBuilder::artifact(KIND, &one).annotation("number", number).build();
        assert!(!peer.has(repository, &artifact.descriptor).await.expect(name), "{name}");
        for _ in 0..2 {
            artifact.push(&Pushing(peer), &pinned(repository, artifact.digest())).await.expect(name);
        }
        assert!(peer.has(repository, &artifact.descriptor).await.expect(name), "{name}");
        let list = peer.referrers(repository, one.digest(), Some(KIND)).await.expect(name).value;
        let last = list.last().expect(name);
        assert_eq!((&last.digest, last.artifact_type.as_deref()), (artifact.digest(), Some(KIND)), "{name}");
        assert_eq!(last.annotations, [("number".to_owned(), number.to_owned())], "{name}");
    }
    assert_eq!(peer.tags(repository).await.expect(name).value, ["1", "latest"], "{name}: lists are no tags");
    let elsewhere = Repository::new("registry.test", "else").expect("a repository");
    let refused = peer.resolve(&tagged(&elsewhere, "1")).await.map(drop).map_err(|error| error.code());
    assert_eq!(refused, Err(refkit_oci::ErrorCode::NotFound), "{name}");
}

/// Makes a `dyn Peer` a `dyn Push`.
struct Pushing<'a>(&'a dyn Peer);

#[async_trait::async_trait]
impl Push for Pushing<'_> {
    async fn push_blob(
        &self,
        repository: &Repository,
        descriptor: &refkit_oci::Descriptor,
        body: refkit_content::Body,
    ) -> Result<(), refkit_content::Error> {
        self.0.push_blob(repository, descriptor, body).await
    }

    async fn push_manifest(
        &self,
        destination: &refkit_oci::Reference,
        media_type: &str,
        bytes: bytes::Bytes,
    ) -> Result<refkit_oci::Descriptor, refkit_content::Error> {
        self.0.push_manifest(destination, media_type, bytes).await
    }
}

#[tokio::test]
async fn stores_behave_alike() {
    let files = Files::empty();
    let writer = LayoutWriter::open(files.path()).await.expect("a layout");
    behaves("a layout", &writer, writer.repository()).await;
    behaves("memory", &Memory::new(), &crate::support::repository()).await;
}

#[tokio::test]
async fn a_manifest_counts_as_present_only_with_its_content() {
    let subject = image("subject");
    let artifact = ImageBuilder::artifact(KIND, &subject).build();
    type Break = fn(&Path, &Image);
    let rows: [(&str, Break, bool); 4] = [
        ("whole", |_, _| (), true),
        (
            "a blob is gone",
            |path, of| std::fs::remove_file(path.join(blob_name(&of.blobs()[0].0.digest))).unwrap(),
            false,
        ),
        (
            "a blob is short",
            |path, of| std::fs::write(path.join(blob_name(&of.blobs()[0].0.digest)), "").unwrap(),
            false,
        ),
        ("no entry", |path, _| std::fs::write(path.join("index.json"), crate::support::index(&[])).unwrap(), false),
    ];
    for (name, damage, wanted) in rows {
        let files = Files::empty();
        let writer = LayoutWriter::open(files.path()).await.expect("a layout");
        artifact.push(&writer, &pinned(writer.repository(), artifact.digest())).await.expect("a push");
        damage(&files.path(), &artifact);
        assert_eq!(writer.has(writer.repository(), &artifact.descriptor).await.expect(name), wanted, "{name}");
    }
    let files = Files::empty();
    let writer = LayoutWriter::open(files.path()).await.expect("a layout");
    let nonsense = describe(MANIFEST, b"nonsense");
    writer.push_blob(writer.repository(), &nonsense, body(b"nonsense")).await.expect("a push");
    assert!(!writer.has(writer.repository(), &nonsense).await.expect("an answer"));
}

#[tokio::test]
async fn a_layout_is_copied_into_another_with_its_referrers() {
    let (one, two) = (Files::empty(), Files::empty());
    let from = LayoutWriter::open(one.path()).await.expect("a layout");
    let to = LayoutWriter::open(two.path()).await.expect("a layout");
    let child = image("1");
    let index = IndexBuilder::new().add(child.clone()).add(image("2")).build();
    index.push(&from, &tagged(from.repository(), "1")).await.expect("a push");
    let artifacts: Vec<_> =
        ["1", "2", "3"].map(|number| ImageBuilder::artifact(KIND, &child).annotation("number", number).build()).into();
    for artifact in &artifacts {
        artifact.push(&from, &pinned(from.repository(), artifact.digest())).await.expect("a push");
    }
    let options = Options::default().referrers(Referrers::All);
    for _ in 0..2 {
        let (name, there) = (tagged(from.repository(), "1"), tagged(to.repository(), "1"));
        options.copy(&from, &name, &to, &there).await.expect("a copy");
        let found = to.referrers(to.repository(), child.digest(), None).await.expect("referrers").value;
        let digests: Vec<_> = found.iter().map(|of| &of.digest).collect();
        assert_eq!(digests, artifacts.iter().map(Image::digest).collect::<Vec<_>>(), "in the same order");
    }
    // A copy within the layout, which has all content.
    copy(&to, &tagged(to.repository(), "1"), &to, &tagged(to.repository(), "2")).await.expect("a copy");
    assert_eq!(to.tags(to.repository()).await.expect("tags").value, ["1", "2"]);
}

fn run(name: &str, arguments: &[&str], directory: &Path) -> String {
    let program = tool(name).expect("a tool");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env("HOME", directory)
        .output()
        .expect("a program that runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name} {arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[tokio::test]
async fn other_tools_read_and_write_referrers() {
    let files = Files::empty();
    let writer = LayoutWriter::open(files.path()).await.expect("a layout");
    let image = image("1");
    image.push(&writer, &tagged(writer.repository(), "1")).await.expect("a push");
    let artifact = ImageBuilder::artifact(KIND, &image).annotation("made-by", "us").build();
    artifact.push(&writer, &pinned(writer.repository(), artifact.digest())).await.expect("a push");
    let below = files.path().parent().expect("a directory").to_owned();
    let kinds = async || {
        let list = writer.referrers(writer.repository(), image.digest(), None).await.expect("referrers").value;
        let mut kinds: Vec<_> = list.into_iter().filter_map(|of| of.artifact_type).collect();
        kinds.sort();
        kinds
    };
    let regctl = run("regctl", &["artifact", "list", "ocidir://app:1", "--format", "{{json .Descriptors}}"], &below);
    let oras = run("oras", &["discover", "--oci-layout", "app:1", "--format", "json"], &below);
    for (tool, text) in [("regctl", regctl), ("oras", oras)] {
        for part in [artifact.digest().as_str(), KIND, "made-by"] {
            assert!(text.contains(part), "{tool}: {part} in {text}");
        }
    }
    std::fs::write(below.join("file"), "content").expect("a file");
    run("oras", &["attach", "--oci-layout", "app:1", "--artifact-type", "application/x.oras", "file"], &below);
    assert_eq!(kinds().await, [KIND, "application/x.oras"]);
    let put =
        ["artifact", "put", "--subject", "ocidir://app:1", "--artifact-type", "application/x.regctl", "-f", "file"];
    run("regctl", &put, &below);
    assert_eq!(kinds().await, [KIND, "application/x.oras", "application/x.regctl"]);
    // The entries of other tools are kept.
    let artifact = ImageBuilder::artifact("application/x.last", &image).build();
    artifact.push(&writer, &pinned(writer.repository(), artifact.digest())).await.expect("a push");
    assert_eq!(kinds().await, [KIND, "application/x.last", "application/x.oras", "application/x.regctl"]);
    let regctl = run("regctl", &["artifact", "list", "ocidir://app:1", "--format", "{{json .Descriptors}}"], &below);
    for kind in [KIND, "application/x.last", "application/x.regctl"] {
        assert!(regctl.contains(kind), "{kind} in {regctl}");
    }
    let open = writer.open(writer.repository(), &artifact.blobs()[0].0).await;
    open.expect("a blob");
}
