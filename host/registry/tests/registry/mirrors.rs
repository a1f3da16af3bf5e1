//! Failover between hosts.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use refkit_content::{Discover, ErrorKind, Fetch, Origin, Push, Resolve, fetch};
use refkit_oci::Descriptor;
use refkit_registry::hosts::{Capabilities, Host, Rewrite};
use refkit_registry::{Client, Credentials, Hosts, Retries};
use refkit_support::image::ImageBuilder;
use refkit_support::{Access, Fault, FaultRegistry, Rule};

use crate::ask::{USER, anonymous, builder, error_of, filled, image, reference, repository, user, walk};

/// The registry's name in references. No real host has it.
const NAME: &str = "registry.example";

fn api(registry: &FaultRegistry) -> url::Url {
    format!("http://{}/v2/", registry.host()).parse().unwrap()
}

/// Returns a client with mirrors and their upstream.
fn asking(mirrors: &[&FaultRegistry], upstream: &FaultRegistry, credentials: Credentials) -> Client {
    let mirrors = mirrors.iter().map(|mirror| Host::mirror(api(mirror)));
    let upstream = Host::new(api(upstream)).credentials(NAME.to_owned());
    client(mirrors.chain([upstream]).collect(), credentials)
}

fn client(hosts: Vec<Host>, credentials: Credentials) -> Client {
    builder(credentials).hosts(Hosts::default().with(NAME, hosts).unwrap()).build()
}

#[tokio::test]
async fn hosts_are_asked_in_order_until_one_responds() {
    let (first, second, upstream) = (filled().await, filled().await, filled().await);
    let name = reference(NAME, ":latest");
    // the faults of the mirrors, the host that responds, the requests of each
    let ok = Fault::normal;
    let rows = [
        (ok(), ok(), 0, [1, 0, 0]),
        (Fault::status(404), ok(), 1, [1, 1, 0]),
        (Fault::status(403), ok(), 1, [1, 1, 0]),
        (Fault::status(503), Fault::status(429), 2, [1, 1, 1]),
        (Fault::hang_up(), ok(), 1, [1, 1, 0]),
        (ok().body("{}"), ok().header("docker-content-digest", "sha256:../x"), 2, [1, 1, 1]),
        (Fault::challenge(["Bearer realm=\"http://169.254.169.254/token\""]), ok(), 1, [1, 1, 0]),
    ];
    for (one, two, answers, requests) in rows {
        let all = [&first, &second, &upstream];
        let shown = format!("{one:?}, {two:?}");
        for (registry, fault) in all.iter().zip([one, two, ok()]) {
            registry.clear();
            registry.clear_rules();
            registry.add(Rule::on("*", fault));
        }
        let asking = asking(&[&first, &second], &upstream, Credentials::Anonymous);
        let answer = asking.pull(&name).await.unwrap();
        assert_eq!(answer.origin, Origin::Host(all[answers].host().into()), "{shown}");
        assert_eq!(all.map(|registry| registry.count("*")), requests, "{shown}");
    }
}

#[tokio::test]
async fn requests_to_a_mirror_name_the_registry() {
    let (mirror, upstream) = (filled().await, filled().await);
    mirror.put_manifest("app", Some("other"), "application/vnd.oci.image.index.v1+json", "{}");
    mirror.set_page_size(Some(1));
    let asking = asking(&[&mirror], &upstream, Credentials::Anonymous);
    walk(&asking, &reference(NAME, ":latest")).await.unwrap();
    assert_eq!(asking.tags(&repository(NAME)).await.unwrap().value, ["latest", "other"]);
    let queries: Vec<_> = mirror.requests().iter().map(|request| request.query().map(str::to_owned)).collect();
    assert!(queries.len() == 5, "{queries:?}");
    for query in queries {
        assert!(query.as_deref().is_some_and(|query| query.contains("ns=registry.example")), "{query:?}");
    }
    assert_eq!(upstream.count("*"), 0);
}

#[tokio::test]
async fn the_most_telling_error_is_returned() {
    let (mirror, upstream) = (filled().await, filled().await);
    type Is = fn(&ErrorKind) -> bool;
    let rows: [(Fault, Fault, Is); 5] = [
        (Fault::hang_up(), Fault::status(404), |error_of| matches!(error_of, ErrorKind::NotFound)),
        (Fault::status(404), Fault::hang_up(), |error_of| matches!(error_of, ErrorKind::NotFound)),
        (Fault::status(403), Fault::status(404), |error_of| matches!(error_of, ErrorKind::Forbidden(_))),
        (Fault::status(404), Fault::status(503), |error_of| matches!(error_of, ErrorKind::Overloaded { .. })),
        (Fault::hang_up(), Fault::hang_up(), |error_of| matches!(error_of, ErrorKind::Unreachable(_))),
    ];
    for (one, two, is) in rows {
        let shown = format!("{one:?}, {two:?}");
        for (registry, fault) in [&mirror, &upstream].into_iter().zip([one, two]) {
            registry.clear_rules();
            registry.add(Rule::on("*", fault));
        }
        let asking = asking(&[&mirror], &upstream, Credentials::Anonymous);
        let found = error_of(asking.resolve(&reference(NAME, ":latest")).await);
        assert!(is(&found), "{shown}: {found:?}");
    }
}

