//! `refkit copy` and `refkit push`: between registries, layouts and archives.

use std::collections::HashSet;
use std::fs;

use refkit_support::image::{Image, ImageBuilder, demo};
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::places::{demo_image, fill, put};
use crate::run::{DEMO, policy, refkit};

/// Returns the digest in the command's only line.
fn digest(line: &str) -> &str {
    line.rsplit_once('@').expect("the line is pinned").1
}

/// Returns how many blobs an image has, each counted once.
fn blobs(image: &Image) -> usize {
    fn below<'a>(image: &'a Image, met: &mut HashSet<&'a str>) {
        met.extend(image.blobs().iter().map(|(blob, _)| blob.digest.as_str()));
        image.children().iter().for_each(|child| below(child, met));
    }
    let mut met = HashSet::new();
    below(image, &mut met);
    met.len()
}

#[test]
fn every_place_to_every_place() {
    let registries = [(); 2].map(|()| FaultRegistry::start().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let below = |name: &str| directory.path().join(name).display().to_string();
    let [one, two] = registries.each_ref().map(FaultRegistry::host);
    let image = demo_image("1.2.3");
    // Each copy is the source of the next one.
    let way = [
        format!("{DEMO}:1.2.3"),
        format!("{one}/demo/app:1.2.3"),
        format!("{two}/mirror/app:new"),
        format!("oci-layout:{}:new", below("layout")),
        format!("oci-layout:{}:new", below("archive.tar")),
        format!("oci-layout:{}:new", below("other.tar")),
        format!("{one}/demo/back:1"),
        format!("{one}/demo/mounted:1"),
        format!("oci-layout:{}:new", below("again")),
    ];
    for pair in way.windows(2) {
        let ran = refkit(["copy", &pair[0], &pair[1]]);
        assert_eq!(ran.line(), format!("{}@{}", pair[1], image.digest()), "{pair:?}");
        assert_eq!(refkit(["inspect", &pair[1], "--raw"]).stdout, image.bytes, "{pair:?}");
        let digests = |of: &str| {
            let report = refkit(["inspect", of, "--format", "json", "--layers"]).json();
            let images = report["images"].as_array().expect("a list").clone();
            images
                .into_iter()
                .map(|image| [image["manifest"].clone(), image["attestations"].clone()])
                .collect::<Vec<_>>()
        };
        assert_eq!(digests(&pair[1]), digests(&way[0]), "{pair:?}");
    }
    let posts = registries[0].requests().into_iter().filter(|one| one.method == "POST");
    let mut mounts: Vec<String> = posts.map(|one| one.target).filter(|target| target.contains("mount=")).collect();
    mounts.retain(|target| target.contains("back"));
    mounts.sort_unstable();
    assert_eq!(mounts.len(), blobs(&image), "{mounts:#?}");
    let mut names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["again", "archive.tar", "layout", "other.tar"]);
}

#[test]
fn a_copy_without_a_tag_is_named_like_its_source_in_a_layout() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let app = format!("{}/demo/app", registry.host());
    let directory = tempfile::tempdir().unwrap();
    let image = demo_image("single");
    let pinned = format!("{app}@{}", image.digest());
    let both = format!("{app}:single@{}", image.digest());
    // the source, the directory, the name in it
    let rows = [(format!("{app}:single"), "one", ":single"), (pinned.clone(), "two", ""), (both, "three", ":single")];
    for (source, name, tag) in rows {
        let to = directory.path().join(name).display().to_string();
        let wanted = format!("oci-layout:{to}{tag}@{}", image.digest());
        assert_eq!(refkit(["copy", &source, &to]).line(), wanted);
        assert_eq!(refkit(["inspect", &to, "--raw"]).stdout, image.bytes, "{source}");
    }
    let latest = refkit(["copy", &pinned, &format!("{}/demo/other", registry.host())]);
    assert_eq!(latest.line(), format!("{}/demo/other:latest@{}", registry.host(), image.digest()));
    let exact = format!("{}/demo/exact@{}", registry.host(), image.digest());
    assert_eq!(refkit(["copy", &pinned, &exact]).line(), exact);
    assert_eq!(refkit(["resolve", &exact]).line(), exact);
}

