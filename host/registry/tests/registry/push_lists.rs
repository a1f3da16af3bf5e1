//! Lists of referrers under the subject's tag, which several clients write at once.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use refkit_content::{Discover as _, Resolve as _};
use refkit_registry::Client;
use refkit_support::image::{Image, ImageBuilder};
use refkit_support::{Fault, FaultRegistry, Process, Rule};

use crate::ask::{anonymous, error_of, reference, repository};

fn apart() -> Client {
    Client::builder().system_roots(false).build()
}

fn subject() -> Image {
    ImageBuilder::new("linux/amd64").layer("a/b", "subject").build()
}

fn referrer(of: &Image, name: &str) -> Image {
    ImageBuilder::artifact("application/x.kind", of).annotation("name", name).build()
}

/// The variable that makes this binary a writer: the registry's host, and the number of its first referrer.
const WRITER: &str = "REFKIT_REGISTRY_TEST_WRITER";

/// How many referrers each process pushes.
const EACH: usize = 50;

/// How many of them at once.
const BATCH: usize = 10;

/// The longest wait for a process: 2 minutes, far more than a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Pushes referrers of the subject, a few at once.
async fn write(arguments: &str) {
    let (host, first) = arguments.split_once(' ').expect("two arguments");
    let first: usize = first.parse().expect("a number");
    let (asking, subject) = (apart(), subject());
    // Both begin at once: when the tag is there.
    while asking.resolve(&reference(host, &format!(":begin-{first}"))).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let all: Vec<Image> = (first..first + EACH).map(|n| referrer(&subject, &n.to_string())).collect();
    for few in all.chunks(BATCH) {
        let names: Vec<_> = few.iter().map(|of| reference(host, &format!("@{}", of.digest()))).collect();
        try_join_all(few.iter().zip(&names).map(|(one, name)| one.push(&asking, name))).await.expect("a push");
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test starts itself again as a child, and tells it by the environment what to do"
)]
async fn two_processes_lose_no_referrer() {
    if let Some(arguments) = std::env::var_os(WRITER) {
        return write(arguments.to_str().expect("text")).await;
    }
    let (registry, image) = (FaultRegistry::start().unwrap(), subject());
    registry.set_referrers(false);
    let host = registry.host();
    // Each has read the list long before its own write arrives.
    let tag = format!("sha256-{}", image.digest().hex());
    registry.add(Rule::on(&format!("PUT */manifests/{tag}"), Fault::normal().delay(Duration::from_millis(40))));
    image.push(&apart(), &reference(&host, ":1")).await.unwrap();
    let (binary, files) = (std::env::current_exe().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--exact", "push_lists::two_processes_lose_no_referrer", "--nocapture"];
    let messages = |writer: usize| files.path().join(format!("messages-{writer}"));
    let writers = [0, 1].map(|writer| {
        let work = format!("{host} {}", writer * EACH);
        let output = files.path().join(format!("output-{writer}"));
        Process::start(&binary, &arguments, &[(WRITER, &work)], output, messages(writer)).expect("a process")
    });
    let patience = Instant::now() + PATIENCE;
    let tags = [0, 1].map(|writer| format!("begin-{}", writer * EACH));
    while tags.iter().any(|tag| registry.count(&format!("HEAD */manifests/{tag}")) == 0) {
        assert!(Instant::now() < patience, "the processes do not begin");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tags.iter()
        .for_each(|tag| _ = registry.put_manifest("app", Some(tag), &image.descriptor.media_type, image.bytes.clone()));
    for (writer, process) in writers.iter().enumerate() {
        let ended = loop {
            match process.ended() {
                Some(ended) => break ended,
                None => assert!(Instant::now() < patience, "process {writer} still runs"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let said = fs::read_to_string(messages(writer)).unwrap();
        assert_eq!(ended, "exit status: 0", "process {writer}: {said}");
    }
    let listed = apart().referrers(&repository(&host), image.digest(), None).await.unwrap().value;
    let found: BTreeSet<_> = listed.iter().map(|one| one.digest.to_string()).collect();
    assert_eq!((listed.len(), found.len()), (2 * EACH, 2 * EACH));
    assert_eq!(found, (0..2 * EACH).map(|n| referrer(&image, &n.to_string()).digest().to_string()).collect());
    // Without another writer, each batch is listed by one write.
    let writes = registry.count(&format!("PUT */manifests/{tag}"));
    assert!(writes > 2 * EACH / BATCH, "{writes} writes: no process lost one to the other");
}

#[tokio::test]
async fn an_overwritten_list_is_completed() {
    let (registry, image) = (FaultRegistry::start().unwrap(), subject());
    registry.set_referrers(false);
    let asking = anonymous();
    image.push(&asking, &reference(&registry.host(), ":1")).await.unwrap();
    let push = |name: &str| {
        let (one, asking, host) = (referrer(&image, name), asking.clone(), registry.host());
        async move { one.push(&asking, &reference(&host, &format!("@{}", one.digest()))).await.map(|pushed| pushed.digest) }
    };
    let tag = format!("sha256-{}", image.digest().hex());
    let first = push("one").await.unwrap();
    // Another client had read the list before, and writes it now.
    let empty = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    registry.put_manifest("app", Some(&tag), "application/vnd.oci.image.index.v1+json", empty);
    let second = push("two").await.unwrap();
    let listed = asking.referrers(&repository(&registry.host()), image.digest(), None).await.unwrap().value;
    assert_eq!(listed.into_iter().map(|one| one.digest).collect::<Vec<_>>(), [first, second]);
    // A list that has the referrer is read once, and not written.
    registry.clear();
    push("two").await.unwrap();
    let count = |method: &str| registry.count(&format!("{method} */manifests/{tag}"));
    assert_eq!((count("GET"), count("PUT")), (1, 0));
    // A registry that says it took the list, and did not.
    registry.add(Rule::on(&format!("PUT */manifests/{tag}"), Fault::status(201)));
    registry.clear();
    let found = error_of(push("three").await).to_string();
    assert!(found.contains("list of referrers does not"), "{found}");
    assert_eq!(count("PUT"), 20);
}
