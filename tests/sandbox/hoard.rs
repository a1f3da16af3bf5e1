//! Inputs that make the host keep too much: with the default limits, no policy and no registry brings the process to
//! 200 MB, and each error names its limit.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use refkit::{Absence, Budget, Error, ErrorCode, Event, Outcome, Parts, Selection, Session};
use refkit_content::{Body, Content, Discover, Fetch, Memory, Origin, Resolve, WithOrigin};
use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};
use refkit_report::explain::Explained;
use refkit_support::{Fault, FaultRegistry, Rule};
use refkit_tests::components::HOSTILE;
use refkit_tests::stage::{self, INDEX, MANIFEST, Stage};

use crate::memory::{alone, peak};

/// The modes of this file's tests; `hostile.rs` and `outcomes.rs` have the others.
pub const MODES: &[&str] = &[
    "hoard-types",
    "hoard-referrers",
    "hoard-contents",
    "hoard-again",
    "hoard-messages",
    "hoard-refusals",
    "hoard-requests",
    "hoard-tags",
    "hoard-failure",
    "hoard-names",
];

const REFERENCE: &str = "registry.test/app:1";
const REPOSITORY: &str = "registry.test/app";

/// The most memory of the process.
const PEAK: u64 = 200_000_000;

fn json(of: &Descriptor) -> String {
    format!(r#"{{"mediaType":"{}","digest":"{}","size":{}}}"#, of.media_type, of.digest, of.size)
}

/// Adds content by its digest.
fn put(stage: &Stage, media_type: &str, bytes: &str) -> Descriptor {
    let digest = refkit_content::verify::digest(Algorithm::Sha256, bytes.as_bytes());
    stage::put(&stage.memory, &format!("{REPOSITORY}@{digest}"), media_type, bytes)
}

fn index(entries: &[String]) -> String {
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, entries.join(","))
}

/// Adds an image with a layer of 3.9 MB under the reference, and returns the digests of its config and its layer.
fn heavy(stage: &Stage) -> (String, String) {
    let config = put(stage, "application/vnd.oci.empty.v1+json", "{}");
    let layer = put(stage, "application/vnd.oci.image.layer.v1.tar", &"x".repeat(3_900_000));
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
        json(&config),
        json(&layer)
    );
    stage::put(&stage.memory, REFERENCE, MANIFEST, &manifest);
    (config.digest.to_string(), layer.digest.to_string())
}

