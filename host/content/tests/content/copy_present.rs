//! What a copy asks a destination that has all, a part, or nothing of it.

use std::sync::Arc;

use refkit_content::copy::{Options, Referrers};
use refkit_content::{LayoutWriter, Memory, Push, Resolve as _, Routed};
use refkit_oci::{ErrorCode, Repository};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder, attestation};

use crate::copy_destination::Destination;
use crate::support::{Counted, blob_name, pinned, repository, tagged};

fn mirror() -> Repository {
    Repository::new("mirror.test", "copy/of/app").expect("a repository")
}

fn image(name: &str) -> Image {
    ImageBuilder::new("linux/amd64").label("name", name).layer("a/b", name.to_owned()).build()
}

async fn filled(images: &[&Image]) -> Memory {
    let memory = Memory::new();
    for image in images {
        image.push(&memory, &tagged(&repository(), "1")).await.expect("a push");
    }
    memory
}

/// Returns the requests about manifests, with names in place of digests.
fn asked(to: &Destination, names: &[(&str, &Image)]) -> Vec<String> {
    let lines = to.lines().into_iter().filter(|line| !line.starts_with("blob ") && !line.starts_with("mount "));
    let shorten = |line: String| {
        let line = line.replace(&format!("{}:1", mirror()), "tag").replace(&format!("{}@", mirror()), "");
        names.iter().fold(line, |line, (name, image)| line.replace(image.digest().as_str(), name))
    };
    lines.map(shorten).collect()
}

#[tokio::test]
async fn the_first_image_and_the_root_tell_of_the_rest() {
    let (one, two) = (image("one"), image("two"));
    let about = attestation(&two);
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).add(about.clone()).build();
    let names = [("index", &index), ("one", &one), ("two", &two), ("about", &about)];
    // what the destination has, and under the tag; the requests about manifests; those to the source
    let nothing =
        ["tagged tag", "has one", "has two", "manifest one", "manifest two", "manifest about", "manifest tag"];
    for (name, there, tag, wanted, read) in [
        ("nothing", vec![], None, nothing.to_vec(), 10),
        ("all", vec![], Some(&index), vec!["tagged tag"], 1),
        ("all, under another tag", vec![&index], None, vec!["tagged tag", "has one", "has index", "manifest tag"], 1),
        (
            "another image under the tag",
            vec![&index],
            Some(&one),
            vec!["tagged tag", "has one", "has index", "manifest tag"],
            1,
        ),
        (
            "the first image",
            vec![&one],
            None,
            vec!["tagged tag", "has one", "has index", "has two", "manifest two", "manifest about", "manifest tag"],
            7,
        ),
        (
            "the second image",
            vec![&two],
            None,
            vec!["tagged tag", "has one", "has two", "has about", "manifest one", "manifest about", "manifest tag"],
            7,
        ),
    ] {
        let to = Destination::default();
        for image in there {
            image.push(&to.held, &pinned(&mirror(), image.digest())).await.expect("a push");
        }
        if let Some(image) = tag {
            image.push(&to.held, &tagged(&mirror(), "1")).await.expect("a push");
        }
        let (from, there) = (Counted::new(filled(&[&index]).await), tagged(&mirror(), "1"));
        let copied = Options::default().copy(&from, &tagged(&repository(), "1"), &to, &there).await.expect(name);
        assert_eq!((&copied.digest, copied.size), (index.digest(), index.descriptor.size), "{name}");
        let (mut asked, mut wanted) = (asked(&to, &names), wanted);
        assert_eq!((asked.first().map(String::as_str), from.asked()), (Some("tagged tag"), read), "{name}: {asked:?}");
        asked.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(asked, wanted, "{name}");
        assert_eq!(to.held.resolve(&there).await.expect(name).value.digest, copied.digest, "{name}");
    }
}

#[tokio::test]
async fn a_digest_is_asked_for_itself() {
    let (one, two) = (image("one"), image("two"));
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).build();
    let to = Destination::default();
    index.push(&to.held, &tagged(&mirror(), "other")).await.expect("a push");
    let there = pinned(&mirror(), index.digest());
    let from = filled(&[&index]).await;
    Options::default().copy(&from, &tagged(&repository(), "1"), &to, &there).await.expect("a copy");
    assert_eq!(asked(&to, &[("index", &index)]), ["has index"]);
}

