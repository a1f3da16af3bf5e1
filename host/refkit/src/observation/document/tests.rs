//! Every kind of observation survives the way to JSON and back; a damaged document is refused with its reason.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use refkit_content::{Error, ErrorKind, Origin, WithOrigin};
use refkit_oci::{Descriptor, Digest, Platform, Reference, Repository};
use refkit_sandbox::Usage;
use serde_json::{Value, json};

use super::{Answer, Call, Observation, ObservationsDocument};
use crate::trace::{Event, Span, Trace};

fn digest(number: u8) -> Digest {
    format!("sha256:{number:064}").parse().unwrap()
}

fn reference() -> Reference {
    "registry.test/app:1".parse().unwrap()
}

/// Returns a descriptor with every member.
fn descriptor() -> Descriptor {
    let platform = Platform {
        variant: Some("v8".to_owned()),
        os_version: Some("10.0.1".to_owned()),
        os_features: vec!["b".to_owned(), "a".to_owned()],
        .."linux/arm64".parse().unwrap()
    };
    Descriptor {
        platform: Some(platform),
        artifact_type: Some("application/x".to_owned()),
        annotations: vec![("a".to_owned(), "2".to_owned()), ("b".to_owned(), "1".to_owned())],
        urls: vec!["https://else.test/blob".to_owned()],
        ..Descriptor::new("application/vnd.oci.image.manifest.v1+json", digest(1), u64::MAX)
    }
}

/// A call, and what came of it, if it has ended.
type Row = (Call, Option<Result<WithOrigin<Answer>, Error>>);

fn copied() -> Repository {
    reference().repository().clone()
}

fn calls() -> Vec<Row> {
    let repository = reference().repository().clone();
    let answer = |value, origin| Some(Ok(WithOrigin { value, origin }));
    let seen = Origin::Seen(SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789));
    let layout = Origin::Layout(Arc::new("/images/a layout".into()));
    let pulled = Call::Pull(reference().with_digest(digest(1)));
    let failed = pulled.fail(ErrorKind::NotFound).at("registry.test");
    let listed = Descriptor { data: Some("e30=".to_owned()), ..descriptor() };
    let delegated = |config| Answer::Delegated { root: digest(2), config };
    vec![
        (Call::Resolve(reference()), answer(Answer::Resolved(descriptor()), Origin::Host("registry.test:5000".into()))),
        (pulled.clone(), answer(Answer::Pulled(descriptor()), Origin::Cache)),
        (pulled, Some(Err(failed))),
        (Call::Fetch(repository.clone(), digest(1)), answer(Answer::Fetched(descriptor()), Origin::Inline)),
        (
            Call::Referrers(repository.clone(), digest(1), Some("application/x".to_owned())),
            answer(Answer::Referrers(Arc::new(vec![listed, descriptor()])), layout),
        ),
        (
            Call::Referrers(repository.clone(), digest(1), None),
            answer(Answer::Referrers(Arc::default()), Origin::Memory),
        ),
        (Call::Tags(repository), answer(Answer::Tags(Arc::new(vec!["2".to_owned(), "1".to_owned()])), seen)),
        (Call::Delegate(reference()), answer(delegated(Some((digest(3), 7))), Origin::Memory)),
        (Call::Delegate(reference()), answer(delegated(None), Origin::Memory)),
        (Call::Resolve(reference()), None),
        (Call::PushManifest(reference(), digest(1)), answer(Answer::Pushed(descriptor()), Origin::Memory)),
        (Call::PushBlob(copied(), digest(1)), answer(Answer::Pushed(descriptor()), Origin::Memory)),
        (
            Call::Copy(copied(), copied(), digest(1), vec!["application/x".to_owned()]),
            answer(Answer::Copied(descriptor()), Origin::Memory),
        ),
    ]
}

fn trace() -> Trace {
    let span = |parent, event, at: u64, took: Option<u64>| Span {
        parent,
        event,
        at: Duration::from_nanos(at),
        took: took.map(Duration::from_nanos),
    };
    let policy =
        Event::Policy { name: "default".into(), reference: reference(), decision: None, usage: Usage::default() };
    let mut spans = vec![span(None, policy, 0, None)];
    for (place, (call, result)) in calls().into_iter().enumerate() {
        let took = result.is_some().then_some(1_234_567);
        let parent = (place > 0).then_some(0);
        spans.push(span(parent, Event::Call(Observation { call, result }), 1_001 * place as u64, took));
    }
    Trace { spans }
}

