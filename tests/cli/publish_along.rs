//! What comes along with a copied image: referrers, cosign's tags, platforms, and layers that may not be distributed.

use std::collections::BTreeSet;

use refkit_support::image::{Image, ImageBuilder, IndexBuilder};
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::places::{demo_image, fill, put};
use crate::run::refkit;

fn image(platform: &str) -> Image {
    ImageBuilder::new(platform).file("platform", platform.as_bytes()).build()
}

fn cosign(of: &Image, suffix: &str) -> String {
    format!("sha256-{}{suffix}", of.digest().hex())
}

/// Returns what a registry has in a repository, of these.
fn there<'a>(registry: &FaultRegistry, repository: &str, all: &[&'a str]) -> BTreeSet<&'a str> {
    all.iter().copied().filter(|name| registry.manifest(repository, name).is_some()).collect()
}

#[test]
fn referrers_and_signatures_come_whatever_the_source_is_called() {
    for api in [true, false] {
        let registry = FaultRegistry::start().unwrap();
        registry.set_referrers(api);
        let (one, two) = (image("linux/amd64"), image("linux/arm64"));
        let index = IndexBuilder::new().add(one.clone()).add(two).build();
        put(&registry, "from/app", Some("1"), &index);
        let sbom = ImageBuilder::artifact("application/spdx+json", &one).layer("a/b", "an sbom").build();
        let signature = ImageBuilder::artifact("application/x.signature", &sbom).layer("a/b", "a signature").build();
        // By refkit, which keeps the list where there is no referrers API.
        let layouts = tempfile::tempdir().unwrap();
        for (name, referrer) in [("sbom", &sbom), ("signature", &signature)] {
            put(&registry, &format!("other/{name}"), None, referrer);
            let (from, to) = (format!("other/{name}"), format!("from/app@{}", referrer.digest()));
            let from = format!("{}/{from}@{}", registry.host(), referrer.digest());
            refkit(["copy", &from, &format!("{}/{to}", registry.host())]).line();
        }
        let attached = ImageBuilder::new("linux/amd64").layer("application/vnd.dev.cosign", "signed").build();
        let (of_index, of_one) = (cosign(&index, ".sig"), cosign(&one, ".att"));
        for tag in [&of_index, &of_one] {
            put(&registry, "from/app", Some(tag), &attached);
        }
        let all = [sbom.digest().as_str(), signature.digest().as_str(), of_index.as_str(), of_one.as_str()];
        let wanted: BTreeSet<&str> = all.into_iter().collect();
        let digest = index.digest();
        for (place, name) in [":1".to_owned(), format!("@{digest}"), format!(":1@{digest}")].iter().enumerate() {
            let (source, to) = (format!("{}/from/app{name}", registry.host()), format!("to/app{place}"));
            let target = format!("{}/{to}:new", registry.host());
            let ran = refkit(["copy", &source, &target]);
            assert_eq!(ran.line(), format!("{target}@{digest}"));
            assert_eq!(there(&registry, &to, &all), BTreeSet::new(), "{name}");
            assert_eq!(refkit(["copy", "--referrers", &source, &target]).line(), format!("{target}@{digest}"));
            assert_eq!(there(&registry, &to, &all), wanted, "{name}, API {api}");
            let create = format!("{}/{to}-created:new", registry.host());
            refkit(["create", "--referrers", &source, "-t", &create]).line();
            assert_eq!(there(&registry, &format!("{to}-created"), &all), wanted, "{name}, API {api}");
            // The list of referrers is the destination's own.
            let list = registry.manifest(&to, &cosign(&one, ""));
            let listed = list.map(|(_, bytes)| String::from_utf8_lossy(&bytes).contains(sbom.digest().as_str()));
            assert_eq!(listed, (!api).then_some(true), "{name}");
        }
        drop(layouts);
    }
}

/// The source lists a signature, and does not have it.
#[test]
fn a_signature_that_is_gone_ends_the_copy() {
    let registry = FaultRegistry::start().unwrap();
    let one = image("linux/amd64");
    put(&registry, "from/app", Some("1"), &one);
    put(&registry, "from/app", Some(&cosign(&one, ".sig")), &image("linux/arm64"));
    registry.add(Rule::on("GET */manifests/sha256-*.sig", Fault::status(404)));
    registry.add(Rule::on("HEAD */manifests/sha256-*.sig", Fault::status(404)));
    let (source, to) = (format!("{}/from/app:1", registry.host()), format!("{}/to/app:1", registry.host()));
    let ran = refkit(["copy", "--no-cache", "--referrers", &source, &to]);
    assert!(ran.code == 1 && ran.stderr.contains(".sig"), "{}", ran.all());
    assert!(registry.manifest("to/app", "1").is_none());
}

