//! `refkit create` and `refkit copy` that end on the way: killed at each of their requests, or refused by the destination.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use refkit_support::{Fault, FaultRegistry, Rule};
use serde_json::Value;

use crate::places::{demo_image, put};
use crate::run::{Refkit, refkit, wait};

/// The most requests of one run here; more would be an endless test.
const MOST: usize = 200;

/// Returns the content that a tag or a digest refers to and that the repository lacks.
fn missing(registry: &FaultRegistry, repository: &str, name: &str) -> Vec<String> {
    let Some((_, bytes)) = registry.manifest(repository, name) else { return vec![name.to_owned()] };
    let document: Value = serde_json::from_slice(&bytes).expect("a document");
    let digest = |one: &Value| one["digest"].as_str().expect("a digest").to_owned();
    let list = |key: &str| document[key].as_array().cloned().unwrap_or_default();
    let manifests =
        list("manifests").iter().map(digest).flat_map(|child| missing(registry, repository, &child)).collect();
    let config = Some(&document["config"]).filter(|config| config.is_object()).cloned();
    let blobs = list("layers").into_iter().chain(config).map(|blob| digest(&blob));
    let blobs = blobs.filter(|blob| registry.blob(repository, blob).is_none());
    std::iter::once(manifests).chain(std::iter::once(blobs.collect())).collect::<Vec<Vec<_>>>().concat()
}

/// Two registries with the sources of a run; the second one is empty otherwise.
struct Stage {
    from: FaultRegistry,
    to: FaultRegistry,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { from: FaultRegistry::start().unwrap(), to: FaultRegistry::start().unwrap() };
        put(&stage.from, "demo/app", Some("1"), &demo_image("1.0.0"));
        put(&stage.to, "demo/own", Some("1"), &demo_image("single"));
        stage
    }

    fn arguments(&self, command: &str) -> Vec<String> {
        let (from, to) = (self.from.host(), self.to.host());
        let words = match command {
            "create" => format!("create {from}/demo/app:1 {to}/demo/own:1 -t {to}/demo/new:1 -t {to}/demo/new:2"),
            "copy" => format!("copy {from}/demo/app:1 {to}/demo/new:1"),
            other => panic!("{other}"),
        };
        words.split(' ').map(str::to_owned).collect()
    }

    fn check(&self, when: &str) {
        for tag in ["1", "2"].into_iter().filter(|tag| self.to.manifest("demo/new", tag).is_some()) {
            assert_eq!(missing(&self.to, "demo/new", tag), Vec::<String>::new(), "{when}: the tag {tag} dangles");
        }
    }
}

/// Runs a command and kills it when its request of this number comes. Returns whether it ended before that.
fn run_until(stage: &Stage, command: &str, number: usize) -> bool {
    let (count, (reached, at)) = (Arc::new(AtomicUsize::new(0)), mpsc::channel());
    for registry in [&stage.from, &stage.to] {
        let (count, reached) = (count.clone(), reached.clone());
        let last = move |_: &_| count.fetch_add(1, Ordering::SeqCst) + 1 == number && reached.send(()).is_ok();
        registry.add(Rule::when(last, Fault::stall()));
    }
    drop(reached);
    let arguments = stage.arguments(command);
    let mut child = Refkit::new(arguments.iter().map(String::as_str)).spawn();
    let ended = loop {
        if at.recv_timeout(Duration::from_millis(2)).is_ok() {
            child.kill().expect("it is our child");
            break false;
        }
        if child.try_wait().expect("it is our child").is_some() {
            break true;
        }
    };
    let code = wait(&mut child);
    assert_eq!(code == 0, ended, "request {number}");
    stage.from.clear_rules();
    stage.to.clear_rules();
    ended
}

#[test]
fn killed_at_each_request_no_tag_dangles_and_a_second_run_completes() {
    for command in ["create", "copy"] {
        let mut number = 1;
        loop {
            let stage = Stage::new();
            let ended = run_until(&stage, command, number);
            stage.check(&format!("{command}, killed at request {number}"));
            if ended {
                break;
            }
            // The second run sends only what is missing.
            stage.to.clear();
            let images = [demo_image("1.0.0"), demo_image("single")];
            let blobs: HashSet<String> = images
                .iter()
                .flat_map(|image| image.children().iter().chain([image]).flat_map(|one| one.blobs().to_vec()))
                .map(|(blob, _)| blob.digest.to_string())
                .filter(|blob| stage.to.blob("demo/new", blob).is_some())
                .collect();
            let arguments = stage.arguments(command);
            let ran = refkit(arguments.iter().map(String::as_str));
            assert_eq!(ran.code, 0, "{command}, {number}: {}", ran.all());
            assert!(stage.to.manifest("demo/new", "1").is_some());
            stage.check(&format!("{command}, run again after request {number}"));
            let again = stage.to.requests().into_iter().filter(|one| one.method == "PUT" || one.method == "POST");
            // A mount sends nothing.
            let again = again.map(|one| one.target.replace("%3A", ":")).filter(|target| !target.contains("mount="));
            let again: Vec<String> = again.filter(|target| blobs.iter().any(|blob| target.contains(blob))).collect();
            assert_eq!(again, Vec::<String>::new(), "{command}, {number}: sent again");
            number += 1;
            assert!(number < MOST, "{command} does not end");
        }
        assert!(number > 20, "{command} had only {number} requests");
    }
}

#[test]
fn a_destination_that_refuses_is_named_and_nothing_is_tagged() {
    let faults = [
        (
            "429",
            Fault::status(429).header("retry-after", "3000").body(r#"{"errors":[{"message":"100 a day"}]}"#),
            "100 a day",
        ),
        ("500", Fault::status(500).body("oops"), "unavailable"),
        ("cut", Fault::hang_up(), "unavailable"),
        ("413", Fault::status(413).body("too much"), "413"),
        ("405", Fault::status(405).body(r#"{"errors":[{"code":"UNSUPPORTED","message":"read only"}]}"#), "read only"),
        ("403", Fault::status(403).body(r#"{"errors":[{"code":"DENIED","message":"not you"}]}"#), "not you"),
    ];
    let requests = ["POST */blobs/uploads/*", "PUT */blobs/uploads/*", "PUT */manifests/sha256:*", "PUT */manifests/1"];
    std::thread::scope(|scope| {
        for command in ["create", "copy"] {
            let faults = &faults;
            scope.spawn(move || {
                for (name, fault, said) in faults {
                    for request in requests {
                        let stage = Stage::new();
                        stage.to.add(Rule::on(request, fault.clone()));
                        let arguments = stage.arguments(command);
                        let ran = refkit(arguments.iter().map(String::as_str));
                        assert!(ran.code == 1 && ran.stdout.is_empty(), "{name} at {request}: {}", ran.all());
                        assert!((1..=3).contains(&ran.stderr.lines().count()), "{name} at {request}: {}", ran.stderr);
                        assert!(ran.stderr.contains(said), "{name} at {request}: {}", ran.stderr);
                        assert!(ran.stderr.contains(&stage.to.host()), "{name} at {request}: {}", ran.stderr);
                        stage.check(&format!("{name} at {request}"));
                        for tag in ["1", "2"] {
                            assert!(stage.to.manifest("demo/new", tag).is_none(), "{name} at {request}: {tag} moved");
                        }
                    }
                }
            });
        }
    });
}
