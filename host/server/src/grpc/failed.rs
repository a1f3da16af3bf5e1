//! The status of a call that was denied, refused or failed.

use refkit::{Denial, Error, Resolution, Session};
use refkit_buildkit::grpc_code;
use refkit_contract::Absence;
use refkit_report::Refusal;
use refkit_report::explain::{Explained, Unit};
use tonic::{Code, Status};

use super::pb;
use super::rules::Refused;
use super::wire::{self, Details};

/// Returns the status of a malformed field.
pub fn invalid(field: &str, description: impl ToString) -> Status {
    let description = description.to_string();
    let text = format!("{field}: {description}");
    let violations = vec![pb::Violation { field: field.to_owned(), description }];
    wire::status(Code::InvalidArgument, &text, &Details { violations, ..Details::default() })
}

/// Returns the status of a call that the server refuses by itself.
pub fn refused(refused: &Refused) -> Status {
    wire::status(Code::PermissionDenied, &refused.to_string(), &Details::default())
}

/// Returns the status of an error of a source or a destination.
pub fn content(error: &refkit_content::Error) -> Status {
    let details = Details { failures: vec![wire::failure(error)], ..Details::default() };
    wire::status(grpc_code(error.code()), &error.to_string(), &details)
}

/// Returns the status of a run that failed, with what it used of each limit.
pub fn run(session: &Session, error: &Error) -> Status {
    let subject = session.request().reference.to_string();
    let refusal = Refusal::failed(&subject, error);
    let failure = match error {
        Error::Failed { cause: Some(cause), .. } | Error::Content(cause) => wire::failure(cause),
        other => pb::Failure {
            operation: pb::Operation::Resolve.into(),
            subject,
            code: other.code().as_str().to_owned(),
            message: other.to_string(),
            ..pb::Failure::default()
        },
    };
    let details = Details { failures: vec![failure], limits: limits(session), ..Details::default() };
    wire::status(grpc_code(error.code()), &refusal.text, &details)
}

/// Returns the status of a denial.
pub fn denied(subject: &str, denials: &[Denial]) -> Status {
    let details = Details { denials: denials.iter().map(denial).collect(), ..Details::default() };
    wire::status(Code::PermissionDenied, &Refusal::denied(subject, denials).text, &details)
}

/// Returns the message of a reason.
pub fn denial(denial: &Denial) -> pb::Denial {
    pb::Denial {
        policy: denial.policy().to_owned(),
        rule: denial.rule.clone(),
        message: denial.message.clone(),
        subject: denial.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// Returns the failure of an image that a policy could not judge, if there is one.
pub fn unjudged(resolution: &Resolution) -> Option<Status> {
    let failure = resolution.images.iter().find_map(|image| match image {
        Err(Absence::Failed(failure)) => Some(failure),
        _ => None,
    })?;
    let detail = failure_of(&resolution.reference.to_string(), failure);
    let details = Details { failures: vec![detail], ..Details::default() };
    Some(wire::status(grpc_code(failure.code), &format!("{}: {failure}", resolution.reference), &details))
}

/// Returns the detail of a failure that a policy returned.
pub fn failure_of(subject: &str, failure: &refkit::Failure) -> pb::Failure {
    pb::Failure {
        operation: pb::Operation::Resolve.into(),
        subject: subject.to_owned(),
        code: failure.code.as_str().to_owned(),
        message: failure.message.clone(),
        ..pb::Failure::default()
    }
}

fn limits(session: &Session) -> Vec<pb::Limit> {
    let limits = Explained::of(&[], session, None).report().limits;
    let unit = |unit| match unit {
        Unit::Count => "count",
        Unit::Bytes => "bytes",
        Unit::Microseconds => "microseconds",
    };
    let limits = limits.into_iter().map(|limit| pb::Limit {
        name: limit.name.to_owned(),
        unit: unit(limit.unit).to_owned(),
        used: limit.used,
        allowed: limit.limit,
    });
    limits.collect()
}
