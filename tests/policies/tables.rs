//! The tables of cases, in the sandbox.

use std::sync::Arc;

use refkit_default::Default;
use refkit_policy::testing::{Elsewhere, End, cases};
use refkit_sandbox::{Limits, Policy};
use refkit_tests::components;
use refkit_tests::stage::ENGINE;

use crate::adapter::{Adapter, describe, result};

async fn check<Rest: refkit_policy::Policy + 'static>(component: &'static [u8], json: &str) {
    let policy = Policy::load(&ENGINE, component).await.expect("the policy loads");
    let mut failed = Vec::new();
    let cases = cases(json).expect("the table can be read");
    assert!(!cases.is_empty());
    for case in &cases {
        let (mut registry, names) = case.registry().expect("the case's registry");
        registry.configure(&describe(policy.description())).expect("the case's settings");
        registry.then::<Rest>();
        let adapter = Arc::new(Adapter(registry));
        let request = adapter::request(case.request(&names).expect("the case's request"));
        let (claim, _) = policy.run(Arc::clone(&adapter) as _, Limits::default(), &request).await;
        if let Err(error) = case.verify(&adapter.0, &names, &result(claim)) {
            failed.push(format!("{}:\n{error}", case.name));
        }
    }
    assert!(failed.is_empty(), "{} of {} cases failed\n\n{}", failed.len(), cases.len(), failed.join("\n\n"));
}

use crate::adapter;

#[tokio::test]
async fn default() {
    check::<End>(components::DEFAULT, include_str!("../fixtures/policy_cases/default.json")).await;
}

#[tokio::test]
async fn allow_list() {
    check::<Elsewhere>(components::ALLOW_LIST, include_str!("../fixtures/policy_cases/allow-list.json")).await;
}

#[tokio::test]
async fn require_label() {
    check::<Default>(components::REQUIRE_LABEL, include_str!("../fixtures/policy_cases/require-label.json")).await;
}

#[tokio::test]
async fn redirect() {
    check::<End>(components::REDIRECT, include_str!("../fixtures/policy_cases/redirect.json")).await;
}

#[tokio::test]
async fn newest_tag() {
    check::<End>(components::NEWEST_TAG, include_str!("../fixtures/policy_cases/newest-tag.json")).await;
}
