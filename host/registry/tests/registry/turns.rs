//! No request waits for a slot that its own operation holds.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use refkit_content::{Body, ErrorKind, Origin, Push, Resolve, copy};
use refkit_oci::{Descriptor, Reference};
use refkit_registry::hosts::Host;
use refkit_registry::{ClientBuilder, Credentials, Hosts, Retries, Timeouts, Uploads};
use refkit_support::image::ImageBuilder;
use refkit_support::{Fault, FaultRegistry, Rule, digest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::ask::{anonymous, builder, error_of, image, later, reference, repository};
use crate::push_chunks::asked;

const NAME: &str = "registry.example";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const PATIENCE: Duration = Duration::from_secs(30);

fn at(registry: &FaultRegistry, change: impl Fn(Host) -> Host) -> ClientBuilder {
    let host = change(Host::new(format!("http://{}/v2/", registry.host()).parse().unwrap()));
    builder(Credentials::Anonymous).hosts(Hosts::default().with(NAME, vec![host]).unwrap())
}

/// A copy between two repositories of a registry that refuses mounts, with faults.
#[tokio::test]
async fn a_copy_within_a_registry_ends() {
    let retries = Retries::default().limit(3).first(Duration::from_millis(20)).longest(Duration::from_secs(1));
    let broken = || Rule::on("GET */app/blobs/*", Fault::normal().cut_after(300_000));
    let refused = || Rule::on("PATCH *", Fault::status(503).delay(Duration::from_millis(200)));
    // slots, how blobs are sent, faults
    let rows = [
        (1, 200 << 10, refused().first(1)),
        (4, 200 << 10, refused().first(4)),
        (1, 200 << 20, broken().first(2)),
        (4, 200 << 20, broken().first(4)),
        (1, 200 << 10, broken().first(2)),
    ];
    for (number, (turns, whole, rule)) in rows.into_iter().enumerate() {
        let registry = FaultRegistry::start().unwrap();
        let layers = (0..5_u8).map(|number| vec![number; 600_000 + usize::from(number)]);
        let image = layers.fold(ImageBuilder::new("linux/amd64"), |image, bytes| image.layer(LAYER, bytes)).build();
        image.push(&anonymous(), &reference(&registry.host(), ":1")).await.unwrap();
        let mounts = |parts: &http::request::Parts| parts.uri.query().is_some_and(|query| query.contains("mount="));
        registry.add(Rule::when(mounts, Fault::status(405)));
        registry.add(rule);
        let asking = at(&registry, |host| host.concurrency(NonZeroUsize::new(turns)));
        let asking = asking.retries(retries).uploads(Uploads::default().chunk(128 << 10).whole(whole)).build();
        let to = Reference::parse(&format!("{NAME}/other:1")).unwrap();
        let copied = tokio::time::timeout(PATIENCE, copy(&asking, &reference(NAME, ":1"), &asking, &to)).await;
        assert_eq!(copied.expect("it ends").unwrap().digest, *image.digest(), "row {number}");
    }
}

#[tokio::test]
async fn extreme_settings() {
    let registry = FaultRegistry::start().unwrap();
    image().push(&anonymous(), &reference(&registry.host(), ":latest")).await.unwrap();
    let name = reference(NAME, ":latest");
    let fast = at(&registry, |host| host.rate(NonZeroU32::new(u32::MAX)));
    fast.build().resolve(&name).await.unwrap();
    let huge = Duration::MAX;
    let patient = Timeouts::default().connect(huge).head(huge).idle(huge).whole(huge);
    let asking = at(&registry, |host| host).timeouts(patient).build();
    asking.resolve(&name).await.unwrap();
    image().push(&asking, &reference(NAME, ":other")).await.unwrap();
    // The random part of a wait does not exceed the longest wait.
    let even = Retries::default().limit(1).first(Duration::from_millis(20)).longest(Duration::from_millis(20));
    registry.add(Rule::on("*", Fault::status(503)).first(1));
    at(&registry, |host| host).retries(even).build().resolve(&name).await.unwrap();
}

#[tokio::test]
async fn a_put_that_may_have_succeeded_is_not_repeated() {
    let retries = Retries::default().limit(3).first(Duration::from_millis(5)).longest(Duration::from_secs(1));
    // the first response; the requests of the upload: only an upload that is still there is continued
    let rows = [
        (Fault::status(503), "PUT 503, PUT 201"),
        (Fault::normal().with_status(504), "PUT 504, GET 404, HEAD 200"),
        (Fault::hang_up(), "PUT -, GET 204, 0-4 202, PUT 201"),
    ];
    for (fault, wanted) in rows {
        let registry = FaultRegistry::start().unwrap();
        registry.add(Rule::on("PUT */blobs/*", fault).first(1));
        let asking = builder(Credentials::Anonymous).retries(retries).build();
        let what = Descriptor::new("a/b", digest(b"small"), 5);
        let body = Body::from_bytes(Origin::Memory, "small".into());
        asking.push_blob(&repository(&registry.host()), &what, body).await.unwrap();
        assert_eq!(asked(&registry), format!("HEAD 404, POST 202, {wanted}"));
    }
}

/// Forwards a connection at 1 MB a second.
async fn slow_line(to: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((down, _)) = listener.accept().await {
            let Ok(up) = TcpStream::connect(&to).await else { return };
            let ((mut from_client, mut to_client), (mut from_host, mut to_host)) = (down.into_split(), up.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_host, &mut to_client).await });
            tokio::spawn(async move {
                let mut bytes = vec![0; 10_000];
                while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    if to_host.write_all(&bytes[..read]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    host
}

#[tokio::test]
async fn a_slow_line_succeeds_and_a_stalled_host_fails() {
    let registry = FaultRegistry::start().unwrap();
    let (short, idle) = (Duration::from_millis(300), Duration::from_secs(4));
    let timeouts = Timeouts::default().connect(short).head(short).idle(idle);
    let asking = |whole| {
        let uploads = Uploads::default().chunk(4 << 20).whole(whole);
        builder(Credentials::Anonymous).timeouts(timeouts).uploads(uploads).build()
    };
    let bytes = vec![7; 2 << 20];
    let what = Descriptor::new("a/b", digest(&bytes), bytes.len() as u64);
    let body = || Body::from_bytes(Origin::Memory, bytes.clone().into());
    let slow = repository(&slow_line(registry.host()).await);
    asking(4 << 20).push_blob(&slow, &what, body()).await.unwrap();
    assert_eq!(registry.count("PUT *"), 1);
    // The client reads the blob while it sends it, to a host that reads and never responds, in one request or in
    // chunks.
    registry.add(Rule::on("PUT *", Fault::stall()));
    let other = Descriptor::new("a/b", digest(b"another"), 7);
    let uploads = Uploads::default().chunk(4).whole(100);
    let streaming = builder(Credentials::Anonymous).timeouts(timeouts).uploads(uploads).build();
    let (to, body) = (repository(&registry.host()), Body::from_bytes(Origin::Memory, "another".into()));
    let pushed = streaming.push_blob(&to, &other, body);
    let found = error_of(tokio::time::timeout(PATIENCE, pushed).await.expect("it ends"));
    assert!(matches!(found, ErrorKind::Timeout(_)), "{found:?}");
}

#[tokio::test]
async fn connections_are_reused_and_an_operation_has_a_timeout() {
    let registry = FaultRegistry::start().unwrap();
    image().push(&anonymous(), &reference(&registry.host(), ":latest")).await.unwrap();
    let (name, before) = (reference(NAME, ":latest"), registry.connections());
    let asking = at(&registry, |host| host).build();
    for _ in 0..5 {
        asking.pull(&name).await.unwrap();
    }
    assert_eq!(registry.connections(), before + 1);
    // Each response comes in time, but all of them together do not.
    let whole = Duration::from_millis(300);
    let retries = Retries::default().limit(1000).first(Duration::from_millis(10)).longest(Duration::from_millis(20));
    registry.add(Rule::on("*", Fault::status(503).delay(Duration::from_millis(20))));
    let timeouts = Timeouts::default().whole(whole);
    let hurried = at(&registry, |host| host).timeouts(timeouts).retries(retries).build();
    let found = error_of(hurried.pull(&name).await);
    assert!(
        matches!(found, ErrorKind::Timeout(within) if within <= whole) || found.to_string().contains("503"),
        "{found}"
    );
    // A request that waited for its rate would be sent now, before the next one.
    let asked = registry.count("*");
    later(whole).await;
    error_of(at(&registry, |host| host).build().pull(&name).await);
    assert_eq!(registry.count("*"), asked + 1, "the client sends nothing after that");
}
