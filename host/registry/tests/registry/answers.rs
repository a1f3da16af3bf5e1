//! Malformed responses, and unusual valid ones.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use refkit_content::{Discover, ErrorKind, Resolve, fetch};
use refkit_oci::Descriptor;
use refkit_oci::document::media_type::{DOCKER_MANIFEST, INDEX, MANIFEST};
use refkit_registry::hosts::Host;
use refkit_registry::{Client, Credentials, Hosts};
use refkit_support::image::ImageBuilder;
use refkit_support::{Fault, FaultRegistry, Rule, digest};

use crate::ask::{anonymous, builder, error_of, filled, image, read, reference, repository, walk};

const LOGIN: &str = "<!DOCTYPE html><title>Please log in</title>";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn page() -> Fault {
    Fault::status(200).header("content-type", "text/html; charset=utf-8").body(LOGIN)
}

/// Returns a client that asks a mirror first.
fn mirrored(mirror: &FaultRegistry, registry: &FaultRegistry) -> Client {
    let url = |host: &str| format!("http://{host}/v2/").parse().unwrap();
    let hosts = vec![Host::mirror(url(&mirror.host())), Host::new(url(&registry.host()))];
    builder(Credentials::Anonymous).hosts(Hosts::default().with(&registry.host(), hosts).unwrap()).build()
}

#[tokio::test]
async fn an_html_page_is_no_manifest() {
    let (registry, mirror) = (filled().await, FaultRegistry::start().unwrap());
    let name = reference(&registry.host(), ":latest");
    let plain = |body: &str| Fault::status(200).header("content-type", "text/plain").body(body.to_owned());
    // the response, the error
    let rows = [
        (page(), "an HTML page"),
        (page().header("docker-content-digest", ""), "an HTML page"),
        (Fault::status(200).body(LOGIN), "an HTML page"),
        (Fault::status(200).header("content-type", "application/json").body(LOGIN), "an HTML page"),
        (plain("please log in"), "which is none of a manifest or index"),
        (Fault::status(200).header("content-type", "application/json").body("{}"), "which is none of a manifest"),
        (Fault::status(200).header("content-type", "image/png").body("x"), "it came as image/png"),
        (Fault::status(200), "it came without a media type"),
        (Fault::status(200).header("content-type", MANIFEST).body(LOGIN), "an HTML page"),
        (Fault::status(200).header("content-type", MANIFEST).body("garbage"), "is no JSON object"),
        (Fault::status(200).header("content-type", MANIFEST), "is no JSON object"),
        (Fault::status(204).header("content-type", MANIFEST), "is no JSON object"),
    ];
    for (fault, said) in rows {
        registry.clear_rules();
        mirror.clear_rules();
        mirror.add(Rule::on("*", fault.clone()));
        let found = mirrored(&mirror, &registry).resolve(&name).await.unwrap();
        assert_eq!(
            (found.value.digest, found.origin.to_string()),
            (image().digest().clone(), registry.host()),
            "{said}"
        );
        let found = mirrored(&mirror, &registry).pull(&name).await.unwrap();
        assert_eq!((found.value.bytes, found.origin.to_string()), (image().bytes.clone(), registry.host()), "{said}");
        registry.add(Rule::on("*", fault));
        for found in [error_of(anonymous().resolve(&name).await), error_of(anonymous().pull(&name).await)] {
            assert!(matches!(&found, ErrorKind::Malformed(text) if text.contains(said)), "{said}: {found:?}");
        }
    }
    registry.clear_rules();
    registry.add(Rule::on("*", page()));
    let pinned = reference(&registry.host(), &format!("@{}", image().digest()));
    let found = error_of(anonymous().pull(&pinned).await).to_string();
    assert!(found.contains("an HTML page instead of a manifest"), "{found}");
    let image = image();
    let child = &image.children()[0];
    for what in [&child.descriptor, &child.blobs()[0].0] {
        let found = error_of(read(&anonymous(), &repository(&registry.host()), what).await).to_string();
        assert!(found.contains("an HTML page instead of the content"), "{found}");
    }
    let found = error_of(anonymous().tags(&repository(&registry.host())).await).to_string();
    assert!(found.contains("an HTML page instead of a list of tags"), "{found}");
}

