//! `refkit inspect` of the layout that the repository carries.

use refkit_support::digest;
use refkit_support::image::Image;

use crate::places::demo_image;
use crate::run::{DEMO, Ran, refkit};

fn inspect(tag: &str, more: &[&str]) -> Ran {
    let reference = format!("{DEMO}:{tag}");
    refkit(["inspect", &reference].into_iter().chain(more.iter().copied()))
}

fn child<'a>(image: &'a Image, platform: &str) -> &'a Image {
    let wanted = |child: &&Image| child.descriptor.platform.as_ref().is_some_and(|of| of.to_string() == platform);
    image.children().iter().find(wanted).expect("the demo has it")
}

#[test]
fn an_image_is_drawn() {
    insta::assert_snapshot!(inspect("1.2.3", &[]).all(), @"");
    insta::assert_snapshot!(inspect("1.2.3", &["--platform", "linux/arm64", "--layers"]).all(), @"");
    insta::assert_snapshot!(inspect("1.2.3", &["--platform", "windows/amd64"]).all(), @"");
}

#[test]
fn a_single_manifest_is_drawn() {
    insta::assert_snapshot!(inspect("single", &[]).all(), @"");
}

#[test]
fn dockers_media_types_are_drawn() {
    insta::assert_snapshot!(inspect("1.0.0", &[]).all(), @"");
}

#[test]
fn the_bytes_of_each_level_are_exact() {
    let image = demo_image("1.2.3");
    let arm64 = child(&image, "linux/arm64");
    let windows = image.children().last().expect("the index for Windows");
    let single = demo_image("single");
    // tag, arguments, bytes
    let rows: [(&str, &[&str], &[u8]); 10] = [
        ("1.2.3", &["--raw"], &image.bytes),
        ("1.2.3", &["--raw", "--platform", "linux/arm64"], &image.bytes),
        ("1.2.3", &["--raw", "--platform", "plan9/mips"], &image.bytes),
        ("1.2.3", &["--index", "--platform", "linux/arm64"], &image.bytes),
        ("1.2.3", &["--index", "--platform", "windows(10.0.20348.1)/amd64"], &windows.bytes),
        ("1.2.3", &["--manifest", "--platform", "linux/arm64"], &arm64.bytes),
        ("1.2.3", &["--config", "--platform", "linux/arm64"], &arm64.blobs()[0].1),
        ("single", &["--raw"], &single.bytes),
        ("single", &["--manifest"], &single.bytes),
        ("single", &["--config"], &single.blobs()[0].1),
    ];
    for (tag, more, bytes) in rows {
        let ran = inspect(tag, more);
        assert!(ran.code == 0 && ran.stderr.is_empty(), "{tag} {more:?}: {}", ran.stderr);
        assert_eq!(digest(&ran.stdout), digest(bytes), "{tag} {more:?}");
    }
}

#[test]
fn a_level_that_is_not_there_is_a_failure() {
    insta::assert_snapshot!(inspect("single", &["--index"]).all(), @"");
    insta::assert_snapshot!(inspect("1.2.3", &["--config", "--platform", "plan9/mips"]).all(), @"");
    let ran = inspect("1.2.3", &["--config", "--platform", "linux/amd64", "--platform", "linux/arm64"]);
    assert!(ran.code == 2 && ran.stdout.is_empty(), "{}", ran.all());
}

#[test]
fn referrers_are_asked_for_where_they_are_wanted() {
    // The demo's signature refers to the index, and no image has a referrer besides what its index lists.
    let (without, with) = (inspect("1.2.3", &[]), inspect("1.2.3", &["--attestations"]));
    assert_eq!(without.all(), with.all());
}
