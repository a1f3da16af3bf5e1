//! Indexes that list the same content many times, and large manifests: little memory, and one request for each
//! content.

use refkit_support::FaultRegistry;
use refkit_support::image::{INDEX, MANIFEST};

use crate::run::Refkit;

/// The most memory of the command.
const PEAK: u64 = 200_000_000;

fn index(entries: &[String]) -> String {
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, entries.join(","))
}

/// Pushes an index of 10,000 entries that all name one of 2,000 images, one of them for the platform.
fn fill(registry: &FaultRegistry) {
    let empty = registry.put_blob("app", "{}");
    let config = format!(r#"{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{empty}","size":2}}"#);
    let manifest = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[]}}"#);
    let image = registry.put_manifest("app", None, MANIFEST, manifest.clone());
    let entry = |number: usize| {
        let architecture = if number == 0 { "amd64".to_owned() } else { format!("a{number}") };
        format!(
            r#"{{"mediaType":"{MANIFEST}","digest":"{image}","size":{},"platform":{{"os":"linux","architecture":"{architecture}"}}}}"#,
            manifest.len()
        )
    };
    let inner = index(&(0..2_000).map(entry).collect::<Vec<_>>());
    let digest = registry.put_manifest("app", None, INDEX, inner.clone());
    let outer = format!(r#"{{"mediaType":"{INDEX}","digest":"{digest}","size":{}}}"#, inner.len());
    registry.put_manifest("app", Some("1"), INDEX, index(&vec![outer; 10_000]));
}

#[test]
fn each_is_opened_once() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry);
    let reference = format!("{}/app:1", registry.host());
    let (ran, peak) = Refkit::new(["inspect", &reference, "--platform", "linux/amd64", "--explain"]).measured();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(peak < PEAK, "{peak} bytes");
    let count = |part: &str| ran.text().lines().filter(|line| line.contains(part)).count();
    // One image for 2,000 platforms, in one of the 10,000 entries of its index.
    assert_eq!((count("0 layers"), count("as above")), (2_000, 9_999));
    assert!(ran.stderr.contains("and 11900 more") && ran.stderr.contains("memory of the host"), "{}", ran.stderr);
    assert_eq!(registry.count("GET *"), 3, "{:?}", registry.requests());

    let (ran, peak) = Refkit::new(["inspect", &reference, "--explain"]).measured();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("holds more than 1024 images and indexes"), "{}", ran.stderr);
    assert!(peak < PEAK, "{peak} bytes");
}

/// 101 entries of one image and 100 of its attestations: 10,100 attestations, of which 10,000 are shown at most.
#[test]
fn attestations_are_limited() {
    let registry = FaultRegistry::start().unwrap();
    let empty = registry.put_blob("app", "{}");
    let config = format!(r#"{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{empty}","size":2}}"#);
    let manifest = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[]}}"#);
    let image = registry.put_manifest("app", None, MANIFEST, manifest.clone());
    let entry = format!(
        r#"{{"mediaType":"{MANIFEST}","digest":"{image}","size":{},"platform":{{"os":"linux","architecture":"amd64"}}}}"#,
        manifest.len()
    );
    let attestation = |number: usize| {
        format!(
            r#"{{"mediaType":"{MANIFEST}","digest":"sha256:{number:064x}","size":1,"platform":{{"os":"unknown","architecture":"unknown"}},"annotations":{{"vnd.docker.reference.type":"attestation-manifest","vnd.docker.reference.digest":"{image}"}}}}"#
        )
    };
    let attestations: Vec<String> = (0..100).map(attestation).collect();
    for (images, code, said) in [(100, 0, ""), (101, 1, "more than 10000 attestations")] {
        let entries = [vec![entry.clone(); images], attestations.clone()].concat();
        registry.put_manifest("app", Some("1"), INDEX, index(&entries));
        let ran = Refkit::new(["inspect", &format!("{}/app:1", registry.host())]).run();
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        assert_eq!(
            ran.text().lines().filter(|line| line.contains("attestation  ")).count(),
            if code == 0 { 10_000 } else { 0 }
        );
    }
}

/// Eight manifests of 10,000 layers each: the command shows as many as its memory allows, and the reason for the rest.
#[test]
fn large_manifests_are_held_within_the_limit() {
    let registry = FaultRegistry::start().unwrap();
    let image = |number: usize| {
        let layer = |layer: usize| {
            let place = format!("layer {layer} of image {number}, {}", "x".repeat(170));
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:{number:032x}{layer:032x}","size":1,"annotations":{{"x":"{place}"}}}}"#
            )
        };
        let config =
            format!(r#"{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:{number:064x}","size":2}}"#);
        let layers: Vec<String> = (0..10_000).map(layer).collect();
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{}]}}"#,
            layers.join(",")
        );
        assert!((3 << 20..4 << 20).contains(&manifest.len()), "{}", manifest.len());
        let digest = registry.put_manifest("app", None, MANIFEST, manifest.clone());
        let platform = format!(r#""platform":{{"os":"linux","architecture":"a{number}"}}"#);
        format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{},{platform}}}"#, manifest.len())
    };
    let images: Vec<String> = (0..8).map(image).collect();
    registry.put_manifest("app", Some("1"), INDEX, index(&images));
    let reference = format!("{}/app:1", registry.host());
    for format in ["json", "text"] {
        let (ran, peak) = Refkit::new(["inspect", &reference, "--layers", "--format", format]).measured();
        assert!(peak < PEAK, "{format}: {peak} bytes");
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        let shown = ran.text().matches("of image ").count() / 10_000;
        let reasons =
            ["the host holds as much for this run as it may: 67108864 bytes", "the layers of these manifests"];
        let failed = reasons.iter().map(|reason| ran.stderr.matches(reason).count()).sum::<usize>();
        assert!(shown > 0 && shown + failed == 8, "{format}: {shown} {failed}: {}", ran.stderr);
    }
}

/// Twenty manifests with an annotation of 3 MB each, and thirty with 45,000 small ones: the command shows one of them.
#[test]
fn long_annotations_are_held_within_the_limit() {
    let small: Vec<String> = (0..45_000).map(|number| format!(r#""n{number}":"{number}""#)).collect();
    for (images, annotations) in [(20, format!(r#""n":"{}""#, "x".repeat(3_000_000))), (30, small.join(","))] {
        let registry = FaultRegistry::start().unwrap();
        let image = |number: usize| {
            let config = format!(
                r#"{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:{number:064x}","size":2}}"#
            );
            let manifest = format!(
                r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[],"annotations":{{"number":"{number}",{annotations}}}}}"#
            );
            let digest = registry.put_manifest("app", None, MANIFEST, manifest.clone());
            let platform = format!(r#""platform":{{"os":"linux","architecture":"a{number}"}}"#);
            format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{},{platform}}}"#, manifest.len())
        };
        let entries: Vec<String> = (0..images).map(image).collect();
        registry.put_manifest("app", Some("1"), INDEX, index(&entries));
        let reference = format!("{}/app:1", registry.host());
        for format in ["json", "text"] {
            let (ran, peak) = Refkit::new(["inspect", &reference, "--format", format]).measured();
            assert!(peak < PEAK, "{format}: {peak} bytes");
            assert_eq!(ran.code, 1, "{}", ran.stderr);
            assert!(
                ran.stderr.contains("annotations of these manifests take more than 4194304 bytes"),
                "{}",
                ran.stderr
            );
        }
    }
}
