//! The status with which a build learns that it does not get an image.

use refkit::{Denial, Error};
use refkit_buildkit::grpc_code;
use refkit_report::{Refusal, ungranted};
use tonic::{Code, Status};

/// Returns the status of a refusal.
pub fn status(refusal: Refusal) -> Status {
    Status::new(refusal.code.map_or(Code::PermissionDenied, grpc_code), refusal.text)
}

/// Returns the status of a denial, with every reason and the policy that gave it.
pub fn denied(subject: &str, denials: &[Denial]) -> Status {
    status(Refusal::denied(subject, denials))
}

/// Returns the status of a run that failed. A build cannot grant anything, so for want of a grant the status says who
/// can.
pub fn failed(subject: &str, error: &Error) -> Status {
    let refusal = Refusal::failed(subject, error);
    status(match ungranted(error) {
        Some(repository) => refusal.advice(&format!(
            "only the image of this frontend grants repositories: make it with refkit frontend image --grant {repository}"
        )),
        None => refusal,
    })
}

/// Returns a foreign text in one line, without control characters.
pub fn one_line(text: &str) -> String {
    refkit_report::Escaped(text).to_string()
}
