//! Which policy gave a reason, and which observation failed.
//!
//! The contract's `error` and `denial` are plain records: a policy may pass on what it was answered with or make its own,
//! and nothing in them says which. So their identity is their value. A policy passes on a failure if it returns all of it
//! (code and message), and a reason if it returns all of it (rule, message and subject), as the host handed it to this
//! policy in this run. No text is searched, and what another policy was answered with does not count, so equal words of
//! two policies that never heard of each other stay two reasons.
//!
//! - A failure or a reason of the rest of the chain stays the policy's that gave it first.
//! - The failure of the policy's own host call is the policy's, with the observation of that call. Of two calls that failed
//!   with equal words the last counts: the policy gave up after that one.
//! - Everything else is the policy's own, and has no observation.
//!
//! A policy that repeats words that it heard gains nothing. The attribution decides which record of the host an error
//! shows, and no record depends on what a policy returns.

use std::sync::Arc;

use refkit_contract::{Absence, Decision, Denial, Failure};
use refkit_oci::Descriptor;

use crate::refusals::NextAnswer;

/// What one policy was answered with in one run of it.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// The answers of the rest of the chain.
    pub(crate) next: Vec<NextAnswer>,
    /// The failures of its host calls.
    pub(crate) failures: Vec<Failure>,
}

/// Sets the policies of the denials and failures in a decision.
pub(crate) fn of_decision(policy: &Arc<str>, heard: &Heard, decision: &mut Decision<Descriptor>) {
    match decision {
        Decision::Denied(denials) => of_denials(policy, heard, denials),
        Decision::Resolved(resolved) => {
            for absence in resolved.images.iter_mut().filter_map(|place| place.as_mut().err()) {
                match absence {
                    Absence::Denied(denials) => of_denials(policy, heard, denials),
                    Absence::Failed(failure) => of_failure(policy, heard, failure),
                    Absence::NoMatch => {}
                }
            }
        }
    }
}

/// Sets the policy of a failure.
pub(crate) fn of_failure(policy: &Arc<str>, heard: &Heard, failure: &mut Failure) {
    let next = heard.next.iter().flat_map(failures).find(|other| failure.passes_on(other));
    let own = || heard.failures.iter().rev().find(|other| failure.passes_on(other));
    (failure.policy, failure.observation) = match next {
        Some(other) => (other.policy.clone(), other.observation),
        None => (Some(policy.clone()), own().and_then(|other| other.observation)),
    };
}

/// Sets the policies of reasons.
pub(crate) fn of_denials(policy: &Arc<str>, heard: &Heard, denials: &mut [Denial]) {
    for denial in denials {
        let passed_on = heard.next.iter().flat_map(denials_of).find(|other| denial.passes_on(other));
        denial.policy = passed_on.and_then(|other| other.policy.clone()).or_else(|| Some(policy.clone()));
    }
}

fn absences(answer: &NextAnswer) -> impl Iterator<Item = &Absence> {
    let places = match &answer.result {
        Ok(Decision::Resolved(resolved)) => &resolved.images[..],
        _ => &[],
    };
    places.iter().filter_map(|place| place.as_ref().err())
}

fn failures(answer: &NextAnswer) -> impl Iterator<Item = &Failure> {
    let in_places = absences(answer).filter_map(|absence| match absence {
        Absence::Failed(failure) => Some(failure),
        _ => None,
    });
    answer.result.as_ref().err().into_iter().chain(in_places)
}

fn denials_of(answer: &NextAnswer) -> impl Iterator<Item = &Denial> {
    let whole = match &answer.result {
        Ok(Decision::Denied(denials)) => &denials[..],
        _ => &[],
    };
    let in_places = absences(answer).filter_map(|absence| match absence {
        Absence::Denied(denials) => Some(denials),
        _ => None,
    });
    whole.iter().chain(in_places.flatten())
}

#[cfg(test)]
mod tests {
    use refkit_contract::{ErrorCode, Request};

    use super::*;

    fn heard(result: Result<Decision<Descriptor>, Failure>) -> Heard {
        let request = Request::new("registry.test/app:1".parse().unwrap());
        Heard { next: vec![NextAnswer { request, result }], failures: Vec::new() }
    }

    fn denial(rule: &str, policy: Option<&str>) -> Denial {
        let mut denial = Denial::new(rule, "no", None);
        denial.policy = policy.map(Into::into);
        denial
    }

    #[test]
    fn a_reason_is_the_policy_s_that_gave_it_first() {
        let inner = || heard(Ok(Decision::Denied(vec![denial("a", Some("inner"))])));
        // what was heard, the rule that is returned, whose it is
        for (heard, rule, wanted) in [
            (inner(), "a", "inner"),
            (inner(), "b", "outer"),
            // Equal words that it never heard are its own.
            (Heard::default(), "a", "outer"),
        ] {
            let mut decision = Decision::Denied(vec![denial(rule, None)]);
            of_decision(&"outer".into(), &heard, &mut decision);
            let Decision::Denied(denials) = decision else { panic!() };
            assert_eq!(denials[0].policy(), wanted, "{rule}");
        }
    }

    /// Returns a failure that the host handed out.
    fn handed(code: ErrorCode, message: &str, policy: Option<&str>, observation: usize) -> Failure {
        let mut failure = Failure::new(code, message);
        (failure.policy, failure.observation) = (policy.map(Into::into), Some(observation));
        failure
    }

    #[test]
    fn a_failure_has_the_observation_that_its_policy_was_answered_with() {
        use ErrorCode::{NotFound, Other, Timeout};
        let inner = || Err(handed(NotFound, "of the rest", Some("inner"), 7));
        let own =
            || vec![handed(NotFound, "a", None, 1), handed(Timeout, "a", None, 2), handed(NotFound, "b", None, 3)];
        let twice =
            || vec![handed(NotFound, "a", None, 1), handed(Timeout, "b", None, 2), handed(NotFound, "a", None, 3)];
        let heard = |next: Option<_>, failures| Heard { failures, ..next.map_or_else(Heard::default, self::heard) };
        // what was heard, what is returned, and whose it is
        let rows = [
            ("passed on", heard(Some(inner()), own()), (NotFound, "of the rest"), ("inner", Some(7))),
            ("an own call", heard(Some(inner()), own()), (NotFound, "b"), ("outer", Some(3))),
            ("the code tells them apart", heard(None, own()), (Timeout, "a"), ("outer", Some(2))),
            ("another code", heard(Some(inner()), own()), (Other, "of the rest"), ("outer", None)),
            ("altered words", heard(Some(inner()), own()), (NotFound, "of the rest, really"), ("outer", None)),
            ("a part of the words", heard(Some(inner()), own()), (NotFound, "of the"), ("outer", None)),
            ("equal words that it never heard", heard(None, Vec::new()), (NotFound, "a"), ("outer", None)),
            // Nothing in the contract tells own words from a failure that was passed on, where both are the same.
            ("own words like a failure that it heard", heard(None, own()), (NotFound, "a"), ("outer", Some(1))),
            ("two calls with equal words", heard(None, twice()), (NotFound, "a"), ("outer", Some(3))),
            (
                "the rest with the words of an own call",
                heard(Some(inner()), vec![handed(NotFound, "of the rest", None, 9)]),
                (NotFound, "of the rest"),
                ("inner", Some(7)),
            ),
        ];
        for (name, heard, (code, message), wanted) in rows {
            let mut failure = Failure::new(code, message);
            of_failure(&"outer".into(), &heard, &mut failure);
            assert_eq!((failure.policy(), failure.observation), wanted, "{name}");
        }
    }
}
