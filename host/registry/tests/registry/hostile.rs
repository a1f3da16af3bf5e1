//! Registries that fail, lie, or redirect elsewhere.

use refkit_content::{Error, ErrorKind, Fetch, Resolve, fetch};
use refkit_oci::Descriptor;
use refkit_registry::hosts::Host;
use refkit_registry::{Credentials, Hosts};
use refkit_support::{Access, Fault, FaultRegistry, Rule, digest};

use crate::ask::{USER, anonymous, builder, client, error_of, filled, image, reference, repository, user};

#[tokio::test]
async fn answers_of_a_pull() {
    type Is = fn(&ErrorKind) -> bool;
    let registry = filled().await;
    let zero = format!("sha256:{}", "0".repeat(64));
    let rows: [(&str, Fault, Is); 18] = [
        ("gone", Fault::status(404), |p| matches!(p, ErrorKind::NotFound)),
        ("forbidden", Fault::status(403), |p| matches!(p, ErrorKind::Forbidden(_))),
        ("limited", Fault::status(429).header("retry-after", "7"), |p| p.to_string().contains("7 s")),
        ("limited, no time", Fault::status(429), |p| matches!(p, ErrorKind::RateLimited { retry_after: None, .. })),
        ("limited, for a reason", Fault::status(429).body("{\"errors\":[{\"message\":\"pull less\"}]}"), |p| {
            p.to_string() == "the registry limits requests: pull less"
        }),
        ("broken", Fault::status(503), |p| matches!(p, ErrorKind::Overloaded { .. })),
        ("hung up", Fault::hang_up(), |p| matches!(p, ErrorKind::Unreachable(_))),
        ("stalled", Fault::stall(), |p| matches!(p, ErrorKind::Timeout(_))),
        ("stalled in the body", Fault::normal().stall_after(5), |p| matches!(p, ErrorKind::Timeout(_))),
        ("cut", Fault::normal().cut_after(5), |p| matches!(p, ErrorKind::Unreachable(_))),
        ("endless", Fault::normal().endless(), |p| matches!(p, ErrorKind::TooLarge { limit: 4_194_304 })),
        ("huge", Fault::normal().claim_length(1 << 62), |p| matches!(p, ErrorKind::TooLarge { .. })),
        ("other bytes", Fault::normal().body("{}"), |p| matches!(p, ErrorKind::WrongDigest { .. })),
        ("another digest", Fault::normal().header("docker-content-digest", &zero), |p| {
            matches!(p, ErrorKind::WrongDigest { .. })
        }),
        ("a digest that is none", Fault::normal().header("docker-content-digest", "sha256:../x"), |p| {
            matches!(p, ErrorKind::Malformed(_))
        }),
        ("endless words", Fault::status(500).body("{\"errors\":[").endless(), |p| {
            matches!(p, ErrorKind::Overloaded { .. })
        }),
        ("words for a terminal", Fault::status(403).body("{\"errors\":[{\"message\":\"\\u001b[2Jx\\n\"}]}"), |p| {
            p.to_string().ends_with("?[2Jx?")
        }),
        ("a redirect to nowhere", Fault::status(307), |p| p.to_string().contains("Location")),
    ];
    for (name, fault, is) in rows {
        registry.clear_rules();
        registry.add(Rule::on("GET *", fault));
        let found = error_of(anonymous().pull(&reference(&registry.host(), ":latest")).await);
        assert!(is(&found), "{name}: {found:?}");
    }
}

#[tokio::test]
async fn a_pinned_reference_gets_its_bytes_or_an_error() {
    let registry = filled().await;
    let other = registry.put_manifest("app", None, "application/vnd.oci.image.index.v1+json", "{}");
    let pinned = reference(&registry.host(), &format!("@{}", image().digest()));
    for fault in [
        Fault::normal().body("{}"),
        Fault::normal().body("{}").without("docker-content-digest"),
        Fault::normal().body("{}").header("docker-content-digest", other.as_str()),
        Fault::normal().header("docker-content-digest", other.as_str()),
    ] {
        registry.clear_rules();
        registry.add(Rule::on("GET *", fault));
        let found = error_of(anonymous().pull(&pinned).await);
        assert!(matches!(found, ErrorKind::WrongDigest { .. }), "{found:?}");
    }
    registry.add(Rule::on("HEAD *", Fault::normal().header("docker-content-digest", other.as_str())));
    assert!(matches!(error_of(anonymous().resolve(&pinned).await), ErrorKind::WrongDigest { .. }));
}

/// If the response to a HEAD lacks a header, the client reads the content.
#[tokio::test]
async fn a_get_follows_an_incomplete_head() {
    let registry = filled().await;
    for fault in
        [Fault::status(405), Fault::normal().without("docker-content-digest"), Fault::normal().without("content-type")]
    {
        registry.clear_rules();
        registry.clear();
        registry.add(Rule::on("HEAD *", fault));
        let found = anonymous().resolve(&reference(&registry.host(), ":latest")).await.unwrap().value;
        assert_eq!(found.digest, *image().digest());
        assert_eq!((registry.count("HEAD *"), registry.count("GET *")), (1, 1));
    }
}

