//! Registries that do not answer, or send little in a long time: how long the client waits for them.

use std::time::Duration;

use bytes::Bytes;
use refkit_content::{ErrorKind, Push as _, Resolve as _};
use refkit_oci::Descriptor;
use refkit_registry::{Client, Credentials, Timeouts, Uploads};
use refkit_support::{Fault, FaultRegistry, Rule, digest};

use crate::ask::{builder, error_of, filled, image, read, reference, repository};
use crate::push_chunks::{CHUNK, blob, body};

const SHORT: Duration = Duration::from_millis(200);

fn hurried(uploads: Uploads) -> Client {
    let timeouts = Timeouts::default().connect(SHORT).head(SHORT).idle(SHORT);
    builder(Credentials::Anonymous).timeouts(timeouts).uploads(uploads).build()
}

#[tokio::test]
async fn an_end_of_an_upload_without_an_answer_is_repeated_once() {
    let registry = FaultRegistry::start().unwrap();
    registry.add(Rule::on("PUT *", Fault::stall()));
    let (what, bytes) = blob(600);
    let asking = hurried(Uploads::default().chunk(CHUNK).whole(512));
    let found = error_of(asking.push_blob(&repository(&registry.host()), &what, body(&bytes)).await);
    assert!(matches!(found, ErrorKind::Timeout(_)), "{found:?}");
    assert_eq!((registry.count("PUT *"), registry.count("DELETE *")), (2, 1));
}

/// The time for the answer begins once the registry has the body, whatever its length.
#[tokio::test]
async fn a_long_body_gets_an_answer_as_soon_as_a_short_one() {
    let registry = FaultRegistry::start().unwrap();
    for what in ["PUT *", "GET *"] {
        registry.add(Rule::on(what, Fault::stall()));
    }
    let bytes = Bytes::from(vec![7; 5 << 20]);
    let what = Descriptor::new("a/b", digest(&bytes), bytes.len() as u64);
    let body = refkit_content::Body::from_bytes(refkit_content::Origin::Memory, bytes);
    let found = error_of(hurried(Uploads::default()).push_blob(&repository(&registry.host()), &what, body).await);
    assert!(matches!(found, ErrorKind::Timeout(within) if within == 3 * SHORT), "{found:?}");
}

/// A byte every few milliseconds: a document has to come within its time, and a blob has none.
#[tokio::test]
async fn a_document_has_a_time_for_its_whole_body() {
    let registry = filled().await;
    let host = registry.host();
    let timeouts = Timeouts::default().document(SHORT);
    let asking = builder(Credentials::Anonymous).timeouts(timeouts).build();
    let image = image();
    let manifest = &image.children()[0];
    let config = &manifest.blobs()[0].0;
    registry.add(Rule::on("GET *", Fault::normal().slow(Duration::from_millis(3))));
    let is_late = |found: &ErrorKind| matches!(found, ErrorKind::Timeout(within) if *within == SHORT);
    let found = error_of(asking.pull(&reference(&host, ":latest")).await);
    assert!(is_late(&found), "{found:?}");
    let found = error_of(read(&asking, &repository(&host), &manifest.descriptor).await);
    assert!(is_late(&found), "{found:?}");
    read(&asking, &repository(&host), config).await.unwrap();
}
