//! A publishing policy cannot write outside of its grant, cannot push what is not there, and cannot say that it published
//! what it did not. CVE-2026-50195 is tag poisoning.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use refkit::{Error, Event, PublishOutcome, PublishRequest, Publisher, WriteGrants};
use refkit_content::{Body, Error as ContentError, ErrorKind, Memory, Operation, Push, Resolve};
use refkit_oci::pattern::Pattern;
use refkit_oci::{Descriptor, Reference, Repository};
use refkit_tests::components::{ALLOW_LIST, PUSHER};
use refkit_tests::stage::{self, CONFIG, INDEX, MANIFEST, Stage};

use super::publish::reference;

const NOWHERE: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

async fn publisher(stage: Stage, steps: &str, then: &str) -> Publisher {
    let memory = stage.memory.clone();
    let policy = stage::component(PUSHER, &[("do", steps), ("then", then)]);
    stage::publisher(stage, vec![policy], Arc::new(memory)).await
}

fn request() -> PublishRequest {
    PublishRequest::new(reference("registry.test/app:1"), reference("mirror.test/app:1"))
}

/// Runs the steps, and returns what came of each and of the run.
async fn run(publisher: &Publisher) -> (Vec<String>, Result<PublishOutcome, Error>) {
    let session = publisher.session(request());
    let outcome = session.publish().await;
    let events = session.trace().spans.into_iter().filter_map(|span| match span.event {
        Event::Message { message, .. } => Some(message),
        _ => None,
    });
    (events.collect(), outcome)
}

