//! Indexes that name the same index again and again: each is opened once, and that takes little memory.

use refkit_support::FaultRegistry;
use refkit_support::image::{INDEX, MANIFEST};

use crate::run::Refkit;

/// What the command may have in memory at most.
const PEAK: u64 = 200_000_000;

fn index(entries: &[String]) -> String {
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, entries.join(","))
}

/// Puts an index of 10,000 entries there that all name one of 2,000 images, one of them for the platform.
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
    // The one image under 2,000 platforms, in one of the 10,000 places of its index.
    assert_eq!((count("0 layers"), count("as above")), (2_000, 9_999));
    assert!(ran.stderr.contains("and 11900 more") && ran.stderr.contains("memory of the host"), "{}", ran.stderr);
    assert_eq!(registry.count("GET *"), 3, "{:?}", registry.requests());

    let (ran, peak) = Refkit::new(["inspect", &reference, "--explain"]).measured();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("holds more than 1024 images and indexes"), "{}", ran.stderr);
    assert!(peak < PEAK, "{peak} bytes");
}
