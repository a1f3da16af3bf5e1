//! Copies with the tags under which cosign keeps signatures, attestations and SBOMs.

use async_trait::async_trait;
use refkit_content::copy::{Options, Referrers};
use refkit_content::{Body, Content, Discover, Error, ErrorKind, Fetch, Memory, Operation, Resolve, WithOrigin};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};

use crate::copy_destination::Destination;
use crate::support::{Counted, expect, pinned, repository, tagged};

fn mirror() -> Repository {
    Repository::new("mirror.test", "copy/of/app").expect("a repository")
}

fn tag(of: &Image, suffix: &str) -> String {
    format!("sha256-{}{suffix}", of.digest().hex())
}

/// An image that cosign attaches: it has a layer of its own, and no subject.
fn attached(name: &str) -> Image {
    ImageBuilder::new("linux/amd64").label("name", name).layer("application/vnd.dev.cosign", name.to_owned()).build()
}

/// An index of two images with what cosign attached to them, and what others have of the same kind.
struct Attached {
    index: Image,
    all: Vec<(String, Image)>,
    /// Tags that look alike.
    others: Vec<(String, Image)>,
    referrer: Image,
}

impl Attached {
    fn new() -> Self {
        let image =
            |name: &str| ImageBuilder::new("linux/amd64").label("name", name).layer("a/b", name.to_owned()).build();
        let (one, two, other) = (image("one"), image("two"), image("other"));
        let index = IndexBuilder::new().add(one.clone()).add(two.clone()).build();
        let referrer = ImageBuilder::artifact("application/x.sbom", &one).layer("a/b", "a referrer").build();
        let sbom = attached("sbom of one");
        let all = vec![
            (tag(&index, ".sig"), attached("signature of the index")),
            (tag(&one, ".sig"), attached("signature of one")),
            (tag(&one, ".att"), attached("attestation of one")),
            (tag(&one, ".sbom"), sbom.clone()),
            (tag(&two, ".sig"), attached("signature of two")),
            (tag(&sbom, ".sig"), attached("signature of the sbom")),
            (tag(&referrer, ".sig"), attached("signature of the referrer")),
        ];
        let others = vec![
            (tag(&other, ".sig"), attached("signature of another image")),
            (tag(&one, ""), IndexBuilder::new().add(referrer.clone()).build()),
            (tag(&one, ".other"), attached("another suffix")),
            ("1.sig".to_owned(), attached("another tag")),
        ];
        Self { index, all, others, referrer }
    }

    async fn source(&self) -> Memory {
        let memory = Memory::new();
        self.index.push(&memory, &tagged(&repository(), "1")).await.expect("a push");
        self.referrer.push(&memory, &pinned(&repository(), self.referrer.digest())).await.expect("a push");
        for (tag, image) in self.all.iter().chain(&self.others) {
            image.push(&memory, &tagged(&repository(), tag)).await.expect("a push");
        }
        memory
    }
}

async fn digest(memory: &Memory, repository: &Repository, tag: &str) -> Option<Digest> {
    memory.resolve(&tagged(repository, tag)).await.ok().map(|found| found.value.digest)
}

fn options() -> Options {
    Options::default().referrers(Referrers::All).cosign_tags(true)
}

/// The source may be named by its tag, its digest or both.
#[tokio::test]
async fn what_cosign_attached_comes_along_whatever_the_source_is_called() {
    let attached = Attached::new();
    let source = attached.source().await;
    let digest_of = Some(attached.index.digest().clone());
    let both = Reference::new(repository(), Some("1".to_owned()), digest_of).expect("a reference");
    for name in [tagged(&repository(), "1"), pinned(&repository(), attached.index.digest()), both] {
        let (from, to) = (Counted::new(source.clone()), Destination::default());
        options().copy(&from, &name, &to, &tagged(&mirror(), "1")).await.expect("a copy");
        let lines = to.lines();
        for (tag, image) in &attached.all {
            assert_eq!(digest(&to.held, &mirror(), tag).await.as_ref(), Some(image.digest()), "{name}: {tag}");
            let pushes = lines.iter().filter(|line| **line == format!("manifest {}", tagged(&mirror(), tag)));
            assert_eq!(pushes.count(), 1, "{name}: {tag}: {lines:#?}");
            let under_digest = format!("manifest {}", pinned(&mirror(), image.digest()));
            assert!(!lines.contains(&under_digest), "{name}: {tag} is pushed twice");
        }
        for (tag, _) in &attached.others {
            assert_eq!(digest(&to.held, &mirror(), tag).await, None, "{name}: {tag}");
        }
        assert!(to.held.resolve(&pinned(&mirror(), attached.referrer.digest())).await.is_ok(), "{name}");
        assert_eq!(lines.last(), Some(&format!("manifest {}", tagged(&mirror(), "1"))), "the root's tag comes last");
        // The root, two manifests, the referrer and seven attached ones, their 2 + 2 + 1 + 1 + 14 blobs, a list of
        // referrers for each of the eleven, and one list of tags.
        let blobs: usize = lines.iter().filter(|line| line.starts_with("blob ")).count();
        assert_eq!(from.asked(), 11 + blobs + 11 + 1, "{name}");
    }
}