/// The steps, and how the answer to the last one begins.
#[tokio::test]
async fn writes_outside_of_the_grant_are_refused() {
    let app = Stage::new().memory.resolve(&reference("registry.test/app:1")).await.unwrap().value.digest;
    for (steps, wanted) in [
        // CVE-2026-50195: another tag, repository or registry, or another spelling of the granted one.
        ("tag mirror.test/app:latest".to_owned(), "NotGranted: cannot push mirror.test/app:latest"),
        ("tag mirror.test/other:1".to_owned(), "NotGranted"),
        ("tag registry.test/app:1".to_owned(), "NotGranted"),
        ("tag mirror.test/app/sub:1".to_owned(), "NotGranted"),
        ("tag mirror.test:5000/app:1".to_owned(), "NotGranted"),
        ("tag mirror.test/APP:1".to_owned(), "Invalid"),
        ("tag MIRROR.test/other:1".to_owned(), "NotGranted"),
        ("tag mirror.test/../other:1".to_owned(), "Invalid"),
        (format!("tag mirror.test/app:2@{app}"), "NotGranted"),
        ("copy registry.test/other:1".to_owned(), "NotGranted"),
        (format!("copy registry.test/app {app} registry.test/other"), "NotGranted"),
        (format!("chain registry.test/app:1\ncopy registry.test/app {app} registry.test/app"), "NotGranted"),
        ("blob mirror.test/other a/b x".to_owned(), "NotGranted"),
        // A manifest that names what this run has not put there.
        (
            format!(
                r#"push mirror.test/app:1 {INDEX} {{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{MANIFEST}","digest":"{NOWHERE}","size":3}}]}}"#
            ),
            "NotGranted: cannot push mirror.test/app:1: sha256:ba7",
        ),
        ("tag mirror.test/app:1".to_owned(), "NotGranted"),
        // Malformed documents, or of another kind than said.
        (format!("push mirror.test/app:1 {INDEX} no JSON"), "Invalid"),
        (
            format!(r#"push mirror.test/app:1 {MANIFEST} {{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#),
            "Invalid",
        ),
        (r#"push mirror.test/app:1 a/b {"schemaVersion":2,"manifests":[]}"#.to_owned(), "Unsupported"),
        (
            format!(
                r#"push mirror.test/app:1@{NOWHERE} {INDEX} {{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#
            ),
            "Invalid",
        ),
        ("push mirror.test/app:1 none {}".to_owned(), "Invalid: \"none\" is no media type"),
        (format!("blob mirror.test/app {MANIFEST} {{}}"), "Invalid"),
        // A digest that this run has not met in the source.
        (format!("copy registry.test/app {NOWHERE} mirror.test/app"), "NotGranted"),
        (format!("copy registry.test/other {app} mirror.test/app"), "NotGranted"),
        // What may be done.
        ("copy mirror.test/app:1".to_owned(), "ok sha256:"),
        ("copy mirror.test/app:1\ntag mirror.test/app:1".to_owned(), "ok sha256:"),
        ("copy mirror.test/app:1\ntag MIRROR.test:443/app:1".to_owned(), "ok sha256:"),
        ("copy mirror.test/app:1\ntag mirror.test/app:1\nresolve mirror.test/app:1".to_owned(), "ok sha256:"),
        (
            format!("blob mirror.test/app {CONFIG} {{}}"),
            "ok sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        ),
    ] {
        for dry_run in [false, true] {
            let stage = Stage::new();
            let memory = stage.memory.clone();
            let publisher = publisher(stage, &steps, "denied").await.dry_run(dry_run);
            let (events, outcome) = run(&publisher).await;
            let last = steps.lines().next_back().unwrap();
            let event = events.last().unwrap_or_else(|| panic!("{steps}: {outcome:?}"));
            let answer = event.strip_prefix(last).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(event);
            let answer = answer.strip_prefix("ErrorCode::").unwrap_or(answer);
            assert!(answer.starts_with(wanted), "{steps}: {answer}");
            assert!(matches!(outcome, Ok(PublishOutcome::Denied { .. })), "{steps}: {outcome:?}");
            for not in ["mirror.test/app:latest", "mirror.test/other:1", "mirror.test/app:2", "mirror.test/app/sub:1"] {
                assert!(memory.resolve(&reference(not)).await.is_err(), "{steps}: {not} is there");
            }
            let tagged = memory.resolve(&reference("mirror.test/app:1")).await.is_ok();
            let may = !dry_run && wanted.starts_with("ok") && steps.contains("\ntag ");
            assert_eq!(tagged, may, "{steps}, dry run {dry_run}");
        }
    }
}

#[tokio::test]
async fn a_grant_is_a_pattern() {
    let steps = "copy mirror.test/other:1\ntag mirror.test/other:1\ntag mirror.test/other:2";
    let publisher = publisher(Stage::new(), steps, "next").await;
    let publisher = publisher.grants(WriteGrants::new([Pattern::parse("mirror.test/other:1").unwrap()]));
    let (events, outcome) = run(&publisher).await;
    let answers: Vec<&str> = events.iter().map(|event| event.split(": ").nth(1).unwrap()).collect();
    assert!(answers[0].starts_with("ok") && answers[1].starts_with("ok"), "{events:?}");
    assert_eq!(answers[2], "ErrorCode::NotGranted", "{events:?}");
    assert!(matches!(outcome, Ok(PublishOutcome::Published(_))), "{outcome:?}");
}

/// What the policy returns has to be what this run pushed to every destination of the request.
#[tokio::test]
async fn an_outcome_that_was_not_pushed_does_not_hold() {
    let app = Stage::new().memory.resolve(&reference("registry.test/app:1")).await.unwrap().value.digest;
    for (steps, then, holds) in [
        ("", format!("published {NOWHERE}"), false),
        ("", format!("published {app}"), false),
        ("copy mirror.test/app:1", format!("published {app}"), false),
        ("copy mirror.test/app:1\ntag mirror.test/app:1", format!("published {NOWHERE}"), false),
        ("copy mirror.test/app:1\ntag mirror.test/app:1", format!("published {app}"), true),
        ("next", format!("published {app}"), true),
    ] {
        let (_, outcome) = run(&publisher(Stage::new(), steps, &then).await).await;
        match outcome {
            Ok(PublishOutcome::Published(published)) => {
                assert!(holds && published.root.digest == app, "{steps}, {then}");
            }
            Err(Error::Outcome { policy, problem }) => {
                assert!(!holds && policy == "pusher", "{steps}, {then}: {problem}");
                assert!(problem.to_string().contains("did not push"), "{problem}");
            }
            other => panic!("{steps}, {then}: {other:?}"),
        }
    }
}

/// A policy that was answered with a refusal does not publish all the same, and what a resolution policy refuses is not
/// copied by a publishing policy that knows its digest.
#[tokio::test]
async fn a_refusal_stays() {
    let stage = || Stage::new().policy(ALLOW_LIST, &[("allow", "registry.test/other")]);
    let (events, _) = run(&publisher(stage(), "next\ncopy mirror.test/app:1", "denied").await).await;
    assert!(events[0].ends_with("ok denied"), "{events:?}");
    assert!(events[1].contains("NotGranted") && events[1].contains("has refused"), "{events:?}");
    let steps = "chain registry.test/app:1\ncopy mirror.test/app:1\ntag mirror.test/app:1";
    let (events, _) = run(&publisher(stage(), steps, "denied").await).await;
    assert!(events[0].ends_with("ok denied"), "{events:?}");
    for event in &events[1..] {
        assert!(event.contains("NotGranted") && event.contains("has refused"), "{events:?}");
    }
}

/// A destination whose first push to a tag fails.
struct Breaking {
    memory: Memory,
    failed: AtomicBool,
}

#[async_trait]
impl Push for Breaking {
    async fn push_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        body: Body,
    ) -> Result<(), ContentError> {
        self.memory.push_blob(repository, descriptor, body).await
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, ContentError> {
        if destination.tag().is_some() && !self.failed.swap(true, Ordering::Relaxed) {
            let kind = ErrorKind::Unreachable("the connection broke".to_owned());
            return Err(ContentError::new(Operation::Push, destination, kind));
        }
        self.memory.push_manifest(destination, media_type, bytes).await
    }
}

/// A copied manifest waits for its tag. If that push fails, the manifest is not there, and nothing that names it may be
/// pushed before it.
#[tokio::test]
async fn a_manifest_waits_until_its_push_succeeds() {
    let stage = Stage::new();
    let memory = stage.memory.clone();
    let app = memory.resolve(&reference("registry.test/app:1")).await.unwrap().value;
    let (digest, size) = (&app.digest, app.size);
    let entry = format!(r#"{{"mediaType":"{INDEX}","digest":"{digest}","size":{size}}}"#);
    let index = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entry}]}}"#);
    let steps = format!("copy mirror.test/app:1\ntag mirror.test/app:1\npush mirror.test/app:1 {INDEX} {index}");
    let policy = stage::component(PUSHER, &[("do", &steps), ("then", "published")]);
    let target = Arc::new(Breaking { memory: memory.clone(), failed: AtomicBool::new(false) });
    let publisher = stage::publisher(stage, vec![policy], target).await;
    let (events, outcome) = run(&publisher).await;
    assert!(events[0].contains(": ok ") && events[2].contains(": ok "), "{events:?}");
    assert!(events[1].contains("ErrorCode::Unavailable") && events[1].contains("the connection broke"), "{events:?}");
    assert!(matches!(outcome, Ok(PublishOutcome::Published(_))), "{outcome:?}");
    let there = memory.resolve(&reference(&format!("mirror.test/app@{digest}"))).await;
    assert!(there.is_ok(), "the index names what is not there");
}
