//! `refkit tag`: one request for each tag, byte for byte.

use refkit_support::{Fault, FaultRegistry, Rule};

use crate::places::{demo_image, fill, layout};
use crate::run::{Refkit, policy, refkit};

#[test]
fn a_tag_is_one_request_and_keeps_the_bytes() {
    // the tag, the documents that are read
    for (tag, reads) in [("single", 1), ("1.0.0", 1), ("1.2.3", 2)] {
        let registry = FaultRegistry::start().unwrap();
        fill(&registry, &[tag]);
        registry.clear();
        let app = format!("{}/demo/app", registry.host());
        let (source, full) = (format!("{app}:{tag}"), format!("{app}:stable"));
        let ran = refkit(["tag", &source, "new", &full, "--no-cache"]);
        let digest = demo_image(tag).digest().clone();
        assert_eq!(ran.line(), format!("{app}:new@{digest}\n{app}:stable@{digest}"));
        assert_eq!(registry.count("GET */manifests/*"), reads, "{tag}: {:?}", registry.requests());
        for new in ["new", "stable"] {
            assert_eq!(registry.count(&format!("PUT */manifests/{new}")), 1, "{tag}");
        }
        assert_eq!(registry.count("*"), reads + 2, "{tag}: {:?}", registry.requests());
        let there = refkit(["inspect", &full, "--raw"]);
        assert_eq!(there.stdout, demo_image(tag).bytes, "{tag}");
    }
}

#[test]
fn a_dry_run_moves_no_tag() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let app = format!("{}/demo/app", registry.host());
    let ran = refkit(["tag", &format!("{app}:single"), "new", "--dry-run"]);
    assert_eq!(ran.line(), format!("{app}:new@{}", demo_image("single").digest()));
    assert_eq!(registry.count("PUT *"), 0);
}

#[test]
fn a_layout_gets_tags() {
    let image = demo_image("1.0.0");
    let directory = layout(&image);
    let path = directory.path().display().to_string();
    let pinned = |tag: &str| format!("oci-layout:{path}:{tag}@{}", image.digest());
    let full = format!("oci-layout:{path}:stable");
    assert_eq!(refkit(["tag", &path, "new", &full]).line(), format!("{}\n{}", pinned("new"), pinned("stable")));
    assert_eq!(refkit(["resolve", &format!("{path}:new")]).line(), pinned("new"));
}

#[test]
fn a_tag_stays_in_its_repository() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let source = format!("{}/demo/app:single", registry.host());
    let (other, sub) = (format!("{}/demo/other:1", registry.host()), format!("{}/demo/app", registry.host()));
    // the new name, a part of the message
    let rows = [
        (other.as_str(), "is not in the repository of"),
        ("elsewhere.test/demo/app:1", "is not in the repository of"),
        ("oci-layout:./d:1", "is not in the repository of"),
        (sub.as_str(), "has no tag"),
        ("Not/A:Reference", "error: "),
    ];
    for (new, part) in rows {
        let ran = refkit(["tag", &source, "good", new]);
        assert!(ran.code == 2 && ran.text().is_empty() && ran.stderr.contains(part), "{new}: {}", ran.all());
    }
    assert_eq!(registry.count("PUT *"), 0);
}

#[test]
fn policies_decide_about_what_is_tagged() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let source = format!("{}/demo/app:single", registry.host());
    let allow_list = policy("allow-list");
    let command = |allow: &str| {
        let allow = format!("allow={allow}");
        Refkit::new(["tag", &source, "new", "--policy", &allow_list, "--set", &allow]).run()
    };
    let ran = command("docker.io/**");
    assert_eq!((ran.code, ran.text(), registry.count("*")), (3, "", 0), "{}", ran.all());
    assert!(ran.stderr.contains("by policy allow-list"), "{}", ran.all());
    assert_eq!(command(&format!("{}/**", registry.host())).code, 0);
    assert_eq!(registry.count("PUT */manifests/new"), 1);
}

#[test]
fn the_tags_before_a_failure_are_named() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let app = format!("{}/demo/app", registry.host());
    registry.add(Rule::on("PUT */manifests/two", Fault::status(403)));
    let ran = refkit(["tag", &format!("{app}:single"), "one", "two", "three"]);
    let note = format!("note: {app}:one was written before that\n");
    assert!(ran.code == 1 && ran.text().is_empty() && ran.stderr.contains(&note), "{}", ran.all());
    assert_eq!(ran.stderr.matches("was written").count(), 1, "{}", ran.all());
    assert!(registry.manifest("demo/app", "one").is_some() && registry.manifest("demo/app", "three").is_none());
}

#[test]
fn a_missing_source_and_a_wrong_setting_are_errors() {
    let registry = FaultRegistry::start().unwrap();
    let source = format!("{}/demo/app:none", registry.host());
    let ran = refkit(["tag", &source, "new"]);
    assert!(ran.code == 1 && ran.stderr.contains("not found"), "{}", ran.all());
    let ran = refkit(["tag", &source, "new", "--publish-set", "no-such=1"]);
    assert!(ran.code == 2 && ran.stderr.contains("no-such"), "{}", ran.all());
    assert_eq!(registry.count("PUT *"), 0);
}
