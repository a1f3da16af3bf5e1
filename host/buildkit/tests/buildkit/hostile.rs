//! Wrong responses: the error that a person reads, and no other effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message as _;
use refkit_buildkit::{BuildkitSource, Options, pb};
use refkit_content::{ErrorCode, Fetch, MANIFEST_LIMIT, Resolve, fetch};
use refkit_oci::Descriptor;
use refkit_support::buildkit::documents::{self, descriptor, reference, sha256};
use refkit_support::buildkit::{FakeBuildkit, NAME, Reply};

use crate::source::{source, view};

/// Returns the error of pulling `app:1` with other replies to some calls.
async fn pull(reply: impl Fn(&str, &Bytes) -> Option<Reply> + Send + Sync + 'static) -> (ErrorCode, String) {
    let fake = FakeBuildkit::new("a");
    fake.replace(reply);
    let error = view(&source(&fake).await, "amd64").pull(&reference("app:1")).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("{NAME}:1")), "{text}");
    assert!(!text.contains(|c: char| c.is_control()), "{text}");
    (error.code(), text)
}

fn resolved(identifier: &str, digest: &str) -> Reply {
    let source = pb::SourceOp { identifier: identifier.to_owned(), ..Default::default() };
    let image = pb::ResolveSourceImageResponse { digest: digest.to_owned(), ..Default::default() };
    let (source, image) = (Some(source), Some(image));
    Reply::message(&pb::ResolveSourceMetaResponse { source, image, git: None })
}

#[tokio::test]
async fn answers_to_resolve() {
    let asked = format!("docker-image://{NAME}:1");
    let root = sha256(&documents::index("a")).into_string();
    let none = pb::ResolveSourceMetaResponse::default();
    let no_image = pb::ResolveSourceMetaResponse {
        source: Some(pb::SourceOp { identifier: asked.clone(), ..Default::default() }),
        ..Default::default()
    };
    type Make = Box<dyn Fn() -> Reply + Send + Sync>;
    let make = |reply: fn(&str, &str) -> Reply| {
        let (asked, root) = (asked.clone(), root.clone());
        Box::new(move || reply(&asked, &root)) as Make
    };
    #[rustfmt::skip]
    let table: Vec<(ErrorCode, &str, Make)> = vec![
        (ErrorCode::Invalid, "it names no source", Box::new(move || Reply::message(&none))),
        (ErrorCode::Invalid, "it says nothing of the image", Box::new(move || Reply::message(&no_image))),
        (ErrorCode::Invalid, "is not a digest", make(|asked, _| resolved(asked, ""))),
        (ErrorCode::Invalid, "is not a digest", make(|asked, _| resolved(asked, "sha256:../../x"))),
        (ErrorCode::Invalid, "has the digest", make(|asked, root| resolved(&format!("{asked}@sha256:{}", "0".repeat(64)), root))),
        (ErrorCode::Other, "evil.example/app:1@sha256", make(|_, root| resolved(&format!("docker-image://evil.example/app:1@{root}"), root))),
        (ErrorCode::Other, "app:2", make(|_, root| resolved(&format!("docker-image://{NAME}:2"), root))),
        (ErrorCode::Other, "app:2@", make(|_, root| resolved(&format!("docker-image://{NAME}:2@{root}"), root))),
        (ErrorCode::Other, "https://example.com/?", make(|_, root| resolved("https://example.com/\n", root))),
        (ErrorCode::Invalid, "malformed", Box::new(|| Reply::Message(vec![0x0a, 0xff, 0x01]))),
        (ErrorCode::Other, "", Box::new(|| Reply::Bytes(b"HTTP/1.1 400".to_vec()))),
        (ErrorCode::Other, "", Box::new(|| Reply::Bytes(vec![0, 0, 0, 0, 9, 1]))),
        (ErrorCode::Invalid, "", Box::new(|| Reply::Bytes(vec![0, 0xff, 0xff, 0xff, 0xff, 1]))),
        (ErrorCode::NotFound, "not found", Box::new(|| Reply::unknown("docker.io/library/app:1: not found"))),
        (ErrorCode::Unauthorized, "401 Unauthorized", Box::new(|| Reply::unknown("unexpected status: 401 Unauthorized\n\u{1b}[2J"))),
        (ErrorCode::Unauthorized, "a source policy of the build's own", Box::new(|| Reply::unknown("source \"a\" denied by policy"))),
        (ErrorCode::Other, "it has no image for linux/amd64", Box::new(|| Reply::unknown("no match for platform in manifest x"))),
        (ErrorCode::Other, "it has no image for linux/amd64", Box::new(|| Reply::unknown("no match for platform in manifest sha256:00: not found"))),
        (ErrorCode::Unavailable, "gone", Box::new(|| Reply::Status(14, "gone".to_owned()))),
    ];
    for (code, text, reply) in table {
        let found = pull(move |method, _| (method == "ResolveSourceMeta").then(&reply)).await;
        assert!(found.0 == code && found.1.contains(text), "{text}: {found:?}");
    }
}

