//! How a build is told that it does not get an image.

use refkit::{Denial, Error, ErrorCode};
use tonic::{Code, Status};

/// Returns the status of a refusal: the first reason, and how many more there are.
pub fn denied(subject: &str, denials: &[Denial], policy: impl Fn(&Denial) -> String) -> Status {
    let reasons: Vec<String> = denials
        .iter()
        .map(|denial| {
            let policy = policy(denial);
            one_line(&format!("denied by policy {policy} (rule {}): {}", denial.rule, denial.message))
        })
        .collect();
    let reasons = if reasons.is_empty() { "denied".to_owned() } else { reasons.join("; ") };
    Status::permission_denied(format!("{} {reasons}", one_line(subject)))
}

/// Returns the status of a run that ended without a decision.
pub fn failed(subject: &str, error: &Error) -> Status {
    let text = match error {
        // The host's own record of a failure says more than what a policy made of it, and a policy cannot change it.
        Error::Failed { cause: Some(cause), .. } => cause.to_string(),
        Error::Failed { policy, failure, cause: None } => format!("{subject}: the policy {policy} says: {failure}"),
        other => format!("{subject}: {other}"),
    };
    Status::new(code(error.code()), one_line(&text))
}

/// Returns gRPC's code for a kind of failure. `Unimplemented` is not among them: clients take that for a call that is
/// not there, and try another one.
pub fn code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::Invalid => Code::InvalidArgument,
        ErrorCode::NotFound => Code::NotFound,
        ErrorCode::Unauthorized => Code::Unauthenticated,
        ErrorCode::NotGranted | ErrorCode::Unsupported => Code::FailedPrecondition,
        ErrorCode::BudgetExhausted | ErrorCode::RateLimited => Code::ResourceExhausted,
        ErrorCode::Unavailable => Code::Unavailable,
        ErrorCode::Timeout => Code::DeadlineExceeded,
        ErrorCode::Other => Code::Unknown,
    }
}

/// Returns a text of a stranger in one line, without what a terminal would obey.
pub fn one_line(text: &str) -> String {
    refkit_report::Escaped(text).to_string()
}