#[test]
fn an_archive_keeps_what_it_had() {
    let directory = tempfile::tempdir().unwrap();
    let (layout, archive) = (directory.path().join("layout"), directory.path().join("app.tar").display().to_string());
    let layout = layout.display().to_string();
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single", "1.0.0"]);
    let app = format!("{}/demo/app", registry.host());
    refkit(["copy", &format!("{app}:1.0.0"), &layout]).line();
    // A referrer and an image without a tag are in the archive too.
    let subject = demo_image("single");
    let signature = ImageBuilder::artifact("application/x.signature", &subject).build();
    put(&registry, "demo/app", None, &signature);
    refkit(["copy", &format!("{app}@{}", signature.digest()), &layout]).line();
    refkit(["copy", "--all-tags", &layout, &archive]).line();
    refkit(["copy", &format!("{layout}@{}", signature.digest()), &archive]).line();
    for (tag, source) in [("single", format!("{app}:single")), ("1.0.0", format!("{app}:single")), ("new", layout)] {
        let source = if tag == "new" { format!("{source}:1.0.0") } else { source };
        refkit(["copy", &source, &format!("oci-layout:{archive}:{tag}")]).line();
    }
    refkit(["tag", &format!("{archive}:single"), "more"]).line();
    let resolve = |name: &str| digest(refkit(["resolve", &format!("{archive}{name}")]).line()).to_owned();
    for (name, wanted) in [
        (":single", subject.digest()),
        (":1.0.0", subject.digest()),
        (":more", subject.digest()),
        (":new", demo_image("1.0.0").digest()),
        (&format!("@{}", signature.digest()), signature.digest()),
    ] {
        assert_eq!(resolve(name), wanted.as_str(), "{name}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn all_tags_or_those_that_match() {
    let registry = FaultRegistry::start().unwrap();
    let images = demo();
    fill(&registry, &images.iter().map(|(tag, _)| *tag).collect::<Vec<_>>());
    let (app, new) = (format!("{}/demo/app", registry.host()), format!("{}/demo/new", registry.host()));
    let ran = refkit(["copy", "--all-tags=1.*", &app, &new]);
    let mut tags: Vec<&str> = images.iter().map(|(tag, _)| *tag).filter(|tag| tag.starts_with("1.")).collect();
    tags.sort_unstable();
    let wanted: Vec<String> = tags.iter().map(|tag| format!("{new}:{tag}@{}", demo_image(tag).digest())).collect();
    assert_eq!(ran.line().lines().collect::<Vec<_>>(), wanted);
    let directory = tempfile::tempdir().unwrap();
    let layout = directory.path().join("all").display().to_string();
    assert_eq!(refkit(["copy", "--all-tags", &app, &layout]).line().lines().count(), images.len());
    // One that fails keeps no other one from its destination.
    registry.put_manifest("demo/app", Some("broken"), "application/vnd.oci.image.index.v1+json", b"{}".to_vec());
    let ran = refkit(["copy", "--all-tags", &app, &format!("{}/demo/third", registry.host())]);
    assert_eq!((ran.code, ran.text().lines().count()), (1, images.len()), "{}", ran.all());
    assert!(ran.stderr.contains("demo/app:broken") || ran.stderr.contains("demo/app@sha256:"), "{}", ran.all());
    assert_eq!(registry.count("PUT */demo/third/manifests/broken"), 0);
}

#[test]
fn what_is_wrong_is_said_and_writes_nothing() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let source = format!("{}/demo/app:single", registry.host());
    let (app, none) = (format!("{}/demo/app", registry.host()), format!("{}/demo/none", registry.host()));
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let zero = format!("@sha256:{}", "0".repeat(64));
    let (new, file, other) = (path("new"), path("file.tar"), format!("{app}{zero}"));
    let (elsewhere, tagged, layout) = (format!("{none}{zero}"), format!("{none}:1{zero}"), format!("{new}{zero}"));
    let compressed = path("new.tar.gz");
    // Nothing answers for Docker Hub.
    let settings = tempfile::tempdir().unwrap();
    let nobody = settings.path().join("refkit.toml").display().to_string();
    fs::write(&nobody, "[registry.\"docker.io\"]\nupstream = \"127.0.0.1:9\"\nhttp = true\n").unwrap();
    fs::write(&file, "x").unwrap();
    // the arguments, the exit code, a part of the message
    let rows: [(&[&str], i32, &str); 24] = [
        (&["copy", &source], 2, "DEST"),
        (&["copy", "Not/A:Reference", &new], 2, "error: "),
        (&["copy", &source, "Not/A:Reference"], 2, "error: "),
        (&["copy", &source, &file], 1, "file.tar"),
        // The directory beside it has a name that nobody knows.
        (&["copy", &source, "/proc/app.tar"], 1, "cannot open /proc/app.tar: No such"),
        (&["copy", &source, &format!("docker://{none}:1")], 2, &format!("here it is written {none}:1")),
        (&["copy", &source, "oci:new:1"], 2, "here it is written oci-layout:new:1"),
        (&["copy", &source, "oci:new", "--settings", &nobody], 1, "here it is written oci-layout:new"),
        (
            &["copy", &source, "app3", "--settings", &nobody],
            1,
            "name the registry: REGISTRY/app3; a layout is written ./app3",
        ),
        (
            &["copy", &source, "localhost:5000", "--settings", &nobody],
            1,
            "name a repository: localhost:5000/REPOSITORY",
        ),
        (&["copy", &source, &compressed], 2, "ends in .tar.gz"),
        (&["copy", &source, &other], 1, "digest"),
        (&["copy", &source, &elsewhere], 1, "digest"),
        (&["copy", &source, &tagged], 1, "digest"),
        (&["copy", "--referrers", &source, &tagged], 1, "digest"),
        (&["copy", "-p", "linux/amd64", &source, &elsewhere], 1, "digest"),
        (&["copy", &source, &layout], 1, "digest"),
        (&["copy", "--all-tags", &source, &new], 2, "has a tag or a digest"),
        (&["copy", "--all-tags", &app, &source], 2, "has a tag or a digest"),
        (&["copy", "--all-tags=x*", &app, &new], 1, "no tag of"),
        (&["copy", "--all-tags=a b", &app, &new], 2, "no tag can match"),
        (&["copy", "--all-tags", &none, &new], 1, "not found"),
        (&["push", &source, &none], 2, "is no image layout"),
        (&["push", DEMO, &new], 2, "is in no registry"),
    ];
    for (arguments, code, part) in rows {
        let ran = refkit(arguments.iter().copied());
        assert!(ran.code == code && ran.text().is_empty(), "{arguments:?}: {}", ran.all());
        assert!(ran.stderr.contains(part), "{arguments:?}: {}", ran.all());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "{arguments:?}");
    }
    assert_eq!(registry.count("PUT *") + registry.count("POST *"), 0);
}

