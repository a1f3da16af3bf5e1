//! Outcomes that do not hold: the host's own record decides, and no policy can turn a refusal of it into an answer.

use refkit::{Absence, Error, Outcome, Parts, Request, Selection};
use refkit_tests::components::HOSTILE;
use refkit_tests::stage::{self, Stage};

/// The modes that this file tests; `hostile.rs` has the others.
pub const MODES: &[&str] = &[
    "invent",
    "foreign",
    "no-root",
    "no-parent",
    "no-manifest",
    "no-config",
    "no-attestation",
    "index-as-manifest",
    "leave-out",
    "replace-denied",
    "shorten",
    "no-reason",
    "unmet",
    "circle",
    "ask-next",
    "deny-image",
    "probe",
    "secret-write",
    "secret-read",
];

/// What each lie is answered with.
const LIES: &[(&str, &str)] = &[
    ("invent", "this run has not met sha256:eeee"),
    ("unmet", "this run has not met sha256:eeee"),
    ("foreign", "this run has not met sha256:"),
    ("no-root", "does not name the root sha256:"),
    ("no-parent", "is not the nested index of sha256:"),
    ("no-manifest", "this run has not met sha256:"),
    ("index-as-manifest", "is not the image manifest of sha256:"),
    ("no-config", "is not the config of sha256:"),
    ("no-attestation", "is not the attestation of sha256:"),
    ("shorten", "2 platforms were wanted, and 1 places answered"),
    ("no-reason", "a denial has to say at least one reason"),
];

async fn run(stage: Stage, request: Request) -> Result<Outcome, Error> {
    stage.resolver().await.resolve(request).await
}

fn whole() -> Request {
    let parts = Parts { images: true, configs: true, attestations: true };
    stage::request("registry.test/app:1").with(parts)
}

async fn lying(mode: &str) -> Stage {
    let settings = [("mode", mode), ("other", "other")];
    Stage::new().policy(HOSTILE, &settings).grant("registry.test/other")
}

#[tokio::test]
async fn a_lie_is_refused_by_name() {
    for (mode, expected) in LIES {
        match run(lying(mode).await, whole()).await {
            Err(Error::Outcome { policy, problem }) => {
                assert_eq!(policy, "hostile", "{mode}");
                let text = problem.to_string();
                assert!(text.contains(expected), "{mode}: {text}");
            }
            other => panic!("{mode}: {other:?}"),
        }
    }
}

/// An outer policy that goes on after an inner one was stopped does not get its way.
#[tokio::test]
async fn nothing_is_made_of_a_run_that_was_stopped() {
    let rows = [
        ("panic", "the policy hostile did not end: the policy crashed"),
        ("grow", "the policy hostile did not end: the policy wanted "),
        ("invent", "the policy hostile returned an outcome that does not hold: this run has not met sha256:eeee"),
        ("no-reason", "the policy hostile returned an outcome that does not hold: a denial has to say"),
    ];
    for (inner, expected) in rows {
        let stage = Stage::new().policy(HOSTILE, &[("mode", "ask-next")]);
        let stage = stage.policy(HOSTILE, &[("mode", inner)]);
        match run(stage, whole()).await {
            Err(error @ (Error::Policy { .. } | Error::Outcome { .. })) => {
                assert!(error.to_string().starts_with(expected), "{inner}: {error}");
            }
            other => panic!("{inner}: {other:?}"),
        }
    }
}

/// `next` cannot go round: it only ever leads towards the end of the chain.
#[tokio::test]
async fn a_chain_ends() {
    let mut stage = Stage::new();
    for _ in 0..8 {
        stage = stage.policy(HOSTILE, &[("mode", "circle")]);
    }
    let resolver = stage.resolver().await;
    let session = resolver.session(whole());
    assert!(matches!(session.resolve().await, Ok(Outcome::Resolved(_))));
    // Each policy asked its next and then passed the same request on: one run of each, because an outcome repeats.
    let runs = session.trace().spans.iter().filter(|span| matches!(span.event, refkit::Event::Policy { .. })).count();
    assert_eq!(runs, 9);
}

/// Every chain ends in the default policy: what the last of the other policies passes on has an answer.
#[tokio::test]
async fn the_default_policy_answers_what_is_passed_on() {
    let stage = Stage::new().policy(HOSTILE, &[("mode", "secret-write")]);
    let chain = stage.resolver().await.session(whole()).chain().clone();
    let names = chain.policies().map(|policy| policy.description().name.clone()).collect::<Vec<_>>();
    assert_eq!(names, ["hostile", "default"]);
    let outcome = chain.resolver(std::sync::Arc::new(Stage::new().memory)).resolve(whole()).await;
    assert!(matches!(outcome, Ok(Outcome::Resolved(_))), "{outcome:?}");
    assert!(chain.end().is_default() && !chain.is_default());
}

#[tokio::test]
async fn a_denied_image_stays_denied() {
    let denied = |outcome: Result<Outcome, Error>| match outcome {
        Ok(Outcome::Resolved(resolution)) => resolution.images,
        other => panic!("{other:?}"),
    };
    // The policy that denies, alone: its absence stands in its place.
    let stage = Stage::new().policy(HOSTILE, &[("mode", "deny-image")]);
    let images = denied(run(stage, whole()).await);
    assert!(matches!(&images[0], Err(Absence::Denied(list)) if list[0].rule == "deny-image"), "{images:?}");
    assert!(images[1].is_ok(), "{images:?}");

    // A policy before it that leaves the place out, or fills it again.
    for (mode, selection) in
        [("leave-out", Selection::All), ("leave-out", whole().selection), ("replace-denied", whole().selection)]
    {
        let stage = Stage::new().policy(HOSTILE, &[("mode", mode)]);
        let stage = stage.policy(HOSTILE, &[("mode", "deny-image")]);
        let request = whole().select(selection);
        match run(stage, request.clone()).await {
            Err(Error::Outcome { policy, problem }) => assert_eq!(policy, "hostile", "{mode}: {problem}"),
            other => panic!("{mode} {:?}: {other:?}", request.selection),
        }
    }
}

/// Where no images were asked for, the denial of one decides the whole.
#[tokio::test]
async fn a_denial_is_not_trimmed_away() {
    let stage = Stage::new().policy(HOSTILE, &[("mode", "deny-image")]);
    match run(stage, whole().with(Parts::NONE)).await {
        Ok(Outcome::Denied { policy, denials }) => {
            assert_eq!((policy.as_str(), denials[0].rule.as_str()), ("hostile", "deny-image"));
        }
        other => panic!("{other:?}"),
    }
}

/// What a run was not granted, and what it has not met, cannot be asked for; malformed digests go nowhere.
#[tokio::test]
async fn a_probe_finds_nothing() {
    match run(lying("probe").await, whole()).await {
        Err(Error::Failed { failure, .. }) => assert_eq!(
            failure.message,
            "ErrorCode::NotGranted ErrorCode::NotGranted ErrorCode::NotGranted ErrorCode::NotGranted \
             ErrorCode::Invalid ErrorCode::NotGranted"
        ),
        other => panic!("{other:?}"),
    }
}
