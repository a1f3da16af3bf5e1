//! Writing layouts: atomically, concurrently, and without changes to foreign entries and fields.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use futures_util::future::try_join_all;
use refkit_content::{
    Body, Discover, Error, ErrorCode, ErrorKind, Layout, LayoutWriter, MANIFEST_LIMIT, Memory, Operation, Origin, Push,
    Resolve, fetch,
};
use refkit_support::image::{INDEX, Image, ImageBuilder, IndexBuilder, MANIFEST};

use crate::support::{
    Counted, Files, VERSION, blob_name, body, describe, expect, index, pinned, repository, sha256, tagged,
};

fn image(version: &str) -> Image {
    ImageBuilder::new("linux/amd64").label("version", version).file("x", version.as_bytes()).build()
}

/// Returns the entries of a layout, by digest and name.
async fn entries(path: &Path) -> Vec<(String, Vec<String>)> {
    let layout = Layout::open(path).await.expect("a layout");
    let entries = layout.entries().iter();
    entries.map(|entry| (entry.descriptor.digest.to_string(), entry.tags.clone())).collect()
}

/// Checks that the directory has only the files of a layout.
fn is_clean(path: &Path) {
    let names: BTreeSet<_> =
        fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry").file_name()).collect();
    let allowed: BTreeSet<_> = ["blobs", "index.json", "oci-layout"].into_iter().map(Into::into).collect();
    assert!(names.is_subset(&allowed), "{names:?}");
}

#[tokio::test]
async fn tags_move_and_children_are_listed_by_their_parents() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("new/app");
    let writer = LayoutWriter::open(&path).await.expect("a layout");
    let to = |tag: &str| tagged(writer.repository(), tag);
    let (one, two) = (image("1"), image("2"));
    let entry = |image: &Image, names: &[&str]| {
        (image.digest().to_string(), names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    };

    one.push(&writer, &to("1")).await.expect("a push");
    one.push(&writer, &to("latest")).await.expect("a push");
    one.push(&writer, &to("1")).await.expect("the same again");
    assert_eq!(entries(&path).await, [entry(&one, &["1"]), entry(&one, &["latest"])]);

    two.push(&writer, &to("latest")).await.expect("a push");
    assert_eq!(entries(&path).await, [entry(&one, &["1"]), entry(&two, &["latest"])]);

    let three = image("3");
    three.push(&writer, &pinned(writer.repository(), three.digest())).await.expect("a push");
    assert_eq!(entries(&path).await.last(), Some(&entry(&three, &[])));
    let signature = ImageBuilder::artifact("application/x.signature", &three).build();
    signature.push(&writer, &pinned(writer.repository(), signature.digest())).await.expect("a push");
    let list = IndexBuilder::new().add(three.clone()).add(two.clone()).add(signature.clone()).build();
    list.push(&writer, &to("list")).await.expect("a push");
    // The list leads to the third manifest now. The second one keeps its name, and the signature its entry and its
    // position in the list of its subject's referrers.
    let wanted = [entry(&one, &["1"]), entry(&two, &["latest"]), entry(&signature, &[]), entry(&list, &["list"])];
    let mut found = entries(&path).await;
    assert_eq!(found.remove(3).1, [format!("sha256-{}", three.digest().hex())]);
    assert_eq!(found, wanted);

    three.push(&writer, &pinned(writer.repository(), three.digest())).await.expect("a push");
    three.push(&writer, &to("3")).await.expect("a push");
    assert_eq!(entries(&path).await.last(), Some(&entry(&three, &["3"])));
    assert_eq!(entries(&path).await.len(), 6, "the entry without a name is gone");

    let layout = Layout::open(&path).await.expect("a layout");
    let found = layout.referrers(layout.repository(), three.digest(), None).await.expect("referrers").value;
    assert_eq!(found.len(), 1);
    is_clean(&path);
}

