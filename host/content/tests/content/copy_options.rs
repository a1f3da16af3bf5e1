//! Copies with concurrency, mounts, retries, referrers and progress.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use refkit_content::copy::{Options, Referrers, Side, Step};
use refkit_content::{
    Body, Content, Discover, Error, ErrorKind, Fetch, Memory, Operation, Origin, Push as _, Resolve, WithOrigin, copy,
};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};

use crate::copy_destination::Destination;
use crate::support::{Counted, expect, pinned, repository, tagged};

fn other_registry() -> Repository {
    Repository::new("mirror.test", "copy/of/app").expect("a repository")
}

fn other_repository() -> Repository {
    Repository::new("registry.test", "copy/of/app").expect("a repository")
}

/// Returns an image with a config and layers that no other image has.
fn image(name: &str, layers: usize) -> Image {
    let builder = ImageBuilder::new("linux/amd64").label("name", name);
    (0..layers).fold(builder, |of, n| of.layer("application/x.layer", format!("{name} {n}"))).build()
}

async fn filled(images: &[&Image]) -> Memory {
    let memory = Memory::new();
    for image in images {
        image.push(&memory, &pinned(&repository(), image.digest())).await.expect("a push");
    }
    memory
}

#[tokio::test]
async fn blobs_of_all_manifests_share_one_bound() {
    let images: Vec<Image> = (0..6).map(|n| image(&n.to_string(), 2)).collect();
    let index = images.into_iter().fold(IndexBuilder::new(), IndexBuilder::add).build();
    let from = filled(&[&index]).await;
    for bound in [1, 2, 4, 7] {
        let to = Destination::default();
        let options = if bound == 4 { Options::default() } else { Options::default().blobs_at_once(bound) };
        let there = tagged(&other_registry(), "t");
        options.copy(&from, &pinned(&repository(), index.digest()), &to, &there).await.expect("a copy");
        assert_eq!(to.pushes(), (bound, 18, 0), "bound {bound}");
        assert_eq!(to.lines().last(), Some(&format!("manifest {there}")), "the tag comes last");
    }
}

#[tokio::test]
async fn a_blob_of_two_manifests_is_sent_once_and_waited_for() {
    let with = |name: &str| ImageBuilder::new("linux/amd64").label("name", name).layer("a/b", "shared").build();
    let index = IndexBuilder::new().add(with("one")).add(with("two")).build();
    // With a limit of one, the copy has sent all other blobs of the second manifest before the layer.
    for bound in [1, 4] {
        let (from, to) = (Counted::new(filled(&[&index]).await), Destination::default());
        let (name, there) = (pinned(&repository(), index.digest()), tagged(&other_registry(), "t"));
        // The store refuses a manifest whose blobs are not there.
        Options::default().blobs_at_once(bound).copy(&from, &name, &to, &there).await.expect("a copy");
        assert_eq!(to.lines().iter().filter(|line| line.starts_with("blob ")).count(), 3);
        // Three documents, two configs, one layer.
        assert_eq!(from.asked(), 6);
    }
}

#[tokio::test]
async fn a_present_manifest_proves_its_blobs() {
    let (one, two) = (image("one", 1), image("two", 1));
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).build();
    // options; requests to the source: the root, the second manifest and its two blobs, and the first manifest
    for (name, options, asked) in
        [("as usual", Options::default(), 4), ("thorough", Options::default().thorough(true), 5)]
    {
        let from = Counted::new(filled(&[&index]).await);
        let to = Destination::default();
        one.push(&to.held, &pinned(&other_registry(), one.digest())).await.expect("a push");
        let there = tagged(&other_registry(), "t");
        options.copy(&from, &pinned(&repository(), index.digest()), &to, &there).await.expect(name);
        assert_eq!(from.asked(), asked, "{name}");
    }
    // The copy writes nothing if the destination has everything and no tag is requested.
    let to = Destination::default();
    one.push(&to.held, &pinned(&other_registry(), one.digest())).await.expect("a push");
    let (from, there) = (filled(&[&one]).await, pinned(&other_registry(), one.digest()));
    let copied = copy(&from, &pinned(&repository(), one.digest()), &to, &there).await.expect("a copy");
    assert_eq!((&copied.digest, copied.size), (one.digest(), one.descriptor.size));
    assert_eq!(to.lines(), [format!("has {}", one.digest())]);
}

