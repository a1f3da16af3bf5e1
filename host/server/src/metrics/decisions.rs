//! What is counted of a run.

use std::time::Duration;

use refkit::{Error, Event, RunError, Trace};
use refkit_content::Origin;

use super::Metrics;

impl Metrics {
    /// Counts a decision, or a run without one.
    pub(crate) fn decided(&self, service: &'static str, rule: &str, outcome: &'static str, took: Duration) {
        self.decisions.change([rule, outcome, service], |counter| counter.0 += 1);
        self.decision_seconds.change([rule], |durations| durations.observe(took.as_secs_f64()));
    }

    /// Counts what a run did. A component chooses its name, and the settings choose the
    /// component.
    pub(crate) fn ran(&self, trace: &Trace) {
        for span in &trace.spans {
            match &span.event {
                Event::Policy { name, .. } => {
                    let took = span.took.unwrap_or_default();
                    self.policy_seconds.change([name], |durations| durations.observe(took.as_secs_f64()));
                }
                Event::Call(observation) => {
                    let source = match &observation.result {
                        Some(Ok(answer)) => source(&answer.origin),
                        Some(Err(_)) => "error",
                        None => continue,
                    };
                    self.read(observation.call.function(), source);
                }
                Event::Message { .. } => {}
            }
        }
    }

    /// Counts a read of content.
    pub(crate) fn read(&self, function: &'static str, source: &'static str) {
        self.reads.change([function, source], |counter| counter.0 += 1);
    }

    /// Counts the limit that a run has reached, if it has reached one.
    pub(crate) fn failed(&self, error: &Error) {
        let limit = match error {
            Error::Timeout { .. } => "run_time",
            Error::Held { .. } => "run_memory",
            Error::Busy(_) => "runs",
            Error::Policy { error, .. } => match error {
                RunError::Cpu { .. } => "policy_cpu",
                RunError::Timeout { .. } => "policy_time",
                RunError::Memory { .. } => "policy_memory",
                RunError::Stack { .. } => "policy_stack",
                RunError::Transfer { .. } => "policy_transfer",
                RunError::HostCalls { .. } => "policy_calls",
                _ => return,
            },
            error if error.code() == refkit::ErrorCode::BudgetExhausted => "run_budget",
            _ => return,
        };
        self.limit(limit);
    }
}

/// Returns the label of where an answer came from.
pub(crate) fn source(origin: &Origin) -> &'static str {
    match origin {
        Origin::Host(_) => "registry",
        Origin::Cache | Origin::Memory => "cache",
        Origin::Seen(_) => "stale",
        Origin::Layout(_) => "layout",
        Origin::Inline => "inline",
    }
}
