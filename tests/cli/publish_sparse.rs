//! `--sparse` with layouts and archives: an index that keeps its bytes, and some of its images.

use refkit_support::{Fault, FaultRegistry, Rule};

use crate::places::{demo_image, fill};
use crate::run::{Ran, refkit};

/// Runs a copy of the image for arm64, with the bytes of the index.
fn sparse(command: &str, from: &str, to: &str) -> Ran {
    refkit([command, "--sparse", "-p", "linux/arm64", from, to])
}

#[test]
fn a_layout_and_an_archive_take_an_index_without_its_manifests() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3", "single"]);
    let app = format!("{}/demo/app", registry.host());
    let (index, single) = (demo_image("1.2.3"), demo_image("single"));
    let arm64 = index.children()[1].digest();
    let directory = tempfile::tempdir().unwrap();
    for name in ["layout", "archive.tar"] {
        let path = directory.path().join(name).display().to_string();
        let reference = format!("oci-layout:{path}:1.2.3");
        let pinned = format!("{reference}@{}", index.digest());
        // To do it again changes nothing.
        for _ in 0..2 {
            assert_eq!(sparse("copy", &format!("{app}:1.2.3"), &path).line(), pinned);
        }
        assert_eq!(refkit(["inspect", &reference, "--raw"]).stdout, index.bytes, "{name}");
        let one = refkit(["resolve", &reference, "--platform", "linux/arm64"]);
        assert!(one.code == 0 && one.text().ends_with(&format!("{arm64}\n")), "{}", one.all());
        let one = refkit(["inspect", &reference, "--platform", "linux/arm64"]);
        assert!(one.code == 0 && one.text().contains(arm64.as_str()), "{}", one.all());
        let whole = refkit(["inspect", &reference]);
        let absent = index.children()[0].digest().as_str();
        assert!(whole.code == 1 && whole.text().contains(arm64.as_str()), "{}", whole.all());
        assert!(whole.stderr.contains(absent) && !whole.text().contains(absent), "{}", whole.all());
        // What else is written keeps it, and it keeps what else is there.
        refkit(["copy", &format!("{app}:single"), &path]).line();
        refkit(["tag", &reference, "more"]).line();
        for (tag, wanted) in [("1.2.3", index.digest()), ("more", index.digest()), ("single", single.digest())] {
            let name = format!("oci-layout:{path}:{tag}");
            assert_eq!(refkit(["resolve", &name]).line(), format!("{name}@{wanted}"));
        }
        // From there to a registry that takes it.
        let to = format!("{}/demo/{}:1", registry.host(), name.replace('.', "-"));
        registry.add(Rule::on("PUT */manifests/1", Fault::status(201)));
        let ran = sparse("push", &reference, &to);
        // With a note about what the registry lacks.
        assert_eq!((ran.code, ran.text()), (0, format!("{to}@{}\n", index.digest()).as_str()), "{}", ran.all());
        let repository = format!("demo/{}", name.replace('.', "-"));
        let there =
            |child: &&refkit_support::image::Image| registry.manifest(&repository, child.digest().as_str()).is_some();
        // The image, its attestation, and the nested index, whose entry has no platform.
        assert_eq!(index.children().iter().filter(there).count(), 3);
        registry.clear_rules();
        // Without --sparse, an index of what is there, or none.
        let ran = refkit(["push", "-p", "linux/arm64", &reference, &to]);
        assert!(ran.code == 0, "{}", ran.all());
        let ran = refkit(["push", &reference, &to]);
        assert!(ran.code == 1 && ran.stderr.contains("choose them with --platform"), "{}", ran.all());
    }
}

#[test]
fn without_the_flag_they_take_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (from, to) = (path("from"), path("to"));
    let source = "oci-layout:tests/fixtures/demo:1.2.3";
    assert_eq!(sparse("copy", source, &from).code, 0);
    let ran = refkit(["copy", &from, &to]);
    assert!(ran.code == 1 && ran.stderr.contains("not found"), "{}", ran.all());
    assert!(refkit(["resolve", &format!("oci-layout:{to}:1.2.3")]).code == 1);
}