#[tokio::test]
async fn blobs_are_mounted_where_the_destination_mounts() {
    let image = image("x", 3);
    let unavailable = || Err(ErrorKind::Unavailable("status 500".to_owned()));
    let malformed = || Err(ErrorKind::Malformed("another digest".to_owned()));
    // the destination, its responses; attempted mounts, pushed blobs, the error
    let rows = [
        ("it mounts", other_repository(), vec![], 4, 0, None),
        ("it does not", other_repository(), vec![Ok(false)], 1, 4, None),
        ("it breaks", other_repository(), vec![unavailable()], 1, 4, None),
        ("it lies", other_repository(), vec![malformed()], 1, 0, Some("another digest")),
        ("another registry", other_registry(), vec![], 1, 4, None),
    ];
    for (name, repository, answers, mounts, pushes, error) in rows {
        let from = filled(&[&image]).await;
        // Source and destination are one store, so that it can mount.
        let to = Destination::over(from.clone()).mounts(answers);
        let source = Counted::new(from);
        let there = tagged(&repository, "t");
        let copied = copy(&source, &pinned(&self::repository(), image.digest()), &to, &there).await;
        expect(name, copied, error);
        let lines = to.lines();
        let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!((count("mount "), count("blob ")), (mounts, pushes), "{name}: {lines:?}");
        assert_eq!(source.asked(), 1 + pushes, "{name}");
    }
    // A destination that says that it has mounted what it lacks. The thorough copy finds out, and sends it.
    for (thorough, sent) in [(false, 0), (true, 4)] {
        let from = filled(&[&image]).await;
        let to = Destination::default().mounts((0..4).map(|_| Ok(true)));
        let options = Options::default().thorough(thorough);
        let there = tagged(&other_repository(), "t");
        let copied = options.copy(&from, &pinned(&repository(), image.digest()), &to, &there).await;
        assert_eq!(copied.is_ok(), thorough, "this destination looks for the blobs of a manifest");
        let lines = to.lines();
        assert_eq!(lines.iter().filter(|line| line.starts_with("blob ")).count(), sent, "{lines:?}");
    }
    // Another tag in the same repository.
    let from = filled(&[&image]).await;
    let to = Destination::over(from.clone());
    copy(&from, &pinned(&repository(), image.digest()), &to, &tagged(&repository(), "t")).await.expect("a copy");
    let there = tagged(&repository(), "t");
    let wanted = [format!("tagged {there}"), format!("has {}", image.digest()), format!("manifest {there}")];
    assert_eq!(to.lines(), wanted);
}

#[tokio::test]
async fn a_blob_is_sent_again_after_the_destination_breaks() {
    let image = image("x", 0);
    let unavailable = || ErrorKind::Unavailable("status 502".to_owned());
    let timeout = || ErrorKind::Timeout(Duration::from_secs(1));
    let limited = || ErrorKind::RateLimited { said: String::new(), retry_after: Some(Duration::ZERO) };
    let long = || ErrorKind::RateLimited { said: String::new(), retry_after: Some(Duration::from_secs(3600)) };
    // the destination's errors, how often the source opens the blob, the error
    let rows = [
        ("nothing", vec![], 1, None),
        ("unavailable", vec![unavailable()], 2, None),
        ("a timeout, then limited", vec![timeout(), limited()], 3, None),
        ("three times", vec![unavailable(), unavailable(), unavailable()], 3, Some("status 502")),
        ("two timeouts", vec![timeout(), timeout()], 2, Some("no answer")),
        ("limited for an hour", vec![long()], 1, Some("limits requests")),
        ("forbidden", vec![ErrorKind::Forbidden("no".to_owned())], 1, Some("forbidden: no")),
        ("malformed", vec![ErrorKind::Malformed("what?".to_owned())], 1, Some("what?")),
    ];
    for (name, kinds, opened, error) in rows {
        let source = Counted::new(filled(&[&image]).await);
        let to = Destination::default().fail(kinds);
        let copied = copy(&source, &pinned(&repository(), image.digest()), &to, &tagged(&other_registry(), "t")).await;
        expect(name, copied, error);
        assert_eq!(source.asked(), 1 + opened, "{name}");
    }
}

/// A store whose blobs break or stall.
#[derive(Clone)]
struct Broken {
    held: Memory,
    breaks: Digest,
    stops: Option<Digest>,
}

#[async_trait]
impl Resolve for Broken {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.held.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.held.pull(reference).await
    }
}