/// A store in a store passes each question on.
#[tokio::test]
async fn a_wrapped_destination_is_asked_as_well() {
    let index = IndexBuilder::new().add(image("one")).build();
    let (from, to, there) = (filled(&[&index]).await, Destination::default(), tagged(&mirror(), "1"));
    index.push(&to.held, &there).await.expect("a push");
    let shared: Arc<dyn Push> = Arc::new(Arc::new(to.clone()));
    let nowhere: Arc<dyn Push> = Arc::new(Memory::new());
    let wrapped = Routed::new(nowhere).with(mirror(), shared);
    Options::default().copy(&from, &tagged(&repository(), "1"), &wrapped, &there).await.expect("a copy");
    assert_eq!(to.lines(), [format!("tagged {there}")]);
}

/// An index whose second image was not copied, or was deleted: only a thorough copy sends it.
#[tokio::test]
async fn a_thorough_copy_completes_what_is_sparse() {
    let (one, two) = (image("one"), image("two"));
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).build();
    let outer = IndexBuilder::new().add(index.clone().without_platform()).build();
    for root in [&index, &outer] {
        let to = Destination::default();
        one.push(&to.held, &pinned(&mirror(), one.digest())).await.expect("a push");
        to.held.insert(&pinned(&mirror(), index.digest()), &index.descriptor.media_type, index.bytes.clone());
        to.held.insert(&tagged(&mirror(), "1"), &root.descriptor.media_type, root.bytes.clone());
        let (from, there) = (filled(&[root]).await, tagged(&mirror(), "1"));
        for thorough in [false, true] {
            let options = Options::default().thorough(thorough);
            options.copy(&from, &tagged(&repository(), "1"), &to, &there).await.expect("a copy");
            let held = to.held.resolve(&pinned(&mirror(), two.digest())).await.map_err(|error| error.code());
            assert_eq!(held.map(drop), if thorough { Ok(()) } else { Err(ErrorCode::NotFound) });
        }
    }
}

/// A layout is on this machine: the copy finds what is missing by itself.
#[tokio::test]
async fn a_layout_is_completed_without_being_asked_to() {
    let (one, two) = (image("one"), image("two"));
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).build();
    let outer = IndexBuilder::new().add(index.clone().without_platform()).build();
    let directory = tempfile::tempdir().expect("a directory");
    let layout = LayoutWriter::open(directory.path()).await.expect("a layout");
    let there = tagged(layout.repository(), "1");
    let from = Counted::new(filled(&[&outer]).await);
    let copy = async || Options::default().copy(&from, &tagged(&repository(), "1"), &layout, &there).await;
    copy().await.expect("a copy");
    from.asked();
    copy().await.expect("a copy");
    // The root, and the index in it.
    assert_eq!(from.asked(), 2);
    for lost in [two.digest(), &two.blobs()[1].0.digest] {
        let path = directory.path().join(blob_name(lost));
        std::fs::remove_file(&path).expect("it is there");
        copy().await.expect("a copy");
        assert!(path.exists(), "{lost}");
    }
}

#[tokio::test]
async fn new_referrers_come_to_where_the_tag_names_the_root() {
    let (one, two) = (image("one"), image("two"));
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).build();
    let outer = IndexBuilder::new().add(index.clone().without_platform()).build();
    let referrers = [&two, &index, &outer].map(|of| ImageBuilder::artifact("application/x.sbom", of).build());
    let from = filled(&[&outer]).await;
    for referrer in &referrers {
        referrer.push(&from, &pinned(&repository(), referrer.digest())).await.expect("a push");
    }
    let (to, there) = (Destination::default(), tagged(&mirror(), "1"));
    outer.push(&to.held, &there).await.expect("a push");
    let options = Options::default().referrers(Referrers::All);
    options.copy(&from, &tagged(&repository(), "1"), &to, &there).await.expect("a copy");
    let names = [("of two", &referrers[0]), ("of index", &referrers[1]), ("of outer", &referrers[2])];
    let (mut asked, mut wanted) = (asked(&to, &names), vec!["tagged tag".to_owned()]);
    wanted.extend(names.iter().flat_map(|(name, _)| [format!("has {name}"), format!("manifest {name}")]));
    asked.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(asked, wanted);
}

/// Attestations that name each other, as no builder writes them.
#[tokio::test]
async fn attestations_in_a_circle_are_copied() {
    let note = |image: Image, of: &Image| {
        let image = image.listed_with("vnd.docker.reference.digest", of.digest().as_str());
        image.listed_with("vnd.docker.reference.type", "attestation-manifest")
    };
    let (one, two) = (image("one"), image("two"));
    let index = IndexBuilder::new().add(note(one.clone(), &two)).add(note(two.clone(), &one)).build();
    let (from, to) = (filled(&[&index]).await, Destination::default());
    let copy = Options::default().copy(&from, &tagged(&repository(), "1"), &to, &tagged(&mirror(), "1")).await;
    assert_eq!(&copy.expect("a copy").digest, index.digest());
}