/// The destination verifies what it is sent, and knows nothing of the source.
#[test]
fn a_wrong_blob_names_the_registry_that_sent_it() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let source = format!("{}/demo/app:single", registry.host());
    let directory = tempfile::tempdir().unwrap();
    let other = FaultRegistry::start().unwrap();
    for to in [directory.path().join("app").display().to_string(), format!("{}/demo/app:1", other.host())] {
        registry.add(Rule::on("GET */blobs/*", Fault::normal().body("other")));
        let ran = refkit(["copy", "--no-cache", &source, &to]);
        let wanted = format!("at {}: the content has", registry.host());
        assert!(ran.code == 1 && ran.stderr.contains(&wanted), "{}", ran.all());
        registry.clear_rules();
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let registry = FaultRegistry::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let image = demo_image("single");
    for to in [
        format!("{}/demo/app:1", registry.host()),
        format!("oci-layout:{}:1", directory.path().join("layout").display()),
        format!("oci-layout:{}:1", directory.path().join("app.tar").display()),
    ] {
        let ran = refkit(["copy", "--dry-run", &format!("{DEMO}:single"), &to]);
        assert_eq!(ran.line(), format!("{to}@{}", image.digest()));
    }
    assert_eq!(registry.count("PUT *") + registry.count("POST *"), 0);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_layout_is_pushed_and_policies_decide() {
    let registry = FaultRegistry::start().unwrap();
    let to = format!("{}/demo/app", registry.host());
    let source = format!("{DEMO}:1.2.3");
    let allow_list = policy("allow-list");
    let ran = refkit(["push", &source, &to, "--policy", &allow_list, "--set", "allow=docker.io/**"]);
    assert_eq!((ran.code, ran.text(), registry.count("*")), (3, "", 0), "{}", ran.all());
    let ran = refkit(["push", &source, &to, "--policy", &allow_list, "--set", "allow=**"]);
    assert_eq!(ran.line(), format!("{to}:latest@{}", demo_image("1.2.3").digest()));
    registry.clear();
    // What is there is not sent again: a second run asks what the tag names.
    refkit(["push", &source, &to]).line();
    assert_eq!((registry.count("HEAD *"), registry.count("*")), (1, 1), "{:?}", registry.requests());
}
