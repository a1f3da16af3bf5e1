//! Pushes that their caller drops while the registry opens an upload, or cancels one: none stays open.

use std::time::{Duration, Instant};

use refkit_content::Push;
use refkit_oci::Repository;
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::ask::{client, repository, user};
use crate::push_chunks::{blob, body};

/// How long the registry takes for the request at which the caller goes away.
const SLOW: Duration = Duration::from_millis(300);

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < patience, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs work until the registry has a request, and drops it.
async fn dropped<T: std::fmt::Debug>(work: impl Future<Output = T>, registry: &FaultRegistry, pattern: &str) {
    tokio::select! {
        done = work => panic!("{pattern}: {done:?}"),
        () = until(pattern, || registry.count(pattern) > 0) => {}
    }
}

#[tokio::test]
async fn an_upload_that_is_just_opened_is_cancelled() {
    let (what, bytes) = blob(10);
    for mounts in [false, true] {
        let registry = FaultRegistry::start().unwrap();
        registry.add(Rule::on("POST *", Fault::normal().delay(SLOW)));
        let (asking, to) = (client(user()), repository(&registry.host()));
        let from = Repository::new(registry.host(), "other").unwrap();
        match mounts {
            true => dropped(asking.mount(&to, &what, &from), &registry, "POST *").await,
            false => dropped(asking.push_blob(&to, &what, body(&bytes)), &registry, "POST *").await,
        }
        assert_eq!(registry.count("DELETE *"), 0, "it is not open yet");
        until("the upload is cancelled", || registry.count("DELETE *") == 1 && registry.uploads() == 0).await;
    }
}

#[tokio::test]
async fn an_upload_that_is_being_cancelled_is_cancelled() {
    let (what, bytes) = blob(10);
    let registry = FaultRegistry::start().unwrap();
    registry.add(Rule::on("PUT *", Fault::status(400)));
    registry.add(Rule::on("DELETE *", Fault::normal().delay(SLOW)));
    let (asking, to) = (client(user()), repository(&registry.host()));
    dropped(asking.push_blob(&to, &what, body(&bytes)), &registry, "DELETE *").await;
    until("the upload is cancelled", || registry.uploads() == 0).await;
    // The client is as good as before.
    registry.clear_rules();
    asking.push_blob(&to, &what, body(&bytes)).await.expect("a push");
}