#[async_trait]
impl Fetch for Broken {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let first = stream::iter([Ok(Bytes::from_static(b"x"))]);
        if descriptor.digest == self.breaks {
            let error = Error::new(Operation::Fetch, "a blob", ErrorKind::Unavailable("the source broke".to_owned()));
            return Ok(Body { origin: Origin::Memory, stream: first.chain(stream::iter([Err(error)])).boxed() });
        }
        if Some(&descriptor.digest) == self.stops.as_ref() {
            return Ok(Body { origin: Origin::Memory, stream: first.chain(stream::pending()).boxed() });
        }
        self.held.open(repository, descriptor).await
    }
}

#[async_trait]
impl Discover for Broken {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.held.tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        self.held.referrers(repository, subject, artifact_type).await
    }
}

#[tokio::test]
async fn a_broken_source_ends_the_copy_without_truncated_content() {
    let image = image("x", 3);
    let blob = |n: usize| image.blobs()[n].0.digest.clone();
    for stops in [None, Some(blob(2))] {
        let held = filled(&[&image]).await;
        let source = Broken { held, breaks: blob(1), stops: stops.clone() };
        let to = Destination::default();
        let (from, there) = (pinned(&repository(), image.digest()), tagged(&other_registry(), "t"));
        let copied = copy(&source, &from, &to, &there);
        // A stalled body must not delay the end.
        let copied = tokio::time::timeout(Duration::from_secs(30), copied).await.expect("an end");
        expect("broken", copied, Some("the source broke"));
        let (_, begun, under_way) = to.pushes();
        assert_eq!(under_way, 0, "every push that was begun has come to its end");
        assert_eq!(begun, 4, "and none was begun twice");
        let left = to.held.resolve(&there).await.map(drop).map_err(|error| error.code());
        assert_eq!(left, Err(refkit_oci::ErrorCode::NotFound));
    }
}

#[tokio::test]
async fn the_error_names_the_side_that_failed() {
    let image = image("x", 1);
    let (from, there) = (pinned(&repository(), image.digest()), tagged(&other_registry(), "t"));
    let held = filled(&[&image]).await;
    let blob = || image.blobs()[1].0.digest.clone();
    let source = |breaks, stops| Broken { held: held.clone(), breaks, stops };
    let (whole, broken) = (source(from.digest().cloned().expect("a digest"), None), source(blob(), None));
    let forbidden = || Destination::default().fail([ErrorKind::Forbidden("no".to_owned())]);
    let lies = || Destination::default().mounts([Err(ErrorKind::Malformed("another digest".to_owned()))]);
    let rows = [
        (
            "the source has nothing",
            Broken { held: Memory::new(), ..whole.clone() },
            Destination::default(),
            &there,
            Side::Source,
        ),
        ("a body breaks", broken, Destination::default(), &there, Side::Source),
        ("a push is forbidden", whole.clone(), forbidden(), &there, Side::Destination),
        ("a mount lies", whole.clone(), lies(), &tagged(&other_repository(), "t"), Side::Destination),
        (
            "the tag has another digest",
            whole,
            Destination::default(),
            &pinned(&other_registry(), &blob()),
            Side::Destination,
        ),
    ];
    for (name, source, to, there, side) in rows {
        let failed = copy(&source, &from, &to, there).await.expect_err(name);
        assert_eq!(failed.side, side, "{name}: {failed}");
        assert_eq!(Error::from(failed.clone()).to_string(), failed.to_string(), "{name}");
    }
}

#[tokio::test]
async fn progress_is_reported() {
    let image = ImageBuilder::new("linux/amd64").layer("a/b", "0123456789").layer("a/b", "there").build();
    let (from, to) = (filled(&[&image]).await, Destination::default());
    let blobs = image.blobs();
    let there = &blobs[2];
    let body = Body::from_bytes(Origin::Memory, there.1.clone());
    to.held.push_blob(&other_registry(), &there.0, body).await.expect("a push");
    let told = Arc::new(Mutex::new(BTreeMap::<Digest, Vec<Step>>::new()));
    let note = Arc::clone(&told);
    let options = Options::default()
        .blobs_at_once(1)
        .progress(move |of, step| note.lock().entry(of.digest.clone()).or_default().push(step));
    // The config breaks once.
    let to = to.fail([ErrorKind::Unavailable("once".to_owned())]);
    let target = tagged(&other_registry(), "t");
    options.copy(&from, &pinned(&repository(), image.digest()), &to, &target).await.expect("a copy");
    let size = blobs[0].0.size;
    let wanted = [
        (
            &blobs[0].0,
            vec![Step::Started, Step::Bytes(size), Step::Again, Step::Started, Step::Bytes(size), Step::Done],
        ),
        (&blobs[1].0, vec![Step::Started, Step::Bytes(10), Step::Done]),
        (&there.0, vec![Step::Present]),
        (&image.descriptor, vec![Step::Done]),
    ];
    let wanted = wanted.into_iter().map(|(of, steps)| (of.digest.clone(), steps)).collect();
    assert_eq!(*told.lock(), wanted);
    told.lock().clear();
    let target = pinned(&other_registry(), image.digest());
    options.copy(&from, &pinned(&repository(), image.digest()), &to, &target).await.expect("a copy");
    assert_eq!(*told.lock(), [(image.digest().clone(), vec![Step::Present])].into());
}

