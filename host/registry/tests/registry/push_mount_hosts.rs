//! Mounts between two registries that the settings lead to one host.

use std::fs;
use std::path::Path;

use refkit_content::copy;
use refkit_oci::Reference;
use refkit_registry::hosts::{ConfigFile, Files};
use refkit_registry::{Client, Credentials, Hosts};
use refkit_support::{Auth, Fault, FaultRegistry, RealRegistry, Rule};

use crate::ask::{anonymous, builder, image, reference};

/// Returns a client whose `certs.d` has these servers of registries.
fn served(servers: &[(&str, &str)]) -> Client {
    let root = tempfile::tempdir().unwrap();
    for (registry, host) in servers {
        let directory = root.path().join(registry);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("hosts.toml"), format!("server = \"http://{host}\"\n")).unwrap();
    }
    let files = Files::default().certs_d(vec![ConfigFile::Named(root.path().to_owned())]);
    builder(Credentials::Anonymous).hosts(Hosts::read(&files).unwrap()).build()
}

/// Returns a client with a `refkit.toml`.
fn configured(text: &str) -> Client {
    let hosts = Hosts::default().refkit(Path::new("refkit.toml"), text).unwrap();
    builder(Credentials::Anonymous).hosts(hosts).build()
}

fn named(name: &str) -> Reference {
    Reference::parse(name).expect("a reference")
}

#[tokio::test]
async fn a_host_of_two_registries_mounts() {
    let (here, there) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    image().push(&anonymous(), &reference(&here.host(), ":1")).await.unwrap();
    image().push(&anonymous(), &named(&format!("{}/hub/app:1", here.host()))).await.unwrap();
    let (one, two) = (here.host(), there.host());
    let both = served(&[("a.example", &one), ("b.example", &one)]);
    let apart = served(&[("a.example", &one), ("b.example", &two)]);
    let mirror = configured(&format!("[registry.\"a.example\"]\nmirrors = [\"http://{one}/hub\"]\n"));
    let below = configured(&format!("[registry.\"a.example\"]\nmirrors = [\"http://{two}/hub\", \"http://{one}\"]\n"));
    let (first, second) = (format!("{one}/first:1"), format!("{one}/second:1"));
    // the client, the destination, the repository that blobs are mounted from, read and sent blobs, all requests to
    // the host that has the image and to the other one
    let rows = [
        ("two names", &both, "b.example/copy:1", Some("app"), 0, (8, 0)),
        ("two names of one repository", &both, "b.example/app:2", None, 0, (4, 0)),
        ("two hosts", &apart, "b.example/copy:1", None, 2, (4, 10)),
        ("a mirror at a path of the host", &mirror, first.as_str(), Some("hub/app"), 0, (8, 0)),
        ("the host is the second mirror", &below, second.as_str(), Some("app"), 0, (8, 2)),
    ];
    for (name, asking, to, from, blobs, requests) in rows {
        for registry in [&here, &there] {
            registry.clear();
        }
        copy(asking, &named("a.example/app:1"), asking, &named(to)).await.expect(name);
        let shown: Vec<_> = here.requests().iter().chain(&there.requests()).map(ToString::to_string).collect();
        let mounts: Vec<_> = shown.iter().filter(|line| line.contains("mount=")).collect();
        assert_eq!(mounts.len(), if from.is_some() { 2 } else { 0 }, "{name}: {shown:#?}");
        let from = format!("from={}", from.unwrap_or_default().replace('/', "%2F"));
        assert!(mounts.iter().all(|line| line.contains(&from) && line.ends_with(" 201")), "{name}: {shown:#?}");
        let count = |pattern| here.count(pattern) + there.count(pattern);
        assert_eq!((count("GET */blobs/*"), count("PUT */blobs/*")), (blobs, blobs), "{name}: {shown:#?}");
        assert_eq!((here.count("*"), there.count("*")), requests, "{name}: {shown:#?}");
    }
}

/// One mount shows that the host has not got the blobs of what the mirror has in memory only.
#[tokio::test]
async fn a_mirror_that_lacks_the_blobs_is_tried_once() {
    let registry = FaultRegistry::start().unwrap();
    image().push(&anonymous(), &reference(&registry.host(), ":1")).await.unwrap();
    registry.clear();
    let host = registry.host();
    let location = "/v2/copy/blobs/uploads/none";
    let mounts = |request: &http::request::Parts| request.uri.query().is_some_and(|query| query.contains("mount="));
    registry.add(Rule::when(mounts, Fault::status(202).header("location", location)));
    let asking = served(&[("a.example", &host), ("b.example", &host)]);
    copy(&asking, &named("a.example/app:1"), &asking, &named("b.example/copy:1")).await.unwrap();
    assert_eq!((registry.count("POST *?*mount=*"), registry.count("DELETE *")), (1, 1));
    assert_eq!((registry.count("GET */blobs/*"), registry.count("PUT */blobs/*")), (2, 2));
}

#[tokio::test]
async fn real_registries_mount_between_names() {
    for registry in
        [RealRegistry::distribution_v3(Auth::Anonymous).unwrap(), RealRegistry::debian_v2(Auth::Anonymous).unwrap()]
    {
        let host = registry.host();
        image().push(&anonymous(), &reference(host, ":1")).await.unwrap();
        registry.clear().unwrap();
        let asking = served(&[("a.example", host), ("b.example", host)]);
        copy(&asking, &named("a.example/app:1"), &asking, &named("b.example/copy:1")).await.unwrap();
        let asked = registry.requests().unwrap();
        let mounted = asked.iter().filter(|request| request.method == "POST" && request.status == 201).count();
        assert_eq!((mounted, registry.count("*").unwrap()), (2, 8), "{asked:?}");
    }
}