#[tokio::test]
async fn each_host_has_its_own_credentials_paths_and_headers() {
    let (mirror, upstream) = (filled().await, filled().await);
    upstream.require(Access::basic(USER.0, USER.1));
    let there = Host::mirror(format!("http://{}/v2/proxy/", mirror.host()).parse().unwrap())
        .rewrites(vec![Rewrite::new("^(.*)$", "hub/$1").unwrap()])
        .headers(vec![("x-token".parse().unwrap(), "secret".parse().unwrap())]);
    let upstream_host = Host::new(api(&upstream)).credentials(NAME.to_owned());
    // Both hosts are set for every registry, so only the credentials and headers of each request differ.
    let asking = client(vec![there, upstream_host], user());
    asking.pull(&reference(NAME, ":latest")).await.unwrap();
    let asked = mirror.requests();
    assert_eq!((asked.len(), asked[0].path()), (1, "/v2/proxy/hub/app/manifests/latest"));
    assert_eq!((asked[0].header("x-token"), asked[0].authorization()), (Some("secret"), None));
    let asked = upstream.requests();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|request| request.header("x-token").is_none()));
}

#[tokio::test]
async fn capabilities() {
    let (mirror, upstream) = (filled().await, filled().await);
    let digests_only = Capabilities::READ.resolve(false);
    let mirrored = Host::mirror(api(&mirror)).capabilities(digests_only);
    let asking = client(vec![mirrored.clone(), Host::new(api(&upstream))], Credentials::Anonymous);
    walk(&asking, &reference(NAME, ":latest")).await.unwrap();
    asking.referrers(&repository(NAME), image().digest(), None).await.unwrap();
    asking.resolve(&reference(NAME, &format!("@{}", image().digest()))).await.unwrap();
    asking
        .push_manifest(&reference(NAME, ":new"), &image().descriptor.media_type, image().bytes.clone())
        .await
        .unwrap();
    assert_eq!((mirror.count("*"), upstream.count("*")), (3, 3), "{:?}", upstream.requests());
    let reading = client(vec![mirrored], Credentials::Anonymous);
    let found = error_of(reading.push_manifest(&reference(NAME, ":new"), "", Default::default()).await);
    assert!(matches!(&found, ErrorKind::NoHost { registry } if registry == repository(NAME).registry()), "{found}");
}

#[tokio::test]
async fn concurrency_is_limited() {
    let registry = filled().await;
    let blobs: Vec<_> = (0..40).map(|number| format!("blob {number}")).collect();
    let put = |text: &String| {
        let digest = registry.put_blob("app", text.clone());
        Descriptor::new("application/octet-stream", digest, text.len() as u64)
    };
    let descriptors: Vec<Descriptor> = blobs.iter().map(put).collect();
    registry.add(Rule::on("*", Fault::normal().delay(Duration::from_millis(5))));
    for (wanted, concurrency) in [(4, None), (1, NonZeroUsize::new(1)), (9, NonZeroUsize::new(9))] {
        registry.clear();
        let host = Host::new(api(&registry)).concurrency(concurrency);
        let asking = Arc::new(client(vec![host], Credentials::Anonymous));
        let (name, one) = (reference(NAME, ":latest"), repository(NAME));
        let fetches = descriptors.iter().map(|descriptor| fetch(&*asking, &one, descriptor, 1 << 20));
        let resolves = (0..40).map(|_| asking.resolve(&name));
        let (found, resolved) = tokio::join!(join_all(fetches), join_all(resolves));
        for (found, text) in found.into_iter().zip(&blobs) {
            assert_eq!(found.unwrap().value, text.as_bytes());
        }
        assert!(resolved.into_iter().all(|answer| answer.is_ok()));
        assert_eq!(registry.most_at_once(), wanted);
        // Equal concurrent requests become one.
        assert_eq!((registry.count("GET *"), registry.count("HEAD *")), (40, 1));
    }
}

