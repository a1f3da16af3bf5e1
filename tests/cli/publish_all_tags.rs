//! `refkit copy --all-tags`: what it prints, when, and what ends it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::time::Duration;

use refkit_support::image::MANIFEST;
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::places::{demo_image, fill};
use crate::run::{Refkit, refkit, wait};

/// Returns a registry with two tags, and the repository.
fn registry() -> (FaultRegistry, String) {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3", "single"]);
    let app = format!("{}/demo/app", registry.host());
    (registry, app)
}

#[test]
fn each_tag_is_printed_as_soon_as_it_is_there() {
    let (registry, app) = registry();
    let new = format!("{}/demo/new", registry.host());
    registry.add(Rule::on("PUT */demo/new/manifests/single", Fault::normal().delay(Duration::from_secs(3))));
    let mut child = Refkit::new(["copy", "--all-tags", &app, &new]).spawn();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    assert_eq!(first, format!("{new}:1.2.3@{}\n", demo_image("1.2.3").digest()));
    assert!(registry.manifest("demo/new", "single").is_none(), "the second tag is under way");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!((wait(&mut child), rest), (0, format!("{new}:single@{}\n", demo_image("single").digest())));
}

#[test]
fn a_registry_that_cannot_be_reached_is_asked_for_two_tags() {
    let (registry, app) = registry();
    fill(&registry, &["1.0.0"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let dead = format!("127.0.0.1:{port}");
    let ran = refkit(["copy", "--all-tags", "--no-cache", &app, &format!("{dead}/demo/app")]);
    assert_eq!((ran.code, ran.text()), (1, ""), "{}", ran.all());
    assert!(ran.stderr.contains(&format!("error: {app}:1.0.0: cannot push {dead}/demo/app")), "{}", ran.all());
    let rest = format!("error: 1 more tag is not copied: {dead} cannot be reached");
    assert_eq!(ran.stderr.lines().last(), Some(&*rest), "{}", ran.all());
    assert_eq!(registry.count("GET */manifests/single"), 0);
}

/// A proxy on the way may cut what is in one manifest.
#[test]
fn a_tag_that_breaks_the_connection_is_passed_over() {
    let (registry, app) = registry();
    registry.add(Rule::on("PUT */demo/new/manifests/1.2.3", Fault::hang_up()));
    let new = format!("{}/demo/new", registry.host());
    let ran = refkit(["copy", "--all-tags", &app, &new]);
    let copied = format!("{new}:single@{}\n", demo_image("single").digest());
    assert_eq!((ran.code, ran.text()), (1, &*copied), "{}", ran.all());
    assert!(!ran.stderr.contains("not copied"), "{}", ran.all());
}

#[test]
fn an_error_names_its_tag_and_the_others_are_copied() {
    let (registry, app) = registry();
    let image = refkit_support::image::ImageBuilder::new("linux/amd64").label("blobs", "gone").build();
    registry.put_manifest("demo/app", Some("half"), MANIFEST, image.bytes.to_vec());
    let ran = refkit(["copy", "--all-tags", &app, &format!("{}/demo/new", registry.host())]);
    assert_eq!((ran.code, ran.text().lines().count()), (1, 2), "{}", ran.all());
    assert!(ran.stderr.starts_with(&format!("error: {app}:half: cannot fetch ")), "{}", ran.all());
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{}", ran.all());
}

#[test]
fn names_that_are_no_tags_are_passed_over_and_told() {
    let (registry, app) = registry();
    let directory = tempfile::tempdir().unwrap();
    let layout = directory.path().join("all").display().to_string();
    refkit(["copy", "--all-tags", &app, &layout]).line();
    let file = directory.path().join("all/index.json");
    let index = fs::read_to_string(&file).unwrap();
    fs::write(&file, index.replace("\"single\"", "\"no tag\"")).unwrap();
    registry.put_manifest("demo/app", Some("-x"), MANIFEST, demo_image("single").bytes.to_vec());
    for (number, source, name, tags) in [(1, &layout, "no tag", 1), (2, &app, "-x", 2)] {
        let ran = refkit(["copy", "--all-tags", source, &format!("{}/demo/new{number}", registry.host())]);
        let note = format!("note: {source} has the name \"{name}\", which is no tag: it is not copied\n");
        assert_eq!((ran.code, ran.text().lines().count(), &*ran.stderr), (0, tags, &*note), "{}", ran.all());
    }
}

/// What is in an archive only at the end is not printed before.
#[test]
fn an_archive_that_cannot_be_written_has_no_tags() {
    let (registry, app) = registry();
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("app.tar");
    let ran = refkit(["copy", "--all-tags", &app, archive.to_str().unwrap()]);
    assert_eq!(ran.line().lines().count(), 2);
    // Another program changes the archive while the second tag is copied.
    registry.clear();
    registry.add(Rule::on("GET */manifests/single", Fault::normal().delay(Duration::from_secs(2))));
    let path = archive.display().to_string();
    let mut child = Refkit::new(["copy", "--all-tags", "--no-cache", &app, &path]).spawn();
    while registry.count("GET */manifests/single") < 1 {
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::write(&archive, "changed").unwrap();
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert_eq!((wait(&mut child), &*printed), (1, ""));
}