#[tokio::test]
async fn foreign_entries_and_fields_stay() {
    let (old, new) = (image("old"), image("new"));
    let of = &old.descriptor;
    let entry = format!(r#""mediaType":"{}","digest":"{}","size":{}"#, of.media_type, of.digest, of.size);
    let index = format!(
        r#"{{"schemaVersion":2,"x-number":1.0e2,"manifests":[
        {{{entry},"x-own":{{"b":1,"a":[2.50]}},"annotations":{{"org.opencontainers.image.ref.name":"a",
        "io.containerd.image.name":"docker.io/library/app:b","keep":"me"}}}}],"annotations":{{"of":"the index"}}}}"#
    );
    let files = old.blobs().iter().fold(Files::layout(index.as_bytes()), |files, (_, bytes)| files.blob(bytes));
    let files = files.blob(&old.bytes).file("README", b"ours");
    let writer = LayoutWriter::open(files.path()).await.expect("a layout");
    new.push(&writer, &tagged(writer.repository(), "a")).await.expect("a push");
    // The old entry loses its name, and a new one follows it, on a line of its own.
    let of = &new.descriptor;
    let added = format!(
        "}}}},\n        {{\"mediaType\":\"{}\",\"digest\":\"{}\",\"size\":{},\
         \"annotations\":{{\"org.opencontainers.image.ref.name\":\"a\"}}}}]",
        of.media_type, of.digest, of.size
    );
    let wanted = index.replace(r#""org.opencontainers.image.ref.name":"a","#, "").replace("}}]", &added);
    assert_eq!(fs::read_to_string(files.path().join("index.json")).expect("a file"), wanted);
    let names = |image: &Image, tag: &str| (image.digest().to_string(), vec![tag.to_owned()]);
    assert_eq!(entries(&files.path()).await, [names(&old, "b"), names(&new, "a")]);
    new.push(&writer, &tagged(writer.repository(), "b")).await.expect("a push");
    assert_eq!(entries(&files.path()).await, [names(&new, "a"), names(&new, "b")]);
    assert_eq!(fs::read(files.path().join("README")).expect("a file"), b"ours");
}

#[tokio::test]
async fn wrong_content_leaves_nothing_behind() {
    let broken = || {
        let error = Error::new(Operation::Fetch, "x", ErrorKind::Unavailable("the connection broke".to_owned()));
        let pieces = vec![Ok(Bytes::from_static(b"cont")), Err(error)];
        Body { origin: Origin::Memory, stream: Box::pin(futures_util::stream::iter(pieces)) }
    };
    let rows = [
        ("right", body(b"content"), None),
        ("short", body(b"conten"), Some("only 6 bytes")),
        ("long", body(b"content!"), Some("at least 8 bytes")),
        ("another", body(b"contend"), Some("has the digest")),
        ("broken", broken(), Some("the connection broke")),
    ];
    for (name, body, error) in rows {
        let files = Files::empty();
        let writer = LayoutWriter::open(files.path()).await.expect(name);
        let descriptor = describe("application/octet-stream", b"content");
        expect(name, writer.push_blob(writer.repository(), &descriptor, body).await, error);
        is_clean(&files.path());
        assert_eq!(files.path().join(blob_name(&descriptor.digest)).exists(), error.is_none(), "{name}");
    }
}

#[tokio::test]
async fn a_manifest_is_checked_before_it_is_listed() {
    let image = image("1");
    let other = IndexBuilder::new().add(self::image("not there")).build();
    let rows = [
        ("right", MANIFEST, image.bytes.to_vec(), None, None),
        ("another digest", MANIFEST, image.bytes.to_vec(), Some(sha256(b"x")), Some("has the digest")),
        ("a child that is not there", INDEX, other.bytes.to_vec(), None, Some("which is absent")),
        ("no manifest", MANIFEST, b"{}".to_vec(), None, Some("cannot push")),
        ("too large", MANIFEST, vec![b' '; MANIFEST_LIMIT as usize + 1], None, Some("limit of 4194304 bytes")),
    ];
    for (name, media_type, bytes, digest, error) in rows {
        let files = Files::empty();
        let writer = LayoutWriter::open(files.path()).await.expect(name);
        for (descriptor, bytes) in image.blobs() {
            writer.push_blob(writer.repository(), descriptor, body(bytes)).await.expect(name);
        }
        let to = digest.map_or(tagged(writer.repository(), "t"), |digest| pinned(writer.repository(), &digest));
        let blob = files.path().join(blob_name(&sha256(&bytes)));
        expect(name, writer.push_manifest(&to, media_type, Bytes::from(bytes)).await, error);
        assert_eq!(blob.exists(), error.is_none(), "{name}");
        assert_eq!(entries(&files.path()).await.len(), usize::from(error.is_none()), "{name}");
        is_clean(&files.path());
    }
}