/// A source policy of the build's options may add a digest, and nothing else.
#[tokio::test]
async fn source_policies_of_buildkit() {
    let root = sha256(&documents::index("a"));
    for more_precise in [format!("docker-image://{NAME}:1@{root}"), format!("docker-image://{NAME}@{root}")] {
        let fake = FakeBuildkit::new("a");
        let (digest, answer) = (root.to_string(), more_precise.clone());
        fake.replace(move |method, _| (method == "ResolveSourceMeta").then(|| resolved(&answer, &digest)));
        let found = view(&source(&fake).await, "amd64").pull(&reference("app:1")).await.unwrap();
        assert_eq!(found.value.descriptor.digest, root, "{more_precise}");
    }
    let fake = FakeBuildkit::new("a");
    fake.replace(|method, _| (method == "ResolveSourceMeta").then(|| resolved("docker-image://ghcr.io/b:2", "")));
    let source = source(&fake).await;
    let asked = reference("app:1");
    assert_eq!(source.converted(&asked), None);
    view(&source, "amd64").pull(&asked).await.unwrap_err();
    let converted = source.converted(&asked).unwrap();
    assert_eq!(converted.reference, Some(reference("ghcr.io/b:2")));
    assert_eq!(converted.identifier, "docker-image://ghcr.io/b:2");
    assert!(!converted.reads_no_image);
    // the identifier after the conversion, whether it reads no image
    let blob = format!("docker-image+blob://ghcr.io/b@{root}");
    let rows = [
        ("local://context", true),
        ("https://example.com/a", true),
        ("git://github.com/a/b", true),
        (&blob, false),
        ("new://a", false),
    ];
    for (identifier, reads_no_image) in rows {
        let fake = FakeBuildkit::new("a");
        let identifier = identifier.to_owned();
        fake.replace(move |method, _| {
            let source = Some(pb::SourceOp { identifier: identifier.clone(), ..Default::default() });
            let answer = pb::ResolveSourceMetaResponse { source, ..Default::default() };
            (method == "ResolveSourceMeta").then(|| Reply::message(&answer))
        });
        let source = self::source(&fake).await;
        view(&source, "amd64").pull(&asked).await.unwrap_err();
        let converted = source.converted(&asked).unwrap();
        assert_eq!((converted.reference, converted.reads_no_image), (None, reads_no_image), "{}", converted.identifier);
    }
}

#[tokio::test]
async fn answers_to_solve() {
    let empty = pb::SolveResponse::default();
    let ref_without_id = pb::Result { result: Some(pb::result::Result::Ref(pb::Ref::default())), ..Default::default() };
    let ref_without_id = pb::SolveResponse { result: Some(ref_without_id), ..Default::default() };
    for message in [empty, ref_without_id] {
        let found = pull(move |method, _| (method == "Solve").then(|| Reply::message(&message))).await;
        assert!(found.0 == ErrorCode::Invalid && found.1.contains("it has no result"), "{found:?}");
    }
    let found =
        pull(|method, _| (method == "Solve").then(|| Reply::unknown("docker.io/library/app@x: not found"))).await;
    assert!(found.0 == ErrorCode::Unsupported && found.1.contains("does not show it to BuildKit"), "{found:?}");
}

#[tokio::test]
async fn wrong_content() {
    let fake = FakeBuildkit::new("a");
    let root = sha256(&documents::index("a"));
    let found = |fake: FakeBuildkit| async move {
        view(&source(&fake).await, "amd64").pull(&reference("app:1")).await.unwrap_err().to_string()
    };
    fake.forge(&root, &documents::index("b"));
    let text = found(fake.clone()).await;
    assert!(text.contains(&format!("has the digest {}, not {root}", sha256(&documents::index("b")))), "{text}");
    fake.forge(&root, &vec![b' '; MANIFEST_LIMIT as usize + 1]);
    let text = found(fake.clone()).await;
    assert!(text.contains("larger than the limit of 4194304 bytes"), "{text}");
    fake.forge(&root, b"");
    let text = found(fake.clone()).await;
    assert!(text.contains("has the digest sha256:e3b0c44"), "{text}");
}

/// An error of resolving counts more than one of reading the content.
#[tokio::test]
async fn nothing_of_that_digest() {
    let fake = FakeBuildkit::new("a");
    fake.replace(|method, _| {
        (method == "Solve").then(|| Reply::unknown("unexpected HEAD status code x: 404 Not Found"))
    });
    let nothing = reference(&format!("app@sha256:{}", "0".repeat(64)));
    let error = view(&source(&fake).await, "amd64").pull(&nothing).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound, "{error}");
}

