//! `refkit resolve` of the repository's demo layout.

use std::path::Path;

use refkit_support::image::Image;

use crate::places::demo_image;
use crate::run::{DEMO, Refkit, policy, refkit};

/// Returns the digest of the entry for a platform, as the index writes it.
fn entry(image: &Image, platform: &str) -> String {
    let wanted = |child: &&Image| child.descriptor.platform.as_ref().is_some_and(|of| of.to_string() == platform);
    image.children().iter().find(wanted).expect("the demo has it").digest().to_string()
}

fn demo(tag: &str) -> String {
    format!("{DEMO}:{tag}")
}

#[test]
fn the_root_is_pinned() {
    for tag in ["1.0.0", "1.2.3", "latest", "single"] {
        let wanted = format!("{DEMO}:{tag}@{}", demo_image(tag).digest());
        assert_eq!(refkit(["resolve", &demo(tag)]).line(), wanted);
    }
    // The default tag is `latest`.
    let latest = format!("{DEMO}:latest@{}", demo_image("latest").digest());
    assert_eq!(refkit(["resolve", DEMO]).line(), latest);
    // The printed reference resolves to itself.
    assert_eq!(refkit(["resolve", &latest]).line(), latest);
}

#[test]
fn a_partly_judged_root_has_a_note() {
    let require_label = policy("require-label");
    let labelled = |label: &str, arguments: &[&str]| {
        refkit(arguments.iter().copied().chain(["--policy", &require_label, "--set", label]))
    };
    let with = |arguments: &[&str]| labelled("label=example.team", arguments);
    let ran = with(&["resolve", &demo("1.2.3")]);
    assert_eq!(ran.code, 0);
    let note = ran.stderr.lines().next().unwrap_or_default();
    assert!(note.starts_with("note: of this index, the policies judged linux/"), "{}", ran.all());
    assert!(note.contains("(by require-label) and no other image"), "{}", ran.all());
    // No note if all images were judged, or only the judged ones were printed.
    let single = labelled("label=org.opencontainers.image.version", &["resolve", &demo("single")]);
    assert!(single.code == 0 && single.stderr.is_empty(), "{}", single.all());
    assert!(with(&["resolve", &demo("1.2.3"), "--platform", "linux/arm64"]).stderr.is_empty());
    assert!(with(&["resolve", &demo("1.2.3"), "--all-platforms"]).stderr.is_empty());
    // No note if no policy judged an image.
    assert!(refkit(["resolve", &demo("1.2.3")]).stderr.is_empty());
}

#[test]
fn one_platform_is_one_reference() {
    let image = demo_image("1.2.3");
    // the requested platform, the platform of the best entry
    let rows = [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/arm64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v8", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/s390x", "linux/s390x"),
    ];
    for (platform, suits) in rows {
        let wanted = format!("{DEMO}:1.2.3@{}", entry(&image, suits));
        assert_eq!(refkit(["resolve", "--platform", platform, &demo("1.2.3")]).line(), wanted, "{platform}");
    }
    // A manifest is the image for every platform, unchecked.
    let single = format!("{DEMO}:single@{}", demo_image("single").digest());
    assert_eq!(refkit(["resolve", "--platform", "linux/s390x", &demo("single")]).line(), single);
}

