//! Many concurrent runs of one resolver, over one host.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use refkit::{Chain, Components, Engine, EngineOptions, Outcome, Request};
use refkit_content::cache::{Cache, CacheOptions, Cached};
use refkit_content::{DiskCache, Source};
use refkit_oci::Reference;
use refkit_registry::{Client, Retries};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};
use refkit_support::{Access, Fault, FaultRegistry, Rule, TokenServer};

/// The number of runs, and of images in one repository.
const RUNS: usize = 200;
const IMAGES: usize = 20;

/// Returns an index of two platforms that no other run has.
fn image(number: usize) -> Image {
    let one = |platform: &str| ImageBuilder::new(platform).label("number", &number.to_string()).build();
    IndexBuilder::new().add(one("linux/amd64")).add(one("linux/arm64")).build()
}

#[tokio::test(flavor = "multi_thread")]
async fn share_turns_tokens_and_content() {
    let registry = FaultRegistry::start().unwrap();
    let images: Vec<Image> = (0..IMAGES).map(image).collect();
    let reference = |number: usize| Reference::parse(&format!("{}/app:{number}", registry.host())).unwrap();
    let filling = Client::builder().retries(Retries::NONE).build();
    for (number, image) in images.iter().enumerate() {
        image.push(&filling, &reference(number)).await.unwrap();
    }
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    // The delay makes the requests overlap.
    registry.add(Rule::on("*", Fault::normal().delay(Duration::from_millis(10))));
    registry.clear();

    let directory = tempfile::tempdir().unwrap();
    let cache = DiskCache::open(directory.path().join("cache"), 64 << 20).await.unwrap();
    let cached = Cached::on_disk(Client::builder().build(), cache, CacheOptions::default());
    let source: Arc<dyn Source> = Arc::new(cached.with_memory(Cache::new(1 << 20)));
    let engine = Engine::new(EngineOptions { runs: RUNS as u32, ..EngineOptions::default() }).unwrap();
    let chain = Chain::load(&engine, Components::none(), &[]).await.unwrap();
    let resolver = Arc::new(chain.resolver(source));

    let run = |run: usize| {
        let request = Request::new(reference(run % IMAGES)).platform("linux/amd64".parse().unwrap()).with_configs();
        let resolver = Arc::clone(&resolver);
        tokio::spawn(async move { resolver.resolve(request).await })
    };
    for (number, outcome) in join_all((0..RUNS).map(run)).await.into_iter().enumerate() {
        let Ok(Outcome::Resolved(resolution)) = outcome.unwrap() else { panic!("run {number} has no answer") };
        let image = &images[number % IMAGES];
        assert_eq!(resolution.root.digest, *image.digest());
        let found = resolution.images[0].as_ref().unwrap();
        assert_eq!(found.manifest.digest, *image.children()[0].digest());
        assert_eq!(found.config.as_ref().map(|config| &config.digest), Some(&image.children()[0].blobs()[0].0.digest));
    }

    assert_eq!(registry.most_at_once(), 4);
    assert_eq!(tokens.count("*"), 1, "{:?}", tokens.requests());
    let mut by_tag = 0;
    for (number, image) in images.iter().enumerate() {
        let amd64 = &image.children()[0];
        let config = &amd64.blobs()[0].0.digest;
        for path in [format!("*/manifests/{}", amd64.digest()), format!("*/blobs/{config}")] {
            assert_eq!(registry.count(&format!("GET {path}")), 1, "{path}: {:?}", registry.requests());
        }
        // Later runs requested the digest of the tag, and found its content in the cache.
        assert_eq!(registry.count(&format!("GET */manifests/{}", image.digest())), 0);
        by_tag += registry.count(&format!("GET */manifests/{number}"));
    }
    assert_eq!(by_tag, IMAGES + 1, "one was asked for a token: {:?}", registry.requests());
}
