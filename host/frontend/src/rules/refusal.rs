//! The status with which a build learns that it does not get an image.

use refkit::{Denial, Error, ErrorCode};
use tonic::{Code, Status};

/// Returns the status of a denial, with every reason and the policy that gave it.
pub fn denied(subject: &str, denials: &[Denial]) -> Status {
    let reasons: Vec<String> = denials.iter().map(|denial| one_line(&denial.to_string())).collect();
    let reasons = if reasons.is_empty() { "denied".to_owned() } else { reasons.join("; ") };
    Status::permission_denied(format!("{} {reasons}", one_line(subject)))
}

/// Returns the status of a run that failed.
pub fn failed(subject: &str, error: &Error) -> Status {
    let text = match error {
        // It names its subject by itself.
        Error::Failed { cause: Some(cause), .. } => cause.to_string(),
        other => format!("{subject}: {other}"),
    };
    Status::new(code(error.code()), one_line(&text))
}

/// Returns the gRPC code of a failure. It is never `Unimplemented`: clients take that for a missing call, and try another
/// call.
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

/// Returns a foreign text in one line, without control characters.
pub fn one_line(text: &str) -> String {
    refkit_report::Escaped(text).to_string()
}