#[tokio::test]
async fn tags_of_cosign_stay_unless_they_are_wanted() {
    let attached = Attached::new();
    let source = attached.source().await;
    for (name, options, lists) in [
        ("by default", Options::default(), 0),
        ("with referrers", Options::default().referrers(Referrers::All), 4),
        ("without referrers", Options::default().cosign_tags(true), 1),
    ] {
        let (from, to) = (Counted::new(source.clone()), Destination::default());
        options.copy(&from, &tagged(&repository(), "1"), &to, &tagged(&mirror(), "1")).await.expect(name);
        let signature = digest(&to.held, &mirror(), &tag(&attached.index, ".sig")).await;
        assert_eq!(signature.is_some(), name == "without referrers", "{name}");
        let referrer = to.held.resolve(&pinned(&mirror(), attached.referrer.digest())).await;
        assert_eq!(referrer.is_ok(), name == "with referrers", "{name}");
        let lines = to.lines();
        let begin = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(from.asked(), begin("blob ") + begin("manifest ") + lists, "{name}");
    }
}

/// A second copy replaces a tag that has changed at the source, and sends nothing that the destination has.
#[tokio::test]
async fn a_second_copy_moves_the_tags_again() {
    let attached = Attached::new();
    let source = attached.source().await;
    let to = Destination::default();
    let there = tagged(&mirror(), "1");
    options().copy(&source, &tagged(&repository(), "1"), &to, &there).await.expect("a copy");
    let tag = tag(&attached.index, ".sig");
    let newer = self::attached("a second signature of the index");
    newer.push(&source, &tagged(&repository(), &tag)).await.expect("a push");
    to.lines();
    options().copy(&source, &tagged(&repository(), "1"), &to, &there).await.expect("a copy");
    assert_eq!(digest(&to.held, &mirror(), &tag).await.as_ref(), Some(newer.digest()));
    assert_eq!(
        to.lines().iter().filter(|line| line.starts_with("blob ")).count(),
        2,
        "config and layer of the new one"
    );
}

#[tokio::test]
async fn what_is_about_a_manifest_is_copied_without_it() {
    let attached = Attached::new();
    let (source, to) = (attached.source().await, Destination::default());
    let from = (&source, &repository(), &refkit_content::Origin::Memory);
    options().between(from, (&to, &mirror())).about(attached.index.digest()).await.expect("a copy");
    assert!(digest(&to.held, &mirror(), &tag(&attached.index, ".sig")).await.is_some());
    let lines = to.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("manifest ")).count(), 1, "{lines:#?}");
}

/// A source that does not list its tags.
#[derive(Clone)]
struct Silent(Counted<Memory>, ErrorKind);

#[async_trait]
impl Resolve for Silent {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.0.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.0.pull(reference).await
    }
}

#[async_trait]
impl Fetch for Silent {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        self.0.open(repository, descriptor).await
    }
}

#[async_trait]
impl Discover for Silent {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        let _ = self.0.tags(repository).await;
        Err(Error::new(Operation::Tags, repository, self.1.clone()))
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        self.0.referrers(repository, subject, artifact_type).await
    }
}

#[tokio::test]
async fn a_source_that_lists_no_tags_is_asked_for_each() {
    let image = ImageBuilder::new("linux/amd64").build();
    let signature = attached("signature");
    let memory = Memory::new();
    image.push(&memory, &tagged(&repository(), "1")).await.expect("a push");
    signature.push(&memory, &tagged(&repository(), &tag(&image, ".sig"))).await.expect("a push");
    for (name, kind, error) in [
        ("forbidden", ErrorKind::Forbidden("no list".to_owned()), None),
        ("not supported", ErrorKind::NotFound, None),
        ("too many", ErrorKind::TooMany { limit: 9 }, None),
        ("broken", ErrorKind::Unavailable("status 503".to_owned()), Some("status 503")),
    ] {
        let counted = Counted::new(memory.clone());
        let (source, to) = (Silent(counted.clone(), kind), Destination::default());
        let options = Options::default().cosign_tags(true);
        let copied = options.copy(&source, &tagged(&repository(), "1"), &to, &tagged(&mirror(), "1")).await;
        if expect(name, copied, error).is_some() {
            assert!(digest(&to.held, &mirror(), &tag(&image, ".sig")).await.is_some(), "{name}");
            // The root and its config, the refused list, three tags of the image, three of the signature, two blobs.
            assert_eq!(counted.asked(), 2 + 1 + 3 + 3 + 2, "{name}");
        } else {
            assert!(to.held.resolve(&tagged(&mirror(), "1")).await.is_err(), "{name}: the root's tag has moved");
        }
    }
}