/// The document itself tells the media type, if the response has a generic one.
#[tokio::test]
async fn a_manifest_names_its_own_media_type() {
    let registry = FaultRegistry::start().unwrap();
    let docker = ImageBuilder::new("linux/amd64").docker().build();
    docker.push(&anonymous(), &reference(&registry.host(), ":docker")).await.unwrap();
    image().push(&anonymous(), &reference(&registry.host(), ":oci")).await.unwrap();
    for (tag, wanted) in [(":docker", DOCKER_MANIFEST), (":oci", INDEX)] {
        for came in ["application/json", "application/json; charset=utf-8", "text/plain", "text/html", "x/y", ""] {
            registry.clear_rules();
            registry.add(Rule::on("*", Fault::normal().header("content-type", came)));
            let name = reference(&registry.host(), tag);
            assert_eq!(anonymous().pull(&name).await.unwrap().value.descriptor.media_type, wanted, "{came}");
            assert_eq!(anonymous().resolve(&name).await.unwrap().value.media_type, wanted, "{came}");
        }
    }
    // Schema 1 keeps its media type, so that the caller can report it.
    for came in ["application/json", "text/plain", "application/vnd.docker.distribution.manifest.v1+prettyjws"] {
        registry.clear_rules();
        registry.put_manifest("app", Some("old"), came, r#"{"schemaVersion":1,"fsLayers":[]}"#);
        let found = anonymous().pull(&reference(&registry.host(), ":old")).await.unwrap().value;
        assert_eq!(found.descriptor.media_type, came);
    }
}

/// After a refused HEAD, the client sends a GET.
#[tokio::test]
async fn a_get_follows_a_refused_head() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    for status in [400, 403, 404, 405, 406, 410, 415, 418, 500, 501] {
        registry.clear_rules();
        registry.clear();
        registry.add(Rule::on("HEAD *", Fault::status(status)));
        let retrying = builder(Credentials::Anonymous).retries(refkit_registry::Retries::default()).build();
        assert_eq!(retrying.resolve(&name).await.unwrap().value.digest, *image().digest(), "{status}");
        assert_eq!((registry.count("HEAD *"), registry.count("GET *")), (1, 1), "{status}");
    }
    // The client sends no GET to a host that limits requests; after a mirror's 404 it asks the next host.
    registry.clear_rules();
    registry.clear();
    registry.add(Rule::on("HEAD *", Fault::status(429)));
    assert!(matches!(error_of(anonymous().resolve(&name).await), ErrorKind::RateLimited { .. }));
    assert_eq!(registry.count("*"), 1);
    registry.clear_rules();
    let mirror = FaultRegistry::start().unwrap();
    mirrored(&mirror, &registry).resolve(&name).await.unwrap();
    assert_eq!((mirror.count("HEAD *"), mirror.count("*")), (1, 1));
}

#[tokio::test]
async fn an_empty_digest_counts_as_absent() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    registry.add(Rule::on("*", Fault::normal().header("docker-content-digest", "")));
    assert_eq!(anonymous().pull(&name).await.unwrap().value.descriptor.digest, *image().digest());
    assert_eq!(anonymous().resolve(&name).await.unwrap().value.digest, *image().digest());
    // The same for a push.
    image().push(&anonymous(), &reference(&registry.host(), ":pushed")).await.unwrap();
}

