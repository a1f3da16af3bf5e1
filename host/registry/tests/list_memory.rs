//! Endless lists of referrers stay within the memory limit of a list.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test starts itself again as a child, and tells it by the environment what to do"
)]

use std::process::Command;

use futures_util::future::join_all;
use http::request::Parts;
use refkit_content::{Discover as _, ErrorKind};
use refkit_oci::Repository;
use refkit_registry::Client;
use refkit_support::image::INDEX;
use refkit_support::{Fault, FaultRegistry, Rule, digest};

/// The variable that makes this binary the listing process: the registry's host.
const LISTS: &str = "REFKIT_REGISTRY_TEST_LISTS";

/// Concurrent lists: one for each manifest of an index.
const COUNT: u32 = 24;

/// The most memory of the process: the limits of the lists, and the pages that are read at the same time.
const MEMORY: u64 = (24 * 8 + 128) << 20;

/// Returns the peak memory of this process in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().strip_suffix(" kB").expect("in kB").parse::<u64>().expect("a number") << 10
}

async fn lists(host: &str) {
    let asking = Client::builder().system_roots(false).build();
    let repository = Repository::new(host, "app").expect("a repository");
    let subjects: Vec<_> = (0..COUNT).map(|number| digest(&number.to_le_bytes())).collect();
    for found in join_all(subjects.iter().map(|subject| asking.referrers(&repository, subject, None))).await {
        let error = found.expect_err("a list without an end").kind;
        assert!(matches!(error, ErrorKind::TooLarge { .. } | ErrorKind::TooMany { .. }), "{error}");
    }
    println!("peak={}", peak());
}

#[tokio::test]
async fn many_lists_without_an_end() {
    if let Some(host) = std::env::var_os(LISTS) {
        return lists(host.to_str().expect("text")).await;
    }
    let registry = FaultRegistry::start().unwrap();
    // Entries of 4 KB, of 400 bytes, and with as many annotations as fit: 4 MB a page. Each page links to a next one.
    let note = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length));
    let notes: Vec<String> = (0..1000).map(|number| format!(r#""{number}":"""#)).collect();
    let notes = format!("{{{}}}", notes.join(","));
    for (count, annotations) in [(1000, note(3800)), (4900, note(200)), (90, notes)] {
        let entry = |number: u32| {
            let digest = digest(&number.to_le_bytes());
            format!(
                r#"{{"mediaType":"{INDEX}","digest":"{digest}","size":1,"artifactType":"a/b","annotations":{annotations}}}"#
            )
        };
        let entries: Vec<String> = (0..count).map(entry).collect();
        let page = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
        assert!(page.len() < 4 << 20, "{}", page.len());
        registry.clear_rules();
        for number in 0..16 {
            let this = move |parts: &Parts| parts.uri.query().unwrap_or("page=0") == format!("page={number}");
            let next = format!("<?page={}>; rel=next", number + 1);
            let fault = Fault::status(200).header("content-type", INDEX).header("link", &next);
            registry.add(Rule::when(this, fault.body(page.clone())));
        }
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "many_lists_without_an_end", "--nocapture"])
            .env(LISTS, registry.host())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let peak = text.split_once("peak=").and_then(|(_, peak)| peak.split_whitespace().next());
        let peak: u64 = peak.expect("a peak").parse().expect("a number");
        println!("{count}: {} MiB", peak >> 20);
        assert!(peak < MEMORY, "{count} entries a page: {} MiB", peak >> 20);
    }
}
