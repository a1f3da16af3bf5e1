//! The error of a call, out of its status.

use refkit_content::{Error, ErrorKind, Operation};
use tonic::{Code, Status};

use crate::grpc::wire::{self, Details};

/// Returns the error of a call. Where the server says what failed, it is the error of the server's own registry client;
/// the operation is the caller's, because a server may resolve where the caller asked for the content as well.
pub fn error(server: &str, operation: Operation, subject: impl std::fmt::Display, status: &Status) -> Error {
    if let Some(failure) = Details::of(status).failures.pop() {
        return Error { operation, ..wire::error(failure) };
    }
    let text = status.message().to_owned();
    let kind = match status.code() {
        Code::NotFound => ErrorKind::NotFound,
        Code::PermissionDenied => ErrorKind::Forbidden(text),
        Code::Unauthenticated => ErrorKind::Unauthorized(text),
        Code::InvalidArgument | Code::OutOfRange | Code::DataLoss => ErrorKind::Malformed(text),
        Code::Unimplemented | Code::FailedPrecondition => ErrorKind::Unsupported(text),
        Code::ResourceExhausted => ErrorKind::BudgetExhausted(text),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => ErrorKind::Unreachable(text),
        _ => ErrorKind::Other(text),
    };
    Error::new(operation, subject, kind).at(server)
}
