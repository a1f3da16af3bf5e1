//! `Remote`: the errors of registries are those of a client that asks them itself.

use bytes::Bytes;
use refkit_content::{ErrorKind, Fetch as _, Push, Resolve as _, Source};
use refkit_oci::Reference;
use refkit_registry::Client;
use refkit_server::client::{Address, Credentials, Remote};
use refkit_support::image::{ImageBuilder, MANIFEST};
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::rules::TestRules;
use crate::stand::Stand;

/// Returns what every call about an image of the registry ends in.
async fn ends(source: &dyn Source, target: &dyn Push, registry: &FaultRegistry) -> Vec<String> {
    let reference = &format!("{}/app:1", registry.host()).parse::<Reference>().unwrap();
    let image = ImageBuilder::new("linux/amd64").build();
    let repository = reference.repository();
    let (layer, bytes) = image.blobs().last().unwrap();
    let pinned = reference.with_digest(image.digest().clone());
    let body = || refkit_content::Body::from_bytes(refkit_content::Origin::Memory, bytes.clone());
    let ends = vec![
        format!("{:?}", source.resolve(reference).await),
        format!("{:?}", source.pull(reference).await),
        format!("{:?}", source.pull(&pinned).await),
        format!("{:?}", refkit_content::fetch(source, repository, &image.descriptor, 1 << 20).await),
        format!("{:?}", refkit_content::fetch(source, repository, layer, 1 << 20).await),
        format!("{:?}", source.tags(repository).await),
        format!("{:?}", source.referrers(repository, image.digest(), None).await),
        format!("{:?}", target.has(repository, layer).await),
        format!("{:?}", target.push_blob(repository, layer, body()).await),
        format!("{:?}", target.push_manifest(reference, MANIFEST, image.bytes.clone()).await),
        format!("{:?}", target.push_manifest(reference, MANIFEST, Bytes::from_static(b"{}")).await),
    ];
    ends.into_iter().map(|end| end.replace(&registry.host(), "HOST")).collect()
}

/// Checks that a client of a server sees the same as a client of the registry, each with a registry of its own that
/// `prepare` prepares.
async fn same(name: &str, prepare: impl AsyncFn(&FaultRegistry)) {
    let [one, other] = [FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap()];
    prepare(&one).await;
    prepare(&other).await;
    let direct = Client::builder().system_roots(false).build();
    let stand = Stand::start(TestRules::over_registries().await.push("one", "**")).await;
    let remote = stand.remote("one");
    assert_eq!(ends(&remote, &remote, &one).await, ends(&direct, &direct, &other).await, "{name}");
}

#[tokio::test]
async fn errors_are_those_of_the_registry_client() {
    let said = r#"{"errors":[{"code":"DENIED","message":"no \"you\""}]}"#;
    let rows = [
        ("nothing there", Fault::normal()),
        ("unauthorized", Fault::challenge(["Basic realm=\"r\""])),
        ("forbidden", Fault::status(403).header("content-type", "application/json").body(said)),
        ("gone", Fault::status(404)),
        ("limited", Fault::status(429).header("retry-after", "3600").body(said)),
        ("down", Fault::status(503).header("retry-after", "3600")),
        ("strange", Fault::status(418)),
        ("a page", Fault::status(200).header("content-type", "text/html").body("<html>")),
        ("malformed", Fault::status(200).header("content-type", MANIFEST).body("{")),
        ("a digest of another", Fault::normal().header("docker-content-digest", "sha256:00")),
        ("another host", Fault::redirect(307, "http://169.254.169.254/")),
    ];
    for (name, fault) in rows {
        same(name, async |registry| registry.add(Rule::on("*", fault.clone()))).await;
    }
}

#[tokio::test]
async fn content_is_that_of_the_registry() {
    let image = ImageBuilder::new("linux/amd64").build();
    let put = async |registry: &FaultRegistry| {
        let direct = Client::builder().system_roots(false).build();
        let reference = format!("{}/app:1", registry.host()).parse().unwrap();
        image.push(&direct, &reference).await.unwrap();
    };
    same("an image", put).await;
}

/// The server may be gone, or lie: the client trusts no byte that it can check.
#[tokio::test]
async fn a_server_that_is_not_there() {
    let reference: Reference = "registry.test/app:1".parse().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none.sock");
    let remote = Remote::new(&Address::Unix(path.clone()), &Credentials::default()).unwrap();
    let error = remote.resolve(&reference).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unreachable(_)), "{error:?}");
    let wanted = format!("cannot resolve registry.test/app:1 at unix://{}: unavailable: ", path.display());
    assert!(error.to_string().starts_with(&wanted), "{error}");
    let image = ImageBuilder::new("linux/amd64").build();
    assert!(remote.open(reference.repository(), &image.descriptor).await.is_err());
}

/// A server that comes back is used again, without a new client.
#[tokio::test]
async fn the_client_connects_again() {
    let memory = refkit_tests::stage::Stage::new().memory;
    let reference: Reference = "registry.test/app:1".parse().unwrap();
    let mut stand = Stand::start(TestRules::over(&memory).await).await;
    let remote = stand.remote("one");
    remote.resolve(&reference).await.unwrap();
    stand.restart().await;
    // The client learns that the old connection has ended when it reads from it.
    let mut attempts = 0;
    while let Err(error) = remote.resolve(&reference).await {
        attempts += 1;
        assert!(matches!(error.kind, ErrorKind::Unreachable(_)) && attempts < 10_000, "{error}");
        tokio::task::yield_now().await;
    }
}
