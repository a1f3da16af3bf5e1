//! The observations of a run: the calls, their policies, and their results.

use refkit::{Answer, Call, Error, ErrorCode, Event, Observation, Outcome};
use refkit_tests::components::ALLOW_LIST;
use refkit_tests::stage::{self, Stage};
use serde_json::json;

#[tokio::test]
async fn a_call_is_observed_with_its_answer() {
    let session = Stage::new().resolver().await.session(stage::request("registry.test/app:1"));
    let Ok(Outcome::Resolved(resolution)) = session.resolve().await else { panic!("{:?}", session.trace()) };
    let calls = session.trace().spans.into_iter().filter_map(|span| match span.event {
        Event::Call(Observation { call, result: Some(Ok(answer)), .. }) => Some((call, answer.value)),
        _ => None,
    });
    let [(call, answer)] = &calls.collect::<Vec<_>>()[..] else { panic!("one call") };
    assert_eq!(*call, Call::Pull("registry.test/app:1".parse().unwrap()));
    assert_eq!(*answer, Answer::Pulled(resolution.root.clone()));
    let document = serde_json::to_value(session.observations()).unwrap();
    assert_eq!((&document["version"], &document["observations"][0]["policy"]), (&json!(1), &json!("default")));
    let first = &document["observations"][0];
    assert_eq!(first["call"], json!({"pull": {"reference": "registry.test/app:1"}}));
    let root = &resolution.root;
    let descriptor = json!({"mediaType": root.media_type, "digest": root.digest.to_string(), "size": root.size});
    assert_eq!(first["answer"], json!({"from": "memory", "descriptor": descriptor}));
    assert_eq!(resolution.bytes(&root.digest).map(|bytes| bytes.len() as u64), Some(root.size));
}

/// A failure belongs to the policy whose call failed, and has the error of that call, through the policies before it.
#[tokio::test]
async fn a_failure_has_its_policy_and_its_call() {
    let reference = "registry.test/app:missing";
    let chain = Stage::new().policy(ALLOW_LIST, &[("allow", "registry.test/*")]);
    for stage in [Stage::new(), chain] {
        let session = stage.resolver().await.session(stage::request(reference));
        let failed = session.resolve().await;
        let Err(Error::Failed { policy, failure, cause }) = failed else { panic!("{failed:?}") };
        assert_eq!((policy.as_str(), failure.code), ("default", ErrorCode::NotFound));
        let cause = cause.expect("the host has a record of it");
        assert_eq!((cause.subject.as_str(), cause.code()), (reference, ErrorCode::NotFound));
        let document = serde_json::to_value(session.observations()).unwrap();
        assert_eq!(document["observations"][0]["error"]["code"], "not-found", "{document}");
    }
}