fn artifact(kind: &str, number: usize, of: &Image) -> Image {
    ImageBuilder::artifact(kind, of)
        .annotation("number", &number.to_string())
        .layer("a/b", format!("{kind} {number}"))
        .build()
}

const SBOM: &str = "application/x.sbom";
const SIGNATURE: &str = "application/x.signature";

#[tokio::test]
async fn referrers_of_referrers_are_copied() {
    let child = image("x", 1);
    let index = IndexBuilder::new().add(child.clone()).build();
    let sbom = artifact(SBOM, 0, &child);
    let signatures = [artifact(SIGNATURE, 1, &index), artifact(SIGNATURE, 2, &index)];
    let of_sbom = artifact(SIGNATURE, 3, &sbom);
    let about = IndexBuilder::new().about(SBOM, &index).add(image("within", 1)).build();
    let all = [&index, &sbom, &signatures[0], &signatures[1], &of_sbom, &about];
    let from = filled(&all).await;
    let of = |kinds: &[&str]| Referrers::Of(kinds.iter().map(|kind| (*kind).to_owned()).collect());
    let rows = [
        ("none", Referrers::None, vec![&index]),
        ("all", Referrers::All, all.to_vec()),
        ("SBOMs", of(&[SBOM]), vec![&index, &sbom, &about]),
        // The copy finds the signature of the SBOM only through the SBOM.
        ("signatures", of(&[SIGNATURE]), vec![&index, &signatures[0], &signatures[1]]),
        ("both", of(&[SBOM, SIGNATURE]), all.to_vec()),
        ("others", of(&["application/x.other"]), vec![&index]),
    ];
    for (name, which, wanted) in rows {
        let to = Destination::default();
        let there = tagged(&other_registry(), "t");
        let options = Options::default().referrers(which);
        options.copy(&from, &pinned(&repository(), index.digest()), &to, &there).await.expect(name);
        for image in all {
            let held = to.held.resolve(&pinned(&other_registry(), image.digest())).await.is_ok();
            assert_eq!(held, wanted.iter().any(|wanted| wanted.digest() == image.digest()), "{name}: {image:?}");
        }
        assert_eq!(to.lines().last(), Some(&format!("manifest {there}")), "{name}: the tag comes last");
        let mut lists = Vec::new();
        for held in [&from, &to.held] {
            let repository = if std::ptr::eq(held, &from) { repository() } else { other_registry() };
            lists.push(held.referrers(&repository, index.digest(), Some(SIGNATURE)).await.expect(name).value);
        }
        if wanted.len() > 3 {
            assert_eq!(lists[0], lists[1], "{name}: in the same order");
        }
    }
    // The copy transfers new referrers of an image that the destination has.
    let to = Destination::default();
    let there = tagged(&other_registry(), "t");
    copy(&from, &pinned(&repository(), index.digest()), &to, &there).await.expect("a copy");
    let options = Options::default().referrers(Referrers::All);
    for (round, blobs) in [("new", true), ("again", false)] {
        to.lines();
        options.copy(&from, &pinned(&repository(), index.digest()), &to, &there).await.expect(round);
        assert_eq!(to.lines().iter().any(|line| line.starts_with("blob ")), blobs, "{round}");
    }
}

