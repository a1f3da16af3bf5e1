//! A failure with all that a caller needs to show the same error.

use refkit_content::{Error, ErrorKind, Operation};
use refkit_oci::ErrorCode;

use super::{kind, reason};
use crate::grpc::pb;

/// Returns the detail of an error.
pub fn failure(error: &Error) -> pb::Failure {
    let mut failure = pb::Failure {
        operation: pb::Operation::from(error.operation).into(),
        subject: error.subject.clone(),
        host: error.host.clone(),
        code: error.code().as_str().to_owned(),
        message: error.kind.to_string(),
        ..pb::Failure::default()
    };
    reason::fill(&mut failure, &error.kind);
    failure
}

/// Returns the error of a detail: its text is that of the error that the detail was made of.
pub fn error(failure: pb::Failure) -> Error {
    let operation = failure.operation().known().unwrap_or(Operation::Open);
    let (subject, host) = (failure.subject.clone(), failure.host.clone());
    let kind = kind::of(&failure).unwrap_or_else(|| by_code(&failure));
    Error { operation, subject, host, kind }
}

/// Returns the kind for a reason that this program does not know: the text and the code stay.
fn by_code(failure: &pb::Failure) -> ErrorKind {
    let text = failure.message.clone();
    let code = ErrorCode::ALL.into_iter().find(|code| code.as_str() == failure.code);
    match code.unwrap_or(ErrorCode::Other) {
        ErrorCode::Invalid => ErrorKind::Malformed(text),
        ErrorCode::NotFound => ErrorKind::NotFound,
        ErrorCode::Unauthorized => ErrorKind::Forbidden(text),
        ErrorCode::NotGranted => ErrorKind::NotGranted(text),
        ErrorCode::BudgetExhausted => ErrorKind::BudgetExhausted(text),
        ErrorCode::Unsupported => ErrorKind::Unsupported(text),
        ErrorCode::RateLimited => ErrorKind::RateLimited { said: text, retry_after: None },
        ErrorCode::Unavailable | ErrorCode::Timeout => ErrorKind::Unavailable(text),
        ErrorCode::Other => ErrorKind::Other(text),
    }
}

#[cfg(test)]
mod tests;