/// Content that is no manifest is an error, although its digest is right.
#[tokio::test]
async fn no_manifest() {
    let fake = FakeBuildkit::new("a");
    for (bytes, code) in [
        (&b"{}"[..], ErrorCode::Invalid),
        (b"\x7fELF", ErrorCode::Invalid),
        (br#"{"schemaVersion":1}"#, ErrorCode::Unsupported),
        (br#"{"schemaVersion":2,"mediaType":"text/html"}"#, ErrorCode::Unsupported),
    ] {
        let digest = fake.add(bytes).into_string();
        fake.replace(move |method, message| {
            let request = pb::ResolveSourceMetaRequest::decode(message.clone()).ok()?;
            (method == "ResolveSourceMeta").then(|| resolved(&request.source.unwrap().identifier, &digest))
        });
        let error = view(&source(&fake).await, "amd64").pull(&reference("app:1")).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}

/// The source reads one byte more than a descriptor's size of a file without an end.
#[tokio::test]
async fn an_endless_file() {
    let fake = FakeBuildkit::new("a");
    let served = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&served);
    fake.replace(move |method, message| {
        let length = pb::ReadFileRequest::decode(message.clone()).ok()?.range.map(|range| range.length);
        (method == "ReadFile").then(|| {
            let data = Bytes::from(vec![7; length.unwrap_or(0) as usize]);
            count.fetch_add(data.len() as u64, Ordering::Relaxed);
            Reply::message(&pb::ReadFileResponse { data })
        })
    });
    let view = view(&source(&fake).await, "amd64");
    let repository = NAME.parse().unwrap();
    let config = descriptor(documents::CONFIG, &documents::config("amd64"));
    for size in [config.size, 3 << 20, 9 << 20] {
        served.store(0, Ordering::Relaxed);
        let descriptor = Descriptor { size, ..config.clone() };
        let error = fetch(&view, &repository, &descriptor, 16 << 20).await.unwrap_err();
        assert!(error.to_string().contains(&format!("at least {} bytes, not {size}", size + 1)), "{error}");
        assert_eq!(served.load(Ordering::Relaxed), size + 1);
    }
    let huge = Descriptor { size: u64::MAX, ..config.clone() };
    assert_eq!(fetch(&view, &repository, &huge, 16 << 20).await.unwrap_err().code(), ErrorCode::Invalid);
    assert!(view.open(&repository, &huge).await.is_ok());
}

/// A response that is longer than the range is refused: a slightly longer one after reading, a much longer one before.
#[tokio::test]
async fn an_oversized_answer() {
    for size in [(2 << 20) + 1, 3 << 20, 63 << 20] {
        let found = pull(move |method, _| {
            (method == "ReadFile").then(|| Reply::message(&pb::ReadFileResponse { data: Bytes::from(vec![0; size]) }))
        });
        let found = found.await;
        assert!(found.0 == ErrorCode::Invalid && found.1.contains("BuildKit's answer is malformed"), "{found:?}");
    }
}

#[tokio::test]
async fn no_answer() {
    for (method, reply) in [("ResolveSourceMeta", true), ("Solve", true), ("ReadFile", false)] {
        let fake = FakeBuildkit::new("a");
        fake.replace(move |called, _| (called == method).then_some(if reply { Reply::Never } else { Reply::Stalled }));
        let options = Options { timeout: Some(Duration::from_millis(100)), ..Options::default() };
        let source = BuildkitSource::new(fake.bridge().await, options);
        let error = view(&source, "amd64").pull(&reference("app:1")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout, "{method}: {error}");
    }
}

/// Random bytes as responses to every call: an error, and no other effect.
#[tokio::test]
async fn random_answers() {
    let state = Mutex::new(0x9e37_79b9_7f4a_7c15_u64);
    let fake = FakeBuildkit::new("a");
    fake.replace(move |method, _| {
        let mut state = state.lock();
        let mut random = || {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            *state
        };
        if method == "Ping" || random() % 3 == 0 {
            return None;
        }
        let bytes: Vec<u8> = (0..random() % 48).map(|_| random() as u8).collect();
        Some(if random() % 2 == 0 { Reply::Message(bytes) } else { Reply::Bytes(bytes) })
    });
    let view = view(&source(&fake).await, "amd64");
    for round in 0..300 {
        let tag = reference(&format!("app:{round}"));
        if let Ok(found) = view.pull(&tag).await {
            assert_eq!(found.value.bytes[..], documents::index("a"));
        }
    }
}