#[tokio::test]
async fn a_broken_blob_is_resumed() {
    let registry = filled().await;
    let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let digest = registry.put_blob("app", bytes.clone());
    let descriptor = Descriptor::new("application/octet-stream", digest, bytes.len() as u64);
    let retries = Retries::default().limit(3).first(Duration::from_millis(1)).longest(Duration::from_secs(1));
    let asking = builder(Credentials::Anonymous).retries(retries).build();
    let one = repository(&registry.host());
    let broken = || Rule::on("GET */blobs/*", Fault::normal().cut_after(150_000));
    // the rule, further rules, whether the fetch succeeds, requests
    let rows: Vec<(Vec<Rule>, bool, usize)> = vec![
        (vec![broken().first(1)], true, 2),
        (vec![broken().first(2)], true, 3),
        (vec![Rule::on("GET */blobs/*", Fault::normal().stall_after(150_000)).first(1)], true, 2),
        // If the server ignores the range, the body starts again; if it lies about the range, that is an error.
        (vec![broken().first(1), Rule::on("GET */blobs/*", Fault::normal().ignore_range())], true, 2),
        (
            vec![broken().first(1), Rule::on("GET *", Fault::normal().header("content-range", "bytes 5-6/400000"))],
            false,
            2,
        ),
        (vec![broken().first(1), Rule::on("GET *", Fault::status(416))], false, 2),
        (vec![broken().first(1), Rule::on("GET *", Fault::status(503)).first(2)], true, 4),
        // The client gives up a body that makes no progress.
        (vec![Rule::on("GET */blobs/*", Fault::normal().cut_after(0))], false, 4),
    ];
    for (number, (rules, wanted, requests)) in rows.into_iter().enumerate() {
        registry.clear_rules();
        registry.clear();
        rules.into_iter().for_each(|rule| registry.add(rule));
        let found = fetch(&asking, &one, &descriptor, 1 << 20).await;
        assert_eq!((found.is_ok(), registry.count("*")), (wanted, requests), "row {number}: {:?}", registry.requests());
        if let Ok(found) = found {
            assert_eq!(found.value, bytes, "row {number}");
        }
    }
    registry.clear_rules();
    registry.clear();
    registry.add(broken().first(1));
    fetch(&asking, &one, &descriptor, 1 << 20).await.unwrap();
    let asked: Vec<_> = registry.requests().iter().map(|request| request.header("range").map(str::to_owned)).collect();
    let range = asked[1].as_deref().and_then(|range| range.strip_prefix("bytes="));
    let begin: u64 = range.and_then(|range| range.strip_suffix('-')).and_then(|begin| begin.parse().ok()).unwrap();
    assert!(asked[0].is_none() && begin > 0 && begin <= 150_000, "{asked:?}");
    drop(asking.open(&one, &descriptor).await.unwrap());
}

#[tokio::test]
async fn the_upstream_is_asked_after_a_miss_at_the_mirror() {
    let (mirror, upstream) = (filled().await, filled().await);
    let artifact = ImageBuilder::artifact("application/x.kind", &image()).build();
    artifact.push(&anonymous(), &reference(&upstream.host(), &format!("@{}", artifact.digest()))).await.unwrap();
    let asking = asking(&[&mirror], &upstream, Credentials::Anonymous);
    for api in [true, false] {
        mirror.set_referrers(api);
        let found = asking.referrers(&repository(NAME), image().digest(), None).await.unwrap();
        assert_eq!(found.value.len(), 1, "{api}");
        assert_eq!(found.origin, Origin::Host(upstream.host().into()));
    }
    // The same for content that does not match its digest.
    let digest = upstream.put_blob("app", "good");
    mirror.put_blob("app", "good");
    mirror.add(Rule::on("GET */blobs/*", Fault::normal().body("evil")));
    let config = Descriptor::new("application/vnd.oci.image.config.v1+json", digest, 4);
    assert_eq!(fetch(&asking, &repository(NAME), &config, 100).await.unwrap().value, "good");
    assert_eq!((mirror.count("GET */blobs/*"), upstream.count("GET */blobs/*")), (1, 1));
}

#[tokio::test]
async fn a_push_tries_both_schemes() {
    let registry = FaultRegistry::start().unwrap();
    let text = format!("[registry.\"{}\"]\nhttp = true\ninsecure = true\n", registry.host());
    let hosts = Hosts::default().refkit(std::path::Path::new("refkit.toml"), &text).unwrap();
    let asking = builder(Credentials::Anonymous).hosts(hosts).build();
    let name = reference(&registry.host(), ":1");
    image().push(&asking, &name).await.unwrap();
    assert_eq!(asking.pull(&name).await.unwrap().value.bytes, image().bytes);
}