#[test]
fn platforms_give_an_index_of_what_was_copied_or_a_sparse_one() {
    let registry = FaultRegistry::start().unwrap();
    let index = demo_image("1.2.3");
    fill(&registry, &["1.2.3"]);
    let source = format!("{}/demo/app:1.2.3", registry.host());
    let (new, sparse) = (format!("{}/demo/new:1", registry.host()), format!("{}/demo/sparse:1", registry.host()));
    let command = ["copy", "-p", "linux/arm64,linux/amd64", &source];
    refkit(command.into_iter().chain([new.as_str()])).line();
    let text = refkit(["inspect", &new, "--raw"]);
    for child in index.children() {
        let listed = text.text().contains(child.digest().as_str());
        assert_eq!(listed, registry.manifest("demo/new", child.digest().as_str()).is_some(), "{}", child.digest());
    }
    assert_eq!(refkit(["resolve", &new, "--platform", "linux/s390x"]).code, 1);
    assert_eq!(refkit(["resolve", &new, "--platform", "linux/arm64"]).code, 0);
    let ran = refkit(command.into_iter().chain([sparse.as_str(), "--sparse"]));
    assert!(ran.code == 1 && ran.stderr.contains("MANIFEST_BLOB_UNKNOWN"), "this registry wants all: {}", ran.all());
    registry.add(Rule::on("PUT */demo/sparse/manifests/1", Fault::status(201)));
    let ran = refkit(command.into_iter().chain([sparse.as_str(), "--sparse"]));
    assert_eq!((ran.code, ran.text()), (0, format!("{sparse}@{}\n", index.digest()).as_str()), "{}", ran.all());
    let copied =
        index.children().iter().filter(|child| registry.manifest("demo/sparse", child.digest().as_str()).is_some());
    // Two images, their attestations, and the nested index, whose entry has no platform.
    assert_eq!(copied.count(), 5);
    let ran = refkit(["copy", "--sparse", &source, &sparse]);
    assert!(ran.code == 2 && ran.stderr.contains("--platform"), "{}", ran.all());
}

#[test]
fn layers_that_may_not_be_distributed_stay_unless_they_are_included() {
    const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let registry = FaultRegistry::start().unwrap();
    let image = ImageBuilder::new("linux/amd64").file("own", b"own").layer(FOREIGN, "not for everyone").build();
    put(&registry, "demo/app", Some("1"), &image);
    let foreign = image.blobs().iter().find(|(blob, _)| *blob.media_type == *FOREIGN).unwrap().0.digest.clone();
    let source = format!("{}/demo/app:1", registry.host());
    let directory = tempfile::tempdir().unwrap();
    let layout = directory.path().join("app").display().to_string();
    refkit(["copy", &source, &layout]).line();
    let blob = directory.path().join("app/blobs/sha256").join(foreign.hex());
    assert!(!blob.exists());
    let target = format!("{}/demo/new:1", registry.host());
    let ran = refkit(["copy", &layout, &target, "--include-nondistributable"]);
    assert!(ran.code == 1 && ran.stderr.contains(foreign.as_str()), "{}", ran.all());
    refkit(["copy", &source, &layout, "--include-nondistributable"]).line();
    assert!(blob.exists());
    // This registry wants all blobs of a manifest: the error says which layer the copy has left, and why.
    let other = FaultRegistry::start().unwrap();
    let ran = refkit(["copy", &layout, &format!("{}/demo/app:1", other.host())]);
    let left = format!("the copy left out what may not be distributed: {foreign} ({FOREIGN})");
    assert!(ran.code == 1 && ran.stderr.contains(&left), "{}", ran.all());
    assert!(ran.stderr.contains("to copy these layers as well: --include-nondistributable"), "{}", ran.all());
    let ran = refkit(["copy", &layout, &format!("{}/demo/app:1", other.host()), "--include-nondistributable"]);
    assert!(ran.code == 0 && other.blob("demo/app", foreign.as_str()).is_some(), "{}", ran.all());
}
