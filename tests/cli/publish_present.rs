//! Copies to where the image is already, in part or as it seems.

use refkit_support::image::{Image, ImageBuilder, IndexBuilder};
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::places::{demo_image, layout, put};
use crate::run::refkit;

/// Two registries: the first one has `demo/app:1`.
struct Stage {
    from: FaultRegistry,
    to: FaultRegistry,
    image: Image,
}

impl Stage {
    fn new(image: Image) -> Self {
        let stage = Self { from: FaultRegistry::start().unwrap(), to: FaultRegistry::start().unwrap(), image };
        put(&stage.from, "demo/app", Some("1"), &stage.image);
        stage
    }

    fn source(&self) -> String {
        format!("{}/demo/app:1", self.from.host())
    }

    /// Copies to a tag of `demo/new`, or to the digest, and returns the requests that the destination got.
    fn copy(&self, flags: &[&str], name: &str) -> Vec<String> {
        let (source, to) = (self.source(), format!("{}/demo/new{name}", self.to.host()));
        self.to.clear();
        let ran = refkit(["copy", &source, &to, "--no-cache"].into_iter().chain(flags.iter().copied()));
        assert_eq!(ran.code, 0, "{flags:?}: {}", ran.all());
        assert!(ran.text().ends_with(&format!("@{}\n", self.image.digest())), "{}", ran.all());
        let requests = self.to.requests().into_iter();
        requests.map(|one| format!("{} {}", one.method, one.target.replace("/v2/demo/new/", ""))).collect()
    }

    fn has(&self, image: &Image) -> bool {
        self.to.manifest("demo/new", image.digest().as_str()).is_some()
    }
}

#[test]
fn a_second_copy_asks_for_the_tag_and_writes_nothing() {
    for tag in ["single", "1.0.0", "1.2.3"] {
        let stage = Stage::new(demo_image(tag));
        stage.copy(&[], ":1");
        assert_eq!(stage.copy(&[], ":1"), ["HEAD manifests/1"], "{tag}");
        assert_eq!(stage.copy(&["--referrers"], ":1"), ["HEAD manifests/1"], "{tag}");
        let again = stage.copy(&[], ":2");
        assert!(again.len() <= 4 && again.last().unwrap() == "PUT manifests/2", "{tag}: {again:?}");
        let digest = stage.image.digest();
        assert_eq!(stage.copy(&[], &format!("@{digest}")), [format!("HEAD manifests/{digest}")], "{tag}");
        // The tag names another image.
        put(&stage.to, "demo/new", Some("1"), &ImageBuilder::new("linux/amd64").build());
        let again = stage.copy(&[], ":1");
        assert_eq!(again.first().map(String::as_str), Some("HEAD manifests/1"), "{tag}");
        assert_eq!(again.iter().filter(|line| !line.starts_with("HEAD")).collect::<Vec<_>>(), ["PUT manifests/1"]);
        assert_eq!(stage.copy(&["--dry-run"], ":1"), ["HEAD manifests/1"], "{tag}");
    }
}

#[test]
fn a_layout_is_pushed_again_by_one_request() {
    let image = demo_image("1.2.3");
    let (registry, directory) = (FaultRegistry::start().unwrap(), layout(&image));
    let (source, to) = (directory.path().display().to_string(), format!("{}/demo/app:1", registry.host()));
    refkit(["push", &source, &to]).line();
    registry.clear();
    assert_eq!(refkit(["push", &source, &to]).line(), format!("{to}@{}", image.digest()));
    assert_eq!((registry.count("HEAD */manifests/1"), registry.count("*")), (1, 1));
    // A registry that does not say what the tag names gets it.
    for fault in [Fault::status(403), Fault::status(500), Fault::status(200)] {
        registry.clear_rules();
        registry.clear();
        registry.add(Rule::on("HEAD */manifests/1", fault));
        refkit(["push", &source, &to]).line();
        assert_eq!(registry.count("PUT *"), 1, "{:?}", registry.requests());
    }
}

/// What a sparse copy leaves, or a registry that has deleted a manifest.
#[test]
fn an_index_without_its_images_is_completed_on_demand() {
    let image = |platform: &str| ImageBuilder::new(platform).file("for", platform.as_bytes()).build();
    let (one, two, three) = (image("linux/amd64"), image("linux/arm64"), image("linux/s390x"));
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).add(three.clone()).build();
    let stage = Stage::new(index.clone());
    put(&stage.to, "demo/new", None, &one);
    // This registry takes no such index.
    let sparse = |tag| stage.to.put_manifest("demo/new", tag, &index.descriptor.media_type, index.bytes.clone());
    sparse(Some("1"));
    assert_eq!(stage.copy(&[], ":1"), ["HEAD manifests/1"]);
    assert!(!stage.has(&two) && !stage.has(&three));
    // Another sparse copy adds an image, and a copy of some platforms takes nothing for granted.
    stage.to.add(Rule::on("PUT */manifests/1", Fault::status(201)));
    stage.copy(&["--platform", "linux/arm64", "--sparse"], ":1");
    assert!(stage.has(&two) && !stage.has(&three));
    stage.copy(&["--force-recursive"], ":1");
    assert!(stage.has(&three));
    // A registry that looks at the manifests gets them all the same.
    let stage = Stage::new(index.clone());
    put(&stage.to, "demo/new", None, &one);
    stage.to.put_manifest("demo/new", None, &index.descriptor.media_type, index.bytes.clone());
    stage.copy(&[], ":1");
    assert!(stage.has(&two) && stage.has(&three));
}

#[test]
fn a_sparse_copy_says_what_it_lacks() {
    let stage = Stage::new(demo_image("1.2.3"));
    stage.to.add(Rule::on("PUT */manifests/1", Fault::status(201)));
    let (source, to) = (stage.source(), format!("{}/demo/new:1", stage.to.host()));
    let copy = |platform: &str| refkit(["copy", &source, &to, "--sparse", "--platform", platform]);
    let ran = copy("linux/arm64");
    let note = ran.stderr.lines().last().expect("there is a note");
    let wanted = "of the manifests that its index names; to add them later: copy --force-recursive";
    assert!(note.starts_with("note: the copy left out ") && note.ends_with(wanted), "{}", ran.all());
    let all: Vec<String> = stage
        .image
        .children()
        .iter()
        .filter_map(|child| child.descriptor.platform.as_ref())
        .map(|platform| platform.to_string())
        .collect();
    let ran = copy(&all.join(","));
    assert!(ran.code == 0 && !ran.stderr.contains("left out"), "{}", ran.all());
}

/// Signatures mostly come after the image.
#[test]
fn new_referrers_come_although_the_tag_names_the_image() {
    const SIGNATURE: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
    let stage = Stage::new(demo_image("1.0.0"));
    stage.copy(&[], ":1");
    let signature = ImageBuilder::artifact(SIGNATURE, &stage.image.children()[0]).layer("a/b", "a signature").build();
    let other = ImageBuilder::artifact("application/x.any", &stage.image).layer("a/b", "any").build();
    for referrer in [&signature, &other] {
        put(&stage.from, "demo/app", None, referrer);
    }
    for (flags, wanted) in [(&[] as &[&str], [true, false]), (&["--referrers"], [true, true])] {
        let requests = stage.copy(flags, ":1");
        assert_eq!([stage.has(&signature), stage.has(&other)], wanted, "{flags:?}");
        assert!(!requests.contains(&"PUT manifests/1".to_owned()), "{requests:?}");
    }
}