/// Adds an index under the reference whose image has an attestation with an annotation of 3 MB in its entry.
fn annotated(stage: &Stage) {
    let (image, attestation) = (put(stage, MANIFEST, "image"), put(stage, MANIFEST, "attestation"));
    let platform =
        |os: &str, architecture: &str| format!(r#","platform":{{"os":"{os}","architecture":"{architecture}"}}"#);
    let image_entry = json(&image).replace('}', &format!("{}}}", platform("linux", "amd64")));
    let annotations = format!(
        r#","annotations":{{"vnd.docker.reference.type":"attestation-manifest","vnd.docker.reference.digest":"{}","x":"{}"}}}}"#,
        image.digest,
        "x".repeat(3_000_000)
    );
    let entry = json(&attestation).replace('}', &(platform("unknown", "unknown") + &annotations));
    stage::put(&stage.memory, REFERENCE, INDEX, &index(&[image_entry, entry]));
}

/// Runs a chain whose outermost policies have these modes.
async fn run(stage: Stage, modes: &[&str], other: &str) -> (Session, Result<Outcome, Error>) {
    let mut stage = stage;
    for mode in modes {
        stage = stage.policy(HOSTILE, &[("mode", mode), ("other", other)]);
    }
    let platforms = Selection::Platforms(vec!["linux/amd64".parse().expect("a platform")]);
    let session = stage.resolver().await.session(stage::request(REFERENCE).select(platforms));
    let result = session.resolve().await;
    (session, result)
}

fn said(result: Result<Outcome, Error>) -> String {
    match result {
        Err(Error::Failed { failure, .. }) => failure.message,
        other => panic!("{other:?}"),
    }
}

fn held(result: &Result<Outcome, Error>) -> bool {
    matches!(result, Err(error @ Error::Held { limit }) if *limit == Budget::default().held && error.code() == ErrorCode::BudgetExhausted)
}

/// Checks the result of a mode: the policy's count or the run's error. Returns the number of counted calls.
async fn outcome_of(mode: &str) -> u64 {
    // A slow machine has to reach the intended limits.
    let stage = Stage::new().budget(|budget| budget.cpu = Duration::from_secs(100));
    let (config, layer) = heavy(&stage);
    let other = if mode == "hoard-contents" { layer } else { config };
    if mode == "hoard-names" {
        annotated(&stage);
    }
    let inner = if mode == "hoard-tags" { &[mode, "hoard-failure"][..] } else { &[mode] };
    let (session, result) = run(stage, inner, &other).await;
    let calls = session.spent().calls;
    match mode {
        // An artifact type has at most 255 bytes, so the source got no request.
        "hoard-types" => assert_eq!((said(result).as_str(), calls), ("4000 ErrorCode::Invalid", 0)),
        "hoard-referrers" => {
            let counted = "1000 ErrorCode::NotGranted, 3000 ErrorCode::BudgetExhausted";
            assert_eq!((said(result).as_str(), calls), (counted, 1000));
        }
        // Four contents of 3.9 MB are less than 16 MiB; beyond them the source got only the requests that were under
        // way.
        "hoard-contents" => {
            assert_eq!(said(result), "4 ok, 496 ErrorCode::BudgetExhausted");
            assert!((6..=22).contains(&calls), "{calls}");
        }
        "hoard-again" => {
            assert_eq!((said(result).as_str(), calls), ("999 ok, 1001 ErrorCode::BudgetExhausted", 1000));
        }
        "hoard-messages" => {
            assert!(matches!(result, Ok(Outcome::Resolved(_))), "{result:?}");
            let trace = session.trace();
            let bytes = trace.spans.iter().filter_map(|span| match &span.event {
                Event::Message { message, fields, .. } => {
                    Some(message.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>())
                }
                _ => None,
            });
            let bytes: Vec<usize> = bytes.collect();
            // 4 KiB of text, and the mark of truncation in each of 64 fields.
            assert_eq!((bytes.len(), bytes.iter().max()), (1000, Some(&((4 << 10) + 64 * "…".len()))));
        }
        // Every fourth name is malformed, and does not count as a call.
        "hoard-refusals" => {
            let counted = "1000 ErrorCode::NotGranted, 2500 ErrorCode::Invalid, 6500 ErrorCode::BudgetExhausted";
            assert_eq!((said(result).as_str(), calls), (counted, 1000));
        }
        "hoard-requests" | "hoard-tags" => {
            assert!(held(&result), "{result:?}");
            // 900 calls of the chain, and as many of the source as memory allowed.
            assert!((900..950).contains(&calls), "{calls}");
        }
        "hoard-failure" => assert_eq!(said(result).len(), 900_000),
        "hoard-names" => match result {
            Err(Error::Outcome { problem, .. }) => {
                assert_eq!(problem.to_string(), "the descriptors that it names have more than 8388608 bytes together")
            }
            other => panic!("{other:?}"),
        },
        _ => panic!("{mode} has no row"),
    }
    assert!(session.spent().held <= session.budget().held + (1 << 20), "{mode}: {:?}", session.spent());
    let lines = Explained::of(&[], &session, None).lines();
    let bytes: usize = lines.iter().map(String::len).sum();
    assert!(bytes < 40 << 20, "{mode}: the explanation has {bytes} bytes");
    assert!(lines.iter().any(|line| line.contains("memory of the host")), "{mode}");
    session.spent().held
}

#[tokio::test]
async fn no_policy_makes_the_host_hold_too_much() {
    if !alone("hoard::no_policy_makes_the_host_hold_too_much") {
        return;
    }
    for mode in MODES {
        let held = outcome_of(mode).await;
        println!("{mode}: {held} bytes on the account, peak {}", peak());
        assert!(peak() < PEAK, "{mode}: {} bytes", peak());
    }
}

/// A registry that returns 4,000 referrers of 1 kB for every subject, built for each call.
struct Lists(Memory);

type Answered<T> = Result<T, refkit_content::Error>;

#[async_trait]
impl Resolve for Lists {
    async fn resolve(&self, reference: &Reference) -> Answered<WithOrigin<Descriptor>> {
        self.0.resolve(reference).await
    }
    async fn pull(&self, reference: &Reference) -> Answered<WithOrigin<Content>> {
        self.0.pull(reference).await
    }
}

#[async_trait]
impl Fetch for Lists {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Answered<Body> {
        self.0.open(repository, descriptor).await
    }
}

#[async_trait]
impl Discover for Lists {
    async fn tags(&self, repository: &Repository) -> Answered<WithOrigin<Vec<String>>> {
        self.0.tags(repository).await
    }
    async fn referrers(
        &self,
        _: &Repository,
        subject: &Digest,
        _: Option<&str>,
    ) -> Answered<WithOrigin<Vec<Descriptor>>> {
        let referrer = |number: usize| {
            let name = format!("{subject} {number}");
            let digest = refkit_content::verify::digest(Algorithm::Sha256, name.as_bytes());
            let annotations = vec![("x".to_owned(), "x".repeat(700))];
            Descriptor { annotations, ..Descriptor::new(MANIFEST, digest, 100) }
        };
        let list: Vec<Descriptor> = (0..4_000).map(referrer).collect();
        // Many lists exist at once, if the host allows it.
        tokio::task::yield_now().await;
        Ok(WithOrigin { value: list, origin: Origin::Memory })
    }
}

/// 24 images, each with a list of 4 MB: the outcome has as many as fit, and a reason for the rest.
#[tokio::test]
async fn lists_of_a_registry_count_as_memory() {
    if !alone("hoard::lists_of_a_registry_count_as_memory") {
        return;
    }
    let stage = Stage::new();
    let entries: Vec<String> = (0..24).map(|number| json(&put(&stage, MANIFEST, &number.to_string()))).collect();
    stage::put(&stage.memory, REFERENCE, INDEX, &index(&entries));
    let source = Arc::new(Lists(stage.memory.clone()));
    let parts = Parts { images: true, attestations: true, configs: false };
    let request = stage::request(REFERENCE).select(Selection::All).with(parts);
    let session = stage.resolver_over(source).await.session(request);
    let resolution = match session.resolve().await {
        Ok(Outcome::Resolved(resolution)) => resolution,
        other => panic!("{other:?}"),
    };
    let failed: Vec<_> = resolution.images.iter().filter_map(|image| image.as_ref().err()).collect();
    assert!((16..24).contains(&failed.len()), "{} of 24 failed", failed.len());
    for absence in failed {
        let Absence::Failed(failure) = absence else { panic!("{absence:?}") };
        assert_eq!(failure.code, ErrorCode::BudgetExhausted, "{failure}");
    }
    assert!(session.spent().bytes >= 4 * 4_000 * 800, "{:?}", session.spent());
    assert!(session.spent().held <= session.budget().held + (1 << 20), "{:?}", session.spent());
    println!("{:?}, peak {}", session.spent(), peak());
    assert!(peak() < PEAK, "{} bytes", peak());
}

/// An index of 2,000 entries that all name one index of 2,000: the policy opens each once.
#[tokio::test]
async fn a_repeated_index_is_opened_once() {
    if !alone("hoard::a_repeated_index_is_opened_once") {
        return;
    }
    let stage = Stage::new();
    let entry = |number: usize| {
        let digest = refkit_content::verify::digest(Algorithm::Sha256, number.to_string().as_bytes());
        let architecture = if number == 0 { "amd64".to_owned() } else { format!("a{number}") };
        format!(
            r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":1,"platform":{{"os":"linux","architecture":"{architecture}"}}}}"#
        )
    };
    let inner = put(&stage, INDEX, &index(&(0..2_000).map(entry).collect::<Vec<_>>()));
    stage::put(&stage.memory, REFERENCE, INDEX, &index(&vec![json(&inner); 2_000]));
    let (session, result) = run(stage, &[], "").await;
    let Ok(Outcome::Resolved(resolution)) = result else { panic!("{result:?}") };
    assert_eq!(resolution.images[0].as_ref().map(|image| image.parents.len()), Ok(1));
    assert_eq!((session.spent().calls, resolution.candidates().len()), (2, 4_000));
    let lines = Explained::of(&[], &session, Some(&resolution)).lines();
    assert!(lines.iter().any(|line| line.contains("and 3900 more")), "{lines:?}");
    assert!(peak() < PEAK, "{} bytes", peak());
}

/// A registry whose lists of referrers have 16 pages of 4 MB, for 24 images: the client holds no list whole, and few
/// pages at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_are_held_a_few_at_a_time() {
    if !alone("hoard::long_lists_are_held_a_few_at_a_time") {
        return;
    }
    let registry = FaultRegistry::start().unwrap();
    let image = |number: usize| {
        let bytes = format!("an image {number}");
        let digest = registry.put_manifest("app", None, MANIFEST, bytes.clone());
        format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{}}}"#, bytes.len())
    };
    let images: Vec<String> = (0..24).map(image).collect();
    registry.put_manifest("app", Some("1"), INDEX, index(&images));
    for page in 0..16 {
        let entry = |number: usize| {
            let digest = refkit_content::verify::digest(Algorithm::Sha256, format!("{page} {number}").as_bytes());
            let text = "x".repeat(100_000);
            format!(
                r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":1,"artifactType":"application/vnd.in-toto+json","annotations":{{"x":"{text}"}}}}"#
            )
        };
        let body = index(&(0..40).map(entry).collect::<Vec<_>>());
        let link = format!("<?page={}>; rel=\"next\"", page + 1);
        let answer = Fault::status(200).header("content-type", INDEX).header("link", &link).body(body);
        let own = (page > 0).then(|| format!("page={page}"));
        registry.add(Rule::when(
            move |parts| parts.uri.path().contains("/referrers/") && parts.uri.query() == own.as_deref(),
            answer,
        ));
    }
    let client = refkit_registry::Client::builder().system_roots(false).build();
    let stage = Stage::new().budget(|budget| budget.cpu = Duration::from_secs(100));
    let parts = Parts { images: true, attestations: true, configs: false };
    let reference = format!("{}/app:1", registry.host());
    let request = stage::request(&reference).select(Selection::All).with(parts);
    let session = stage.resolver_over(Arc::new(client)).await.session(request);
    let Ok(Outcome::Resolved(resolution)) = session.resolve().await else { panic!("{:?}", session.trace()) };
    for image in &resolution.images {
        let Err(Absence::Failed(failure)) = image else { panic!("{image:?}") };
        assert!(failure.message.contains("larger than the limit of 8388608 bytes"), "{failure}");
    }
    assert_eq!(resolution.images.len(), 24);
    println!("{:?}, peak {}", session.spent(), peak());
    assert!(peak() < PEAK, "{} bytes", peak());
}
