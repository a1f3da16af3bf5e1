//! Recordings: a run replays from them without its registry, and another chain does not.

use refkit::lock::{Entry, Lock};
use refkit::record::{Recording, Replay, Store};
use refkit::{Chain, Components, Error, Grants, Outcome, Request};
use refkit_content::Memory;
use refkit_oci::Platform;
use refkit_tests::components::{ALLOW_LIST, REDIRECT, REQUIRE_LABEL};
use refkit_tests::stage::{self, ENGINE, Stage, component};

fn request(reference: &str) -> Request {
    let platforms = ["linux/amd64", "linux/arm64"].map(|text| text.parse::<Platform>().unwrap());
    Entry::request(reference.parse().unwrap(), platforms)
}

/// A component, and values by the name of the setting.
type Policy<'a> = (&'static [u8], &'a [(&'a str, &'a str)]);

async fn chain(policies: &[Policy<'_>]) -> Chain {
    let components: Components = policies.iter().map(|(bytes, settings)| component(bytes, settings)).collect();
    Chain::load(&ENGINE, components, &[]).await.unwrap()
}

/// Runs a chain over the images of a stage, and records the run.
async fn recorded(chain: &Chain, request: Request, grants: Grants) -> (Result<Outcome, Error>, Recording) {
    let memory: Memory = Stage::new().memory;
    let session = chain.resolver(std::sync::Arc::new(memory)).grants(grants).session(request);
    let outcome = session.resolve().await;
    (outcome, session.recording())
}

/// What a run decided, for a comparison.
fn decided(outcome: &Result<Outcome, Error>) -> String {
    match outcome {
        Ok(Outcome::Resolved(resolution)) => format!("{} {:?}", resolution.pinned(), resolution.images),
        Ok(Outcome::Denied { policy, denials }) => format!("denied by {policy}: {denials:?}"),
        Err(error) => format!("{:?} {error}", error.code()),
    }
}

#[tokio::test]
async fn a_recording_replays_to_the_same_end() {
    let grants = || Grants::new(["registry.test/*".parse().unwrap()]);
    let redirect: &[(&str, &str)] = &[("from", "registry.test/app"), ("to", "registry.test/other")];
    // the policies, the reference, a part of the end
    let rows: [(&[Policy<'_>], &str, &str); 6] = [
        (&[], "registry.test/app:1", "registry.test/app:1@sha256:"),
        (&[(ALLOW_LIST, &[("allow", "registry.test/*")])], "registry.test/app:1", "registry.test/app:1@sha256:"),
        (&[(ALLOW_LIST, &[("allow", "other.test/*")])], "registry.test/app:1", "denied by allow-list"),
        (&[(REQUIRE_LABEL, &[("label", "none")])], "registry.test/app:1", "policy: Some(\"require-label\")"),
        (&[(REDIRECT, redirect)], "registry.test/app:1", "registry.test/other:1@sha256:"),
        (&[], "registry.test/app:none", "NotFound cannot "),
    ];
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path());
    for (policies, reference, wanted) in rows {
        let chain = chain(policies).await;
        let (outcome, recording) = recorded(&chain, request(reference), grants()).await;
        let first = decided(&outcome);
        assert!(first.contains(wanted), "{first}");

        let digest = store.put(&recording).unwrap();
        let replay = Replay::new(store.get(&digest).unwrap());
        let session = replay.resolver(&chain, grants()).session(request(reference));
        let again = session.resolve().await;
        assert_eq!((decided(&again), replay.missing()), (first, Vec::new()));
        assert_eq!(session.recording(), recording, "the replay is recorded alike");
    }
}

/// The recording of one chain has no answers for another one that asks for more.
#[tokio::test]
async fn another_chain_misses_answers() {
    let plain = chain(&[]).await;
    let (_, recording) = recorded(&plain, request("registry.test/app:1"), Grants::default()).await;
    let labels = chain(&[(REQUIRE_LABEL, &[("label", "label")])]).await;
    let replay = Replay::new(recording);
    let outcome = replay.resolver(&labels, Grants::default()).resolve(request("registry.test/app:1")).await;
    let missing = replay.missing();
    assert!(missing.iter().any(|call| call.function() == "fetch"), "{missing:?} {}", decided(&outcome));
}

#[tokio::test]
async fn a_lock_knows_its_chain() {
    let allow: &[(&str, &str)] = &[("allow", "registry.test/*")];
    let first = chain(&[(ALLOW_LIST, allow)]).await;
    let lock = Lock::new(&first, ["a.test/*".to_owned()]);
    let grants = || ["a.test/*".to_owned()];
    assert_eq!(lock.check(&first, grants()), Ok(()));
    let said = |other: &Chain, grants: &[&str]| {
        let checked = lock.check(other, grants.iter().map(|&grant| grant.to_owned()));
        checked.unwrap_err().to_string()
    };
    let prefix = "the lock was made with other policies: ";
    assert_eq!(said(&first, &[]), format!("{prefix}its grants are a.test/*, and this run's none"));
    let none = chain(&[]).await;
    assert_eq!(said(&none, &["a.test/*"]), format!("{prefix}it has allow-list, default, and this run default"));
    let other = chain(&[(ALLOW_LIST, &[("allow", "**")])]).await;
    assert_eq!(
        said(&other, &["a.test/*"]),
        format!("{prefix}its allow-list.allow is `registry.test/*`, and this run's `**`")
    );
    // A lock of another component of the same name.
    let component = first.policies().next().unwrap().digest().to_string();
    let changed = format!("sha256:{}", "0".repeat(64));
    let lock: Lock = lock.to_json().replace(&component, &changed).parse().unwrap();
    let error = lock.check(&first, grants()).unwrap_err().to_string();
    assert_eq!(error, format!("{prefix}its allow-list is {changed}, and this run's {component}"));
    // The stage's own request is that of a lock without its order.
    assert_eq!(stage::request("registry.test/app:1"), request("registry.test/app:1"));
}