#[tokio::test]
async fn present_content_is_not_sent_and_truncated_content_is_repaired() {
    let files = Files::empty();
    let writer = LayoutWriter::open(files.path()).await.expect("a layout");
    let descriptor = describe("application/octet-stream", b"content");
    let untouchable = || {
        let never = futures_util::stream::poll_fn(|_| panic!("nobody should ask for this"));
        Body { origin: Origin::Memory, stream: Box::pin(never) }
    };
    let push = |body| writer.push_blob(writer.repository(), &descriptor, body);
    push(body(b"content")).await.expect("a push");
    push(untouchable()).await.expect("a push of what is there");
    fs::write(files.path().join(blob_name(&descriptor.digest)), b"cont").expect("damage");
    push(body(b"content")).await.expect("a push");
    let layout = Layout::open(files.path()).await.expect("a layout");
    fetch(&layout, layout.repository(), &descriptor, MANIFEST_LIMIT).await.expect("it is whole again");
}

/// Files of the right size with other bytes, as a broken disk leaves them: the copy reads what is there, and replaces it.
#[tokio::test]
async fn damaged_content_of_the_right_size_is_replaced() {
    let child = image("1");
    let index = IndexBuilder::new().add(child.clone()).build();
    let source = Memory::new();
    index.push(&source, &tagged(&repository(), "1")).await.expect("a push");
    let files = Files::empty();
    let copy = async || {
        // Each copy is a run of its own.
        let writer = LayoutWriter::open(files.path()).await.expect("a layout");
        let (from, there) = (Counted::new(source.clone()), tagged(writer.repository(), "1"));
        refkit_content::copy(&from, &tagged(&repository(), "1"), &writer, &there).await.expect("a copy");
        from.asked()
    };
    copy().await;
    assert_eq!(copy().await, 1, "only the root is read of what is intact");
    let blobs = child.blobs().iter().map(|(blob, bytes)| (&blob.digest, bytes));
    for (digest, bytes) in blobs.chain([(child.digest(), &child.bytes), (index.digest(), &index.bytes)]) {
        let path = files.path().join(blob_name(digest));
        let mut damaged = bytes.to_vec();
        damaged[0] ^= 1;
        fs::write(&path, damaged).expect("damage");
        copy().await;
        assert_eq!(fs::read(&path).expect("a file"), *bytes, "{digest}");
    }
    is_clean(&files.path());
}

#[tokio::test]
async fn several_writers_lose_nothing() {
    let files = Files::empty();
    let writers = try_join_all((0..4).map(|_| LayoutWriter::open(files.path()))).await.expect("four writers");
    let tags: Vec<String> = (0..24).map(|number| format!("tag-{number}")).collect();
    let images: Vec<Image> = tags.iter().map(|tag| image(tag)).collect();
    let targets: Vec<_> = tags.iter().map(|tag| tagged(writers[0].repository(), tag)).collect();
    let pushes = images.iter().zip(&targets).enumerate();
    try_join_all(pushes.map(|(n, (image, to))| image.push(&writers[n % writers.len()], to)))
        .await
        .expect("all of them");
    let layout = Layout::open(files.path()).await.expect("a layout");
    assert_eq!(layout.names().into_iter().collect::<BTreeSet<_>>(), tags.iter().map(String::as_str).collect());
    for to in &targets {
        layout.pull(to).await.expect("a manifest");
    }
    is_clean(&files.path());
}

