//! Whether a run failed because of what its caller gave it.

use refkit::{Error, ErrorCode, Event, Failure, PolicyDecision, Trace};

/// Returns whether a policy refused its settings or the request: it failed as `invalid` before it made any host call, and
/// so knew nothing else.
pub(crate) fn by_a_policy(error: &Error, trace: &Trace) -> bool {
    let invalid = |failure: &Failure| failure.code == ErrorCode::Invalid;
    if !matches!(error, Error::Failed { failure, cause: None, .. } if invalid(failure)) {
        return false;
    }
    trace.spans.iter().enumerate().any(|(index, span)| {
        let failed = matches!(&span.event, Event::Policy { decision: Some(PolicyDecision::Failed(failure)), .. }
            if invalid(failure));
        // A message is no call.
        let asked = || trace.spans.iter().any(|one| one.parent == Some(index) && !is_message(&one.event));
        failed && !asked()
    })
}

fn is_message(event: &Event) -> bool {
    matches!(event, Event::Message { .. })
}