#[test]
fn several_platforms_are_lines() {
    let arguments = ["resolve", &demo("1.2.3"), "--platform", "linux/s390x", "--platform", "linux/arm/v7"];
    insta::assert_snapshot!(refkit(arguments).all(), @r"
    exit 0
    --- stdout
    linux/s390x   oci-layout:tests/fixtures/demo:1.2.3@sha256:4265693d9d1ec3235563330066052dc95f13a35fd4b33a59c4e0a9d86f61de60
    linux/arm/v7  oci-layout:tests/fixtures/demo:1.2.3@sha256:4771a00fa5e603aca04a094330e61eef052f09df1d80827633ecf940558c229f
    --- stderr
    ");
    insta::assert_snapshot!(refkit(["resolve", &demo("1.2.3"), "--all-platforms"]).all(), @r"
    exit 0
    --- stdout
    linux/amd64                     oci-layout:tests/fixtures/demo:1.2.3@sha256:f81b1570bcb3fdd37cc3d8f29690a06c2669d46669b612d6a7563df19b0ded53
    linux/arm64                     oci-layout:tests/fixtures/demo:1.2.3@sha256:37170a085dacbe9e0484383c62cfbbac36678f34fc56606445671ff32d2b16d3
    linux/arm/v7                    oci-layout:tests/fixtures/demo:1.2.3@sha256:4771a00fa5e603aca04a094330e61eef052f09df1d80827633ecf940558c229f
    linux/arm/v6                    oci-layout:tests/fixtures/demo:1.2.3@sha256:2cb15098adc478049d69113d3e2c5cd2cb17ee52cd26fbfd8c9addd9858f907c
    linux/386                       oci-layout:tests/fixtures/demo:1.2.3@sha256:0c5114b0879e40be578ac21eb999eac5db133b9a6ac53803bf15cd71fae2f936
    linux/s390x                     oci-layout:tests/fixtures/demo:1.2.3@sha256:4265693d9d1ec3235563330066052dc95f13a35fd4b33a59c4e0a9d86f61de60
    windows(10.0.20348.2700)/amd64  oci-layout:tests/fixtures/demo:1.2.3@sha256:d81b0d826313b2c9d014a62860b77ac98a05949881bdc49d2399c90996bcd24f
    windows(10.0.26100.2033)/amd64  oci-layout:tests/fixtures/demo:1.2.3@sha256:4568e90d68329e41a8e6d2df07ae7319d727bf6d2fcadb2e06a43521216f1319
    --- stderr
    ");
}

#[test]
fn a_missing_platform_fails_and_the_others_are_printed() {
    insta::assert_snapshot!(refkit(["resolve", &demo("1.0.0"), "--platform", "linux/riscv64"]).all(), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:tests/fixtures/demo:1.0.0 has no image for linux/riscv64
      it has linux/amd64, linux/arm64, linux/arm/v7
    ");
    let arguments = ["resolve", &demo("1.0.0"), "--platform", "linux/riscv64", "--platform", "linux/amd64"];
    insta::assert_snapshot!(refkit(arguments).all(), @r"
    exit 1
    --- stdout
    linux/amd64  oci-layout:tests/fixtures/demo:1.0.0@sha256:779ca1067eaf7e820081a65f3d2986a9da838acc68a0a51155f04aa7aad417b1
    --- stderr
    error: oci-layout:tests/fixtures/demo:1.0.0 has no image for linux/riscv64
      it has linux/amd64, linux/arm64, linux/arm/v7
    ");
}

/// Nothing of the index itself suits, so the run has read the index within it.
#[test]
fn a_missing_platform_lists_those_of_nested_indexes() {
    insta::assert_snapshot!(refkit(["resolve", &demo("1.2.3"), "--platform", "linux/riscv64"]).all(), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:tests/fixtures/demo:1.2.3 has no image for linux/riscv64
      it has linux/amd64, linux/arm64, linux/arm/v7, linux/arm/v6, linux/386, linux/s390x, windows(10.0.20348.2700)/amd64, windows(10.0.26100.2033)/amd64
    ");
}

#[test]
fn a_layout_is_named_in_several_ways() {
    let digest = demo_image("1.2.3").digest().to_string();
    let fixture = refkit_support::fixture("demo");
    let absolute = format!("{}:1.2.3", fixture.display());
    let at = format!("./demo@{digest}");
    // directory, reference, the output before the digest
    let rows = [
        ("tests", "oci-layout:fixtures/demo:1.2.3", "oci-layout:fixtures/demo:1.2.3".to_owned()),
        ("tests", "oci-layout://fixtures/demo:1.2.3", "oci-layout:fixtures/demo:1.2.3".to_owned()),
        ("tests/fixtures", "./demo:1.2.3", "oci-layout:./demo:1.2.3".to_owned()),
        ("tests/fixtures/demo", ".:1.2.3", "oci-layout:.:1.2.3".to_owned()),
        ("tests/fixtures", at.as_str(), "oci-layout:./demo".to_owned()),
        ("guest", absolute.as_str(), format!("oci-layout:{absolute}")),
    ];
    for (directory, reference, printed) in rows {
        let directory = refkit_support::workspace_root().join(directory);
        let ran = Refkit::new(["resolve", reference]).directory(&directory).run();
        assert_eq!(ran.line(), format!("{printed}@{digest}"), "{reference}");
    }
}

#[test]
fn a_layout_may_be_a_tar_archive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("demo.tar");
    archive(&refkit_support::fixture("demo"), &path);
    let digest = demo_image("1.2.3").digest().to_string();
    for (reference, printed) in [("demo.tar:1.2.3", "demo.tar:1.2.3"), ("oci-layout:demo.tar:1.2.3", "demo.tar:1.2.3")]
    {
        let ran = Refkit::new(["resolve", reference]).directory(directory.path()).run();
        assert_eq!(ran.line(), format!("oci-layout:{printed}@{digest}"));
    }
}

fn archive(directory: &Path, to: &Path) {
    let mut builder = tar::Builder::new(std::fs::File::create(to).unwrap());
    builder.append_dir_all(".", directory).unwrap();
    builder.finish().unwrap();
}

#[test]
fn it_works_without_a_home() {
    let ran = Refkit::new(["resolve", &demo("1.2.3")]).env("HOME", "").run();
    assert_eq!(ran.line(), format!("{DEMO}:1.2.3@{}", demo_image("1.2.3").digest()));
}
