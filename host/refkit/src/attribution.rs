//! Which policy gave a reason, and which failed first.
//!
//! A policy returns reasons and failures as plain text. One that the rest of the chain answered to this policy, and that
//! it returns unchanged, stays the other policy's; every other one is its own. A failure that one of its own host calls was
//! answered with has that call's observation. So equal words of two policies that never
//! heard of each other stay two reasons.

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

fn of_denials(policy: &Arc<str>, heard: &Heard, denials: &mut [Denial]) {
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

    #[test]
    fn a_failure_keeps_its_policy_and_its_observation() {
        let mut first = Failure::new(ErrorCode::NotFound, "not found");
        (first.policy, first.observation) = (Some("inner".into()), Some(7));
        let heard = heard(Err(first));
        for (code, wanted) in [(ErrorCode::NotFound, ("inner", Some(7))), (ErrorCode::Other, ("outer", None))] {
            let mut failure = Failure::new(code, "not found");
            of_failure(&"outer".into(), &heard, &mut failure);
            assert_eq!((failure.policy(), failure.observation), wanted);
        }
    }
}