#[test]
fn a_document_is_read_as_it_was_written() {
    let document = ObservationsDocument::of(&trace());
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<ObservationsDocument>(&text).unwrap(), document, "{text}");
    assert_eq!(document.observations().len(), calls().len());
    assert_eq!(document.observations()[0].policy, None);
    let Some(Ok(answer)) = &document.observations()[7].result else { panic!("{text}") };
    assert_eq!(answer.value, Answer::Delegated { root: digest(2), config: Some((digest(3), 7)) });
    // The bytes lie beside the document.
    assert!(!text.contains("e30="), "{text}");
}

/// Returns an observation of a call of `resolve`, with an answer from memory that has these members.
fn resolved(answer: Value) -> Value {
    let mut all = json!({"from": "memory"});
    all.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
    json!({"at": 0, "took": 1, "call": {"resolve": {"reference": "registry.test/app:1"}}, "answer": all})
}

#[test]
fn a_damaged_document_is_refused_with_its_reason() {
    let one = || json!({"mediaType": "a/b", "digest": digest(1).to_string(), "size": 1});
    let with = |member: &str, value: Value| {
        let mut one = one();
        one[member] = value;
        resolved(json!({"descriptor": one}))
    };
    let call = |call: Value| json!({"at": 0, "call": call});
    let error = |code: &str| json!({"at": 0, "call": {"tags": {"repository": "registry.test/app"}}, "error": {"code": code, "message": "no"}});
    let mut both = resolved(json!({"descriptor": one()}));
    both["error"] = json!({"code": "other", "message": "no"});
    let mut fetched = resolved(json!({"descriptor": one()}));
    fetched["call"] = json!({"fetch": {"repository": "registry.test/app", "digest": digest(2).to_string()}});
    let good = resolved(json!({"descriptor": one()}));
    // the observation after a good one, and what the error says
    let rows = [
        (call(json!({"resolve": {"reference": "registry.test/App"}})), "observation 2: `registry.test/App` is no ref"),
        (call(json!({"tags": {"repository": "a b"}})), "observation 2: `a b` is no repository"),
        (call(json!({"fetch": {"repository": "registry.test/app", "digest": "sha256:1"}})), "`sha256:1` is no digest"),
        (call(json!({"push": {"reference": "registry.test/app:1"}})), "unknown variant `push`"),
        (call(json!({"tags": {"repository": "registry.test/app", "last": "1"}})), "unknown field `last`"),
        (json!({"at": -1, "call": {"tags": {"repository": "registry.test/app"}}}), "invalid value: integer `-1`"),
        (json!({"call": {"tags": {"repository": "registry.test/app"}}}), "missing field `at`"),
        (error("not_found"), "`not_found` is no error code"),
        (both, "it has an answer and an error"),
        (resolved(json!({})), "the answer does not fit a call of `resolve`"),
        (resolved(json!({"tags": []})), "the answer does not fit a call of `resolve`"),
        (resolved(json!({"tags": [], "descriptor": one()})), "the answer does not fit a call of `resolve`"),
        (resolved(json!({"from": "nowhere"})), "unknown variant `nowhere`"),
        (with("digest", json!("md5:1")), "`md5:1` is no digest"),
        (with("size", json!(1.5)), "invalid type: floating point"),
        (with("data", json!("e30=")), "unknown field `data`"),
        (with("annotations", json!([["b", ""], ["a", ""]])), "are not sorted by key"),
        (with("annotations", json!([["a", ""], ["a", ""]])), "each key once"),
        (with("platform", json!({"os": "linux", "architecture": "amd64", "cpu": 1})), "unknown field `cpu`"),
        (fetched, "and is answered with sha256:"),
    ];
    for (second, wanted) in rows {
        let text = json!({"version": 1, "observations": [good, second]}).to_string();
        let error = serde_json::from_str::<ObservationsDocument>(&text).expect_err(&text).to_string();
        assert!(error.contains(wanted), "{error} has no: {wanted}");
    }
    let read = |text: &str| serde_json::from_str::<ObservationsDocument>(text);
    read(&json!({"version": 1, "observations": [good]}).to_string()).unwrap();
    for (text, wanted) in [
        (r#"{"version":2,"new":1,"observations":[]}"#, "version 2 of an observations document is unknown"),
        (r#"{"version":1,"observations":[],"new":1}"#, "unknown field `new`"),
        (r#"{"observations":[]}"#, "missing field `version`"),
        ("[]", "invalid length 0"),
    ] {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(wanted), "{error} has no: {wanted}");
    }
}