#[tokio::test]
async fn only_a_layout_directory_is_written_into() {
    let rows = [
        ("nothing", Files::empty(), None),
        ("an empty directory", Files::empty().subdirectory(""), None),
        ("a layout", Files::layout(&index(&[])), None),
        ("a layout without an index", Files::empty().file("oci-layout", VERSION), None),
        ("a directory of something else", Files::empty().file("main.rs", b""), Some("but not an image layout")),
        ("another version", Files::empty().file("oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#), Some("\"2.0.0\"")),
        ("a link as the marker", Files::empty().link("oci-layout", "/etc/passwd"), Some("is a symbolic link")),
        ("a FIFO as the index", Files::empty().file("oci-layout", VERSION).fifo("index.json"), Some("a named pipe")),
    ];
    for (name, files, error) in rows {
        expect(name, LayoutWriter::open(files.path()).await, error);
    }
    let file = Files::empty().file("archive.tar", b"x");
    expect("a file", LayoutWriter::open(file.path().join("archive.tar")).await, Some("it is not a directory"));
    expect("below a file", LayoutWriter::open(file.path().join("archive.tar/x")).await, Some("it is not a directory"));
    let other = Files::empty();
    let writer = LayoutWriter::open(other.path()).await.expect("a layout");
    let error = image("1").push(&writer, &tagged(&repository(), "1")).await.expect_err("another repository");
    assert_eq!(error.code(), ErrorCode::Invalid);
    assert!(error.to_string().contains("this layout is the repository oci-layout/app"), "{error}");
}

#[tokio::test]
async fn nothing_is_written_through_links() {
    let outside = tempfile::tempdir().expect("a directory");
    let descriptor = describe("application/octet-stream", b"content");
    let name = blob_name(&descriptor.digest);
    let rows = [
        ("the directory of all blobs", "blobs".to_owned(), Some("links are not followed")),
        ("the algorithm's directory", "blobs/sha256".to_owned(), Some("links are not followed")),
        ("the blob", name, Some("is a symbolic link")),
    ];
    for (what, place, error) in rows {
        let files = Files::layout(&index(&[])).link(&place, outside.path());
        let writer = LayoutWriter::open(files.path()).await.expect("a layout");
        expect(what, writer.push_blob(writer.repository(), &descriptor, body(b"content")).await, error);
    }
    assert_eq!(fs::read_dir(outside.path()).expect("a directory").count(), 0);
}

#[tokio::test]
async fn a_planned_layout_is_created_by_its_first_push() {
    let directory = tempfile::tempdir().expect("a directory");
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).expect("a directory");
    for path in [directory.path().join("new/app"), empty] {
        let writer = LayoutWriter::planned(&path).await.expect("nothing is there");
        let (to, one) = (tagged(writer.repository(), "1"), image("1"));
        assert!(!writer.has(writer.repository(), &one.descriptor).await.expect("an answer"));
        assert!(writer.resolve(&to).await.is_err());
        assert!(!path.join("oci-layout").exists());
        one.push(&writer, &to).await.expect("a push");
        assert_eq!(writer.resolve(&to).await.expect("a manifest").value.digest, *one.digest());
        assert!(
            LayoutWriter::planned(&path).await.expect("a layout").has(to.repository(), &one.descriptor).await.unwrap()
        );
        is_clean(&path);
    }
    let file = directory.path().join("file");
    fs::write(&file, "x").expect("a file");
    let foreign = directory.path().join("foreign");
    fs::create_dir(&foreign).expect("a directory");
    fs::write(foreign.join("x"), "x").expect("a file");
    for (path, part) in
        [(file.join("below"), "not a directory"), (file, "not a directory"), (foreign, "not an image layout")]
    {
        let error = LayoutWriter::planned(&path).await.expect_err("no layout can be there").to_string();
        assert!(error.contains(part), "{error}");
    }
}
