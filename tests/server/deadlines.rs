//! Deadlines and cancellation: they reach the request at the registry, and the policies.

use std::time::Duration;

use refkit_server::grpc::{path, pb};
use refkit_support::{Fault, FaultRegistry, Rule};
use refkit_tests::components::HOSTILE;
use refkit_tests::stage::component;
use tonic::Code;

use crate::rules::TestRules;
use crate::stand::Stand;

/// How long a call waits whose deadline is tested: enough to begin a request on a busy machine.
const SHORT: Duration = Duration::from_millis(500);

/// Waits until the registry has noticed that the clients of all its requests have gone.
pub async fn all_have_gone(registry: &FaultRegistry) {
    while registry.at_once() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn request(registry: &FaultRegistry) -> pb::ResolveRequest {
    pb::ResolveRequest { reference: format!("{}/app:1", registry.host()), with_content: false }
}

#[tokio::test]
async fn a_deadline_ends_the_request_at_the_registry() {
    let registry = FaultRegistry::start().unwrap();
    registry.add(Rule::on("* /v2/app/*", Fault::stall()));
    let stand = Stand::start(TestRules::over_registries().await).await;
    let called = stand.call_within::<_, pb::ResolveResponse>(path::RESOLVE, request(&registry), SHORT).await;
    assert_eq!(called.unwrap_err().code(), Code::DeadlineExceeded);
    all_have_gone(&registry).await;
    assert_eq!(registry.count("* /v2/app/*"), 1, "{:?}", registry.requests());
}

/// The client does not wait for a repetition that would come after the deadline.
#[tokio::test]
async fn a_deadline_ends_repetitions() {
    let registry = FaultRegistry::start().unwrap();
    registry.add(Rule::on("* /v2/app/*", Fault::status(503).header("retry-after", "20")));
    let stand = Stand::start(TestRules::over_registries().await).await;
    let timeout = Duration::from_secs(10);
    let called = stand.call_within::<_, pb::ResolveResponse>(path::RESOLVE, request(&registry), timeout).await;
    let status = called.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(registry.count("* /v2/app/*"), 1, "{:?}", registry.requests());
}

#[tokio::test]
async fn a_dropped_call_ends_the_request_at_the_registry() {
    let registry = FaultRegistry::start().unwrap();
    registry.add(Rule::on("* /v2/app/*", Fault::stall()));
    let stand = Stand::start(TestRules::over_registries().await).await;
    let call = stand.call::<_, pb::ResolveResponse>(path::RESOLVE, request(&registry));
    let begun = async {
        while registry.count("* /v2/app/*") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = call => panic!("{answer:?}"),
        () = begun => {}
    }
    all_have_gone(&registry).await;
    assert_eq!(registry.count("* /v2/app/*"), 1, "{:?}", registry.requests());
}

/// A policy that never ends: the caller's deadline ends it before its own limit does.
#[tokio::test]
async fn a_deadline_ends_a_policy() {
    let policy = component(HOSTILE, &[("mode", "loop")]);
    let rules = TestRules::over_registries().await.policies([policy]).await;
    let stand = Stand::start(rules).await;
    let message = pb::ResolveRequest { reference: "registry.test/app:1".to_owned(), with_content: false };
    let called = stand.call_within::<_, pb::ResolveResponse>(path::RESOLVE, message, SHORT).await;
    assert_eq!(called.unwrap_err().code(), Code::DeadlineExceeded);
}