#[tokio::test]
async fn lists_of_referrers_are_checked() {
    let (one, two) = (image("one", 0), image("two", 0));
    let right = artifact(SIGNATURE, 1, &one);
    let elsewhere = artifact(SIGNATURE, 2, &two);
    let from = filled(&[&one, &two, &right, &elsewhere]).await;
    let lying = Lying { held: from.clone(), more: vec![elsewhere.descriptor.clone()] };
    let to = Destination::default();
    let options = Options::default().referrers(Referrers::All);
    let there = tagged(&other_registry(), "t");
    options.copy(&lying, &pinned(&repository(), one.digest()), &to, &there).await.expect("a copy");
    for (image, wanted) in [(&right, true), (&elsewhere, false)] {
        let held = to.held.resolve(&pinned(&other_registry(), image.digest())).await.is_ok();
        assert_eq!(held, wanted, "{image:?}");
    }
    // A signature that is listed and gone is not left out silently, and no tag moves.
    let gone = artifact(SIGNATURE, 3, &one);
    let lying = Lying { held: from, more: vec![gone.descriptor.clone()] };
    let to = Destination::default();
    let failed = options.copy(&lying, &pinned(&repository(), one.digest()), &to, &there).await.expect_err("it is gone");
    let (lost, subject) = (format!("{}@{} at ", repository(), gone.digest()), one.digest());
    let said = failed.to_string();
    assert!(failed.side == Side::Source && said.contains(&lost), "{said}");
    assert!(said.ends_with(&format!(": not found, and it is listed as a referrer of {subject}")), "{said}");
    assert!(to.held.resolve(&there).await.is_err());
}

/// A store that lists too many referrers of every subject.
#[derive(Clone)]
struct Lying {
    held: Memory,
    more: Vec<Descriptor>,
}

#[async_trait]
impl Resolve for Lying {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.held.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.held.pull(reference).await
    }
}

#[async_trait]
impl Fetch for Lying {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        self.held.open(repository, descriptor).await
    }
}

#[async_trait]
impl Discover for Lying {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.held.tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let mut answer = self.held.referrers(repository, subject, artifact_type).await?;
        answer.value.extend(self.more.clone());
        Ok(answer)
    }
}

#[tokio::test]
async fn the_depth_of_referrers_is_limited() {
    let mut images = vec![image("x", 0)];
    for number in 0..10 {
        images.push(artifact(SIGNATURE, number, &images[number]));
    }
    for (length, error) in [(8, None), (10, Some("more than 8 deep"))] {
        let from = filled(&images[..=length].iter().collect::<Vec<_>>()).await;
        let (to, options) = (Destination::default(), Options::default().referrers(Referrers::All));
        let there = tagged(&other_registry(), "t");
        let copied = options.copy(&from, &pinned(&repository(), images[0].digest()), &to, &there).await;
        expect(&length.to_string(), copied, error);
        assert_eq!(to.held.resolve(&there).await.is_ok(), error.is_none(), "{length}");
    }
}

/// Two manifests with one layer, an index that lists one of them, and that one itself: each blob is sent once, and nothing
/// that a root refers to is missing.
#[tokio::test]
async fn parts_of_one_copy_share_what_they_refer_to() {
    let image =
        |version: &str| ImageBuilder::new("linux/amd64").label("version", version).file("shared", &[7; 4096]).build();
    let (one, two) = (image("1"), image("2"));
    let index = IndexBuilder::new().add(one.clone()).build();
    let source = Memory::new();
    for (tag, image) in [("one", &one), ("two", &two), ("index", &index)] {
        image.push(&source, &tagged(&repository(), tag)).await.expect("a push");
    }
    let (to, sent) = (Memory::new(), Arc::new(Mutex::new(Vec::new())));
    let steps = sent.clone();
    let options = Options::default().progress(move |of, step| {
        if step == Step::Done {
            steps.lock().push(of.digest.clone());
        }
    });
    let mirror = other_registry();
    let (origin, from) = (Origin::Memory, repository());
    let between = options.between((&source, &from, &origin), (&to, &mirror));
    let content = |image: &Image| Content { descriptor: image.descriptor.clone(), bytes: image.bytes.clone() };
    let parts = [content(&one), content(&index), content(&two)];
    let copied = futures_util::future::join_all(parts.iter().map(|part| between.below(part))).await;
    assert!(copied.into_iter().all(|there| !there.expect("a copy")));
    let mut sent = sent.lock().clone();
    // Three blobs are different, and the index lists one manifest.
    assert_eq!(sent.len(), 4, "{sent:?}");
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), 4, "{sent:?}");
    for part in [&one, &two, &index] {
        to.push_manifest(&tagged(&mirror, "x"), &part.descriptor.media_type, part.bytes.clone())
            .await
            .expect("complete");
    }
}
