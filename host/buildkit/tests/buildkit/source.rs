//! The content source of a build: its calls, their number, and their outcome.

use futures_util::TryStreamExt;
use futures_util::future::{join, join_all};
use prost::Message as _;
use refkit_buildkit::definition::Store;
use refkit_buildkit::{BuildkitSource, Metadata, Options, PlatformSource, pb};
use refkit_content::{Discover, ErrorCode, Fetch, MANIFEST_LIMIT, Origin, Resolve, fetch};
use refkit_oci::{Descriptor, Platform, Reference, Repository};
use refkit_support::buildkit::documents::{self, CONFIG, INDEX, MANIFEST, descriptor, reference, sha256};
use refkit_support::buildkit::{FakeBuildkit, NAME, OWN, Reply};

pub async fn source(fake: &FakeBuildkit) -> BuildkitSource {
    BuildkitSource::new(fake.bridge().await, Options::default())
}

pub fn view(source: &BuildkitSource, architecture: &str) -> PlatformSource {
    let platform = Platform { os: "linux".to_owned(), architecture: architecture.to_owned(), ..Default::default() };
    source.for_platform(&platform, "default")
}

fn repository() -> Repository {
    NAME.parse().unwrap()
}

fn app() -> Reference {
    reference("app:1")
}

/// An image of an index, a manifest and a config needs two builds, and no call for the config.
#[tokio::test]
async fn an_image() {
    let fake = FakeBuildkit::new("a");
    let view = view(&source(&fake).await, "arm64");
    let root = view.pull(&app()).await.unwrap();
    assert_eq!(root.value.descriptor, descriptor(INDEX, &documents::index("a")));
    assert_eq!(root.value.bytes[..], documents::index("a"));
    assert_eq!(root.origin, Origin::Host("BuildKit".into()));
    let config = descriptor(CONFIG, &documents::config("arm64"));
    let manifest = documents::manifest(&config);
    let platform = Some("linux/arm64".parse().unwrap());
    let described = Descriptor { platform, ..descriptor(MANIFEST, &manifest) };
    assert_eq!(fetch(&view, &repository(), &described, MANIFEST_LIMIT).await.unwrap().value[..], manifest);
    let config = fetch(&view, &repository(), &config, MANIFEST_LIMIT).await.unwrap();
    assert_eq!((&config.value[..], config.origin), (&documents::config("arm64")[..], Origin::Cache));
    let (root, manifest) = (sha256(&documents::index("a")), sha256(&manifest));
    assert_eq!(
        fake.calls(),
        [
            "Ping".to_owned(),
            format!("ResolveSourceMeta docker-image://{NAME}:1 arm64 default"),
            format!("Solve docker-image+blob://{NAME}@{root} as [refkit] read {NAME}:1"),
            "ReadFile 0+2097152".to_owned(),
            format!("Solve docker-image+blob://{NAME}@{manifest} as [refkit] read manifest for linux/arm64 of {NAME}"),
            format!("ReadFile 0+{}", described.size + 1),
        ]
    );
    // A second time costs no call.
    assert_eq!(view.resolve(&app()).await.unwrap().value.digest, root);
    assert_eq!(view.pull(&reference(&format!("app:1@{root}"))).await.unwrap().origin, Origin::Cache);
    fetch(&view, &repository(), &described, MANIFEST_LIMIT).await.unwrap();
    assert_eq!(fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn one_tag_has_one_answer() {
    let fake = FakeBuildkit::new("a");
    let source = source(&fake).await;
    let (amd64, arm64) = (view(&source, "amd64"), view(&source, "arm64"));
    assert_eq!(source.pinned(&app()), None);
    let first = amd64.resolve(&app()).await.unwrap().value.digest;
    fake.calls();
    let moved = fake.retag("b");
    assert_ne!(moved, first);
    let (app, other) = (app(), reference("app:2"));
    let (second, other) = join(arm64.resolve(&app), arm64.resolve(&other)).await;
    assert_eq!(second.unwrap().value.digest, first);
    assert_eq!(other.unwrap().value.digest, moved);
    assert_eq!(source.pinned(&reference(&format!("app:1@{moved}"))), Some(first.clone()));
    assert_eq!(source.moved(&app), Some(moved));
    assert_eq!(source.moved(&reference("app:2")), None);
    let calls = fake.calls();
    let asked = |reference: &str| format!("ResolveSourceMeta docker-image://{NAME}:{reference} arm64 default");
    for call in [asked("1"), asked(&format!("1@{first}")), asked("2")] {
        assert!(calls.contains(&call), "{call}: {calls:?}");
    }
    assert_eq!(calls.iter().filter(|call| call.starts_with("ResolveSourceMeta")).count(), 3);
    assert_eq!(calls.iter().filter(|call| call.starts_with("Solve")).count(), 1);
}

/// A tag keeps its digest for this build although the tag or the registry is gone.
#[tokio::test]
async fn one_tag_has_one_answer_though_it_is_gone() {
    let fake = FakeBuildkit::new("a");
    let source = source(&fake).await;
    let first = view(&source, "amd64").resolve(&app()).await.unwrap().value.digest;
    fake.replace(move |method, message| {
        let request = pb::ResolveSourceMetaRequest::decode(message.clone()).ok()?;
        let by_tag = !request.source?.identifier.contains('@');
        (method == "ResolveSourceMeta" && by_tag).then(|| Reply::unknown("app:1: not found"))
    });
    assert_eq!(view(&source, "arm64").resolve(&app()).await.unwrap().value.digest, first);
    assert_eq!(source.moved(&app()), None);
}

/// Without a platform, BuildKit takes its own.
#[tokio::test]
async fn no_platform() {
    let fake = FakeBuildkit::new("a");
    let source = source(&fake).await;
    let assumed: Platform = "linux/arm64".parse().unwrap();
    let view = source.for_own_platform(&assumed, "");
    assert_eq!(*view.platform(), assumed);
    let metadata = view.metadata(&app()).await.unwrap();
    assert_eq!(metadata.config.as_deref(), Some(&documents::config(OWN)[..]));
    assert_eq!(fake.calls(), ["Ping".to_owned(), format!("ResolveSourceMeta docker-image://{NAME}:1 none")]);
}

/// Two platforms at the same time: BuildKit records a tag for each platform, so it gets a request for each.
#[tokio::test]
async fn equal_questions_are_asked_once() {
    let fake = FakeBuildkit::new("a");
    let source = source(&fake).await;
    let views = ["amd64", "arm64"].map(|architecture| view(&source, architecture));
    let app = app();
    let answers = join_all((0..40).map(|round| views[round % 2].pull(&app))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().value.bytes[..] == documents::index("a")));
    let calls = fake.calls();
    let count = |start: &str| calls.iter().filter(|call| call.starts_with(start)).count();
    for architecture in ["amd64", "arm64"] {
        let asked = format!("ResolveSourceMeta docker-image://{NAME}:1 {architecture} ");
        assert_eq!(count(&asked), 1, "{calls:?}");
    }
    assert_eq!(count("ResolveSourceMeta"), 2, "{calls:?}");
    assert_eq!((count("Ping"), count("Solve"), count("ReadFile")), (1, 1, 1), "{calls:?}");
}

/// A dropped request cancels its call, and the next request calls again.
#[tokio::test]
async fn a_question_that_was_dropped() {
    let fake = FakeBuildkit::new("a");
    fake.replace(|method, _| (method == "ResolveSourceMeta").then_some(Reply::Never));
    let view = view(&source(&fake).await, "amd64");
    let app = app();
    let waited = tokio::time::timeout(std::time::Duration::from_millis(50), view.pull(&app)).await;
    assert!(waited.is_err());
    fake.replace(|_, _| None);
    assert!(view.pull(&app).await.is_ok());
}

/// A policy can read the index of an image without the wanted platform, to name the platforms or to choose another one.
/// BuildKit does not always name the digest of that index.
#[tokio::test]
async fn no_match_for_the_platform() {
    for (text, asked) in [
        ("app: no match for platform in manifest {}: not found", 1),
        ("no match for platform in manifest: not found", 2),
    ] {
        let fake = FakeBuildkit::new("a");
        let text = text.replace("{}", sha256(&documents::index("a")).as_str());
        fake.replace(move |method, message| {
            let request = pb::ResolveSourceMetaRequest::decode(message.clone()).ok()?;
            let architecture = request.platform?.architecture;
            (method == "ResolveSourceMeta" && architecture == "s390x").then(|| Reply::unknown(&text))
        });
        let source = source(&fake).await;
        let other = view(&source, "s390x");
        let root = other.pull(&app()).await.unwrap().value;
        assert_eq!(root.bytes[..], documents::index("a"));
        let calls = fake.calls();
        assert_eq!(calls.iter().filter(|call| call.starts_with("ResolveSourceMeta")).count(), asked, "{calls:?}");
        let metadata = other.metadata(&app()).await.unwrap();
        assert_eq!(metadata, Metadata { digest: root.descriptor.digest.clone(), config: None });
        fake.retag("b");
        assert_eq!(view(&source, "amd64").resolve(&app()).await.unwrap().value.digest, root.descriptor.digest);
    }
    let fake = FakeBuildkit::new("a");
    fake.replace(|method, _| {
        (method == "ResolveSourceMeta").then(|| Reply::unknown("no match for platform in manifest: not found"))
    });
    let error = view(&source(&fake).await, "s390x").pull(&app()).await.unwrap_err();
    assert!(error.to_string().ends_with("it has no image for linux/s390x"), "{error}");
}

/// Registries that derive from the CNCF's return no OCI manifest to BuildKit. The metadata remains available.
#[tokio::test]
async fn a_registry_that_wants_media_types() {
    let fake = FakeBuildkit::new("a");
    fake.replace(|method, _| {
        let text = "unexpected HEAD status code http://registry/v2/app/blobs/sha256:00: 404 Not Found";
        (method == "Solve").then(|| Reply::unknown(text))
    });
    let view = view(&source(&fake).await, "amd64");
    let error = view.pull(&app()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert!(error.to_string().contains("wants its media type named"), "{error}");
    let metadata = view.metadata(&app()).await.unwrap();
    let config = documents::config("amd64");
    assert_eq!(metadata, Metadata { digest: sha256(&documents::index("a")), config: Some(config.clone().into()) });
    let kept = fetch(&view, &repository(), &descriptor(CONFIG, &config), MANIFEST_LIMIT).await.unwrap();
    assert_eq!(kept.value[..], config);
    let layer = descriptor("application/vnd.oci.image.layer.v1.tar+gzip", b"layer");
    assert_eq!(fetch(&view, &repository(), &layer, MANIFEST_LIMIT).await.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn an_artifact() {
    let fake = FakeBuildkit::new("a");
    let config = descriptor("application/vnd.wasm.config.v0+json", b"{}");
    let artifact = documents::manifest(&config);
    let digest = fake.add(&artifact);
    let text = "encountered unknown type application/vnd.wasm.config.v0+json; children may not be fetched";
    fake.replace(move |method, _| (method == "ResolveSourceMeta").then(|| Reply::unknown(text)));
    let view = view(&source(&fake).await, "amd64");
    let pinned = reference(&format!("app@{digest}"));
    assert_eq!(view.pull(&pinned).await.unwrap().value.descriptor, descriptor(MANIFEST, &artifact));
    let error = view.pull(&app()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert_eq!(
        error.to_string(),
        format!(
            "cannot pull {NAME}:1 at BuildKit: \
             BuildKit resolves no tags of artifacts, only of images: name the digest"
        )
    );
}

/// Large content comes in pieces, and a reader that stops causes no more calls.
#[tokio::test]
async fn a_layer() {
    let fake = FakeBuildkit::new("a");
    let bytes: Vec<u8> = (0..(5 << 20) + 3_u32).map(|number| (number % 251) as u8).collect();
    fake.add(&bytes);
    let view = view(&source(&fake).await, "amd64");
    let layer = descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &bytes);
    let answer = fetch(&view, &repository(), &layer, 16 << 20).await.unwrap();
    assert_eq!(answer.value, bytes);
    let reads = ["ReadFile 0+2097152", "ReadFile 2097152+2097152", "ReadFile 4194304+1048580"];
    assert_eq!(fake.calls()[2..], reads);
    let mut body = view.open(&repository(), &layer).await.unwrap().stream;
    assert_eq!(body.try_next().await.unwrap().unwrap().len(), 2 << 20);
    drop(body);
    assert_eq!(fake.calls()[1..], reads[..1]);
}

#[tokio::test]
async fn a_layout() {
    let fake = FakeBuildkit::new("a");
    let source = source(&fake).await;
    let (view, digest) = (view(&source, "amd64"), sha256(&documents::index("a")));
    let pinned = reference(&format!("app@{digest}"));
    let base = Reference::new(Repository::new("oci-layout", "base").unwrap(), None, Some(digest.clone())).unwrap();
    assert_eq!(view.resolve(&base).await.unwrap_err().code(), ErrorCode::NotFound);
    // BuildKit gets the build's name of the layout, and records it.
    let named: Repository = "docker.io/library/base".parse().unwrap();
    source.layout(base.repository().clone(), named, Store { id: "store0".to_owned(), session: "sid".to_owned() });
    fake.calls();
    assert_eq!(view.pull(&base).await.unwrap().value.bytes[..], documents::index("a"));
    let mut calls = fake.calls();
    calls.sort();
    assert_eq!(calls[1], format!("ResolveSourceMeta oci-layout://docker.io/library/base@{digest} amd64 default"));
    let solve = format!("Solve oci-layout+blob://docker.io/library/base@{digest} in store0/sid");
    assert!(calls[2].starts_with(&solve), "{calls:?}");
    let error = view.pull(&base.with_tag("1").unwrap()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported, "{error}");
    // Content of one repository is not content of another one.
    assert_ne!(view.pull(&pinned).await.unwrap().origin, Origin::Cache);
}

#[tokio::test]
async fn what_buildkit_does_not_list() {
    let fake = FakeBuildkit::new("a");
    let view = view(&source(&fake).await, "amd64");
    let tags = view.tags(&repository()).await.unwrap_err();
    let referrers = view.referrers(&repository(), &sha256(b"a"), None).await.unwrap_err();
    for error in [tags, referrers] {
        assert_eq!(error.code(), ErrorCode::Unsupported);
        assert!(error.to_string().contains(NAME), "{error}");
    }
    assert_eq!(fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_old_buildkit() {
    let fake = FakeBuildkit::new("a");
    let cap = pb::ApiCap { id: "source.metaresolver".to_owned(), enabled: true, ..Default::default() };
    let pong = pb::PongResponse { frontend_api_caps: vec![cap], ..Default::default() };
    fake.replace(move |method, _| (method == "Ping").then(|| Reply::message(&pong)));
    let view = view(&source(&fake).await, "amd64");
    let error = view.pull(&app()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert!(error.to_string().contains("BuildKit 0.28 or later is needed"), "{error}");
    assert_eq!(fake.calls(), ["Ping"]);
}

/// Content beyond the limit costs a second call, and nothing else changes.
#[tokio::test]
async fn the_record_is_bounded() {
    let fake = FakeBuildkit::new("a");
    let source = BuildkitSource::new(fake.bridge().await, Options { keep: 100, ..Options::default() });
    let view = view(&source, "amd64");
    for _ in 0..2 {
        assert_eq!(view.pull(&app()).await.unwrap().origin, Origin::Host("BuildKit".into()));
    }
    let calls = fake.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("Solve")).count(), 2);
    let asked: Vec<_> = calls.iter().filter(|call| call.starts_with("ResolveSourceMeta")).collect();
    assert!(asked.len() == 2 && asked[1].contains(":1@sha256:"), "{calls:?}");
}