#[tokio::test]
async fn blobs() {
    let registry = filled().await;
    let bytes = "0123456789";
    registry.put_blob("app", bytes);
    let what = Descriptor::new("a/b", digest(bytes.as_bytes()), 10);
    let from = repository(&registry.host());
    let ask =
        async |what: &Descriptor| -> Result<_, Error> { Ok(fetch(&anonymous(), &from, what, 1 << 20).await?.value) };
    assert_eq!(ask(&what).await.unwrap(), bytes);
    for size in [9, 11] {
        assert!(matches!(error_of(ask(&Descriptor { size, ..what.clone() }).await), ErrorKind::WrongSize { .. }));
    }
    registry.clear();
    assert!(matches!(error_of(ask(&Descriptor { size: 1 << 62, ..what.clone() }).await), ErrorKind::TooLarge { .. }));
    assert_eq!(registry.count("*"), 0);
    type Is = fn(&ErrorKind) -> bool;
    let rows: [(&str, Fault, Is); 3] = [
        ("other bytes", Fault::normal().body("abcdefghij"), |kind| matches!(kind, ErrorKind::WrongDigest { .. })),
        ("cut", Fault::normal().cut_after(3), |kind| matches!(kind, ErrorKind::Unreachable(_))),
        ("endless", Fault::normal().endless(), |kind| {
            matches!(kind, ErrorKind::WrongSize { expected: 10, actual: 11.. })
        }),
    ];
    for (name, fault, is) in rows {
        registry.clear_rules();
        registry.add(Rule::on("GET *", fault));
        let found = error_of(ask(&what).await);
        assert!(is(&found), "{name}: {found:?}");
    }
    assert!(registry.requests().last().expect("a request").bytes_sent < 4 << 20, "reading stops");
}

#[tokio::test]
async fn redirects() {
    let (registry, store) = (filled().await, FaultRegistry::start().unwrap());
    let name = reference(&registry.host(), ":latest");
    let bytes = "0123456789";
    store.put_blob("app", bytes);
    let what = Descriptor::new("a/b", digest(bytes.as_bytes()), 10);
    let there = format!("http://{}/v2/app/blobs/{}", store.host(), what.digest);
    registry.require(Access::basic(USER.0, USER.1));
    registry.add(Rule::on("GET */blobs/*", Fault::redirect(307, &there)).admitted());
    let from = repository(&registry.host());
    let asking = client(user());
    assert_eq!(fetch(&asking, &from, &what, 100).await.unwrap().value, bytes);
    assert!(registry.requests().last().expect("asked").authorization().is_some());
    assert_eq!(store.requests().len(), 1);
    assert!(store.requests()[0].authorization().is_none(), "credentials stay with the registry");

    // The client ignores a challenge of the other host.
    store.require(Access::basic(USER.0, USER.1));
    store.clear();
    assert!(matches!(error_of(fetch(&asking, &from, &what, 100).await), ErrorKind::Unauthorized(_)));
    assert_eq!(store.count("*"), 1);
    asking.pull(&name).await.unwrap();

    for (to, said) in [
        ("http://169.254.169.254/x", "inside this network"),
        ("ftp://127.0.0.1/x", "neither https nor http"),
        ("http://a:b@127.0.0.1/x", "a user name or a password"),
        ("http://[", "no URL"),
    ] {
        registry.clear_rules();
        registry.add(Rule::on("GET */blobs/*", Fault::redirect(302, to)).admitted());
        let found = error_of(asking.open(&from, &what).await).to_string();
        assert!(found.contains(said), "{to}: {found}");
    }
    registry.clear_rules();
    registry.clear();
    registry.add(Rule::on("GET */blobs/*", Fault::redirect(302, "x")).admitted());
    let found = error_of(asking.open(&from, &what).await).to_string();
    assert!(found.contains("redirects more than 5 times"), "{found}");
    assert_eq!(registry.count("*"), 6);
}

#[tokio::test]
async fn no_connection() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let found = error_of(anonymous().pull(&reference(&format!("127.0.0.1:{port}"), ":x")).await);
    assert!(matches!(&found, ErrorKind::Unreachable(text) if text.contains("refused")), "{found}");
    // A registry without TLS.
    let registry = FaultRegistry::start().unwrap();
    let mut host = Host::new(format!("https://{}/v2/", registry.host()).parse().unwrap());
    // Without this setting the client would fail before it connects, because it has no root certificates.
    host.tls.insecure = true;
    let hosts = Hosts::default().with(&registry.host(), vec![host]).unwrap();
    let secure = builder(Credentials::Anonymous).hosts(hosts).build();
    let found = error_of(secure.pull(&reference(&registry.host(), ":x")).await);
    assert!(matches!(found, ErrorKind::Protocol { tls: false }), "{found:?}");
    assert_eq!(registry.count("*"), 0);
}