/// The client requests no coding, but decodes gzip, and verifies the decoded bytes.
#[tokio::test]
async fn gzip_bodies_are_decoded_and_verified() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    walk(&anonymous(), &name).await.unwrap();
    let asked = registry.requests();
    assert!(asked.iter().all(|one| one.header("accept-encoding") == Some("identity")), "{asked:?}");
    let coded = |bytes: &[u8]| Fault::normal().header("content-encoding", "gzip").body(gzip(bytes));
    let image = image();
    registry.add(Rule::on("* */manifests/latest", coded(&image.bytes)));
    let found = anonymous().pull(&name).await.unwrap().value;
    assert_eq!((found.bytes, found.descriptor.size), (image.bytes.clone(), image.bytes.len() as u64));
    // The length in the response to a HEAD is that of the coded body.
    registry.clear();
    let found = anonymous().resolve(&name).await.unwrap().value;
    assert_eq!((&found.digest, found.size), (image.digest(), image.bytes.len() as u64));
    assert_eq!((registry.count("HEAD *"), registry.count("GET *")), (1, 1));
    registry.clear_rules();
    registry.add(Rule::on("* */manifests/latest", coded(b"{}")));
    assert!(matches!(error_of(anonymous().pull(&name).await), ErrorKind::WrongDigest { .. }));

    let from = repository(&registry.host());
    let bytes: Vec<u8> = (0..200_000_u32).flat_map(|n| (n % 251).to_le_bytes()).collect();
    registry.put_blob("app", bytes.clone());
    let what = Descriptor::new("a/b", digest(&bytes), bytes.len() as u64);
    let read = async |fault: Fault| {
        registry.clear_rules();
        registry.clear();
        registry.add(Rule::on("GET */blobs/*", fault).first(1));
        let retries = refkit_registry::Retries::default().limit(1);
        fetch(&builder(Credentials::Anonymous).retries(retries).build(), &from, &what, 1 << 20).await
    };
    assert_eq!(read(coded(&bytes)).await.unwrap().value, bytes);
    // A coded body that breaks is requested again as a whole, because a range would cover coded bytes.
    assert_eq!(read(coded(&bytes).cut_after(1500)).await.unwrap().value, bytes);
    let asked = registry.requests();
    assert!(asked.len() == 2 && asked[1].header("range").is_none(), "{asked:?}");
    // Some stores declare gzip for a body that is not coded.
    assert_eq!(read(Fault::normal().header("content-encoding", "gzip")).await.unwrap().value, bytes);
    let longer = [&bytes[..], b"x"].concat();
    assert!(matches!(error_of(read(coded(&longer)).await), ErrorKind::WrongSize { .. }));
    assert!(matches!(error_of(read(coded(&longer[1..])).await), ErrorKind::WrongDigest { .. }));
    let found = error_of(read(Fault::normal().header("content-encoding", "br")).await);
    assert!(matches!(&found, ErrorKind::Unsupported(text) if text.contains("\"br\"")), "{found:?}");
    // The same for a layer that is itself a gzip file.
    let layer = gzip(&bytes);
    registry.put_blob("app", layer.clone());
    registry.clear_rules();
    registry.add(Rule::on("GET */blobs/*", Fault::normal().header("content-encoding", "gzip")));
    let what = Descriptor::new("a/b", digest(&layer), layer.len() as u64);
    assert_eq!(fetch(&anonymous(), &from, &what, 1 << 20).await.unwrap().value, layer);
}

/// A few KiB that decode to 64 MiB of zeros: reading stops at the limit.
#[tokio::test]
async fn a_gzip_bomb_stops_at_the_limit() {
    let registry = filled().await;
    let bomb = Fault::status(200).header("content-encoding", "gzip").body(gzip(&vec![0; 64 << 20]));
    registry.add(Rule::on("GET *", bomb));
    let name = reference(&registry.host(), ":latest");
    assert!(matches!(error_of(anonymous().pull(&name).await), ErrorKind::TooLarge { limit: 4_194_304 }));
    let what = Descriptor::new("a/b", digest(b"x"), 1);
    assert!(matches!(
        error_of(fetch(&anonymous(), &repository(&registry.host()), &what, 1 << 20).await),
        ErrorKind::WrongSize { .. }
    ));
    assert!(matches!(error_of(anonymous().tags(&repository(&registry.host())).await), ErrorKind::TooLarge { .. }));
}
