//! The reason of a failure, as the detail of a status has it.

use prost_types::Duration;
use refkit_content::{Distrust, ErrorKind};

use crate::grpc::pb::{Failure, FailureReason as Reason};

/// Fills in the reason of a failure, and the fields that belong to it.
pub fn fill(failure: &mut Failure, kind: &ErrorKind) {
    let reason = match kind {
        ErrorKind::NotFound => Reason::NotFound,
        ErrorKind::NoRepository(text) => said(failure, text, Reason::NoRepository),
        ErrorKind::Unauthorized(text) => said(failure, text, Reason::Unauthorized),
        ErrorKind::Forbidden(text) => said(failure, text, Reason::Forbidden),
        ErrorKind::RateLimited { said: text, retry_after } => {
            failure.time = retry_after.and_then(|time| Duration::try_from(time).ok());
            said(failure, text, Reason::RateLimited)
        }
        ErrorKind::Overloaded { said: text, retry_after } => {
            failure.time = retry_after.and_then(|time| Duration::try_from(time).ok());
            said(failure, text, Reason::Overloaded)
        }
        ErrorKind::Unreachable(text) => said(failure, text, Reason::Unreachable),
        ErrorKind::Certificate { reason, said: text } => {
            let reason = match reason {
                Distrust::Issuer => Reason::CertificateIssuer,
                Distrust::Time => Reason::CertificateTime,
                Distrust::Name => Reason::CertificateName,
                _ => Reason::CertificateOther,
            };
            said(failure, text, reason)
        }
        ErrorKind::Protocol { tls: true } => Reason::TlsExpected,
        ErrorKind::Protocol { tls: false } => Reason::TlsUnexpected,
        ErrorKind::Unavailable(text) => said(failure, text, Reason::Unavailable),
        ErrorKind::NotCached(text) => said(failure, text, Reason::NotCached),
        ErrorKind::Timeout(time) => {
            failure.time = Duration::try_from(*time).ok();
            Reason::Timeout
        }
        ErrorKind::WrongDigest { expected, actual } => {
            (failure.expected, failure.actual) = (expected.to_string(), actual.clone());
            Reason::WrongDigest
        }
        ErrorKind::WrongSize { expected, actual } => {
            (failure.expected, failure.actual) = (expected.to_string(), actual.to_string());
            Reason::WrongSize
        }
        ErrorKind::TooLarge { limit } => limited(failure, *limit, Reason::TooLarge),
        ErrorKind::TooMany { limit } => limited(failure, *limit as u64, Reason::TooMany),
        ErrorKind::Malformed(text) => said(failure, text, Reason::Malformed),
        ErrorKind::Detour { said: text, proxy: true } => said(failure, text, Reason::ProxyUnreachable),
        ErrorKind::Detour { said: text, proxy: false } => said(failure, text, Reason::TargetUnreachable),
        ErrorKind::Lacks { said: text, digests, withheld } => {
            failure.withheld = *withheld;
            failure.lacking = digests.iter().map(ToString::to_string).collect();
            said(failure, text, Reason::Lacks)
        }
        ErrorKind::InsideNetwork { address, said: text } => {
            failure.about = address.to_string();
            said(failure, text, Reason::InsideNetwork)
        }
        ErrorKind::Unsupported(text) => said(failure, text, Reason::Unsupported),
        ErrorKind::NoHost { registry } => about(failure, registry, Reason::NoHost),
        ErrorKind::NotGranted(text) => said(failure, text, Reason::NotGranted),
        ErrorKind::Ungranted(repository) => about(failure, repository, Reason::Ungranted),
        ErrorKind::UngrantedWrite(ungranted) => {
            failure.tag = ungranted.tag.clone();
            about(failure, &ungranted.repository, Reason::UngrantedWrite)
        }
        ErrorKind::BudgetExhausted(text) => said(failure, text, Reason::BudgetExhausted),
        ErrorKind::Held { limit } => limited(failure, *limit, Reason::Held),
        ErrorKind::Other(text) => said(failure, text, Reason::Other),
        // Its `code` and `message` say what it is.
        _ => Reason::Unspecified,
    };
    failure.set_reason(reason);
}

fn said(failure: &mut Failure, text: &str, reason: Reason) -> Reason {
    failure.said = text.to_owned();
    reason
}

fn limited(failure: &mut Failure, limit: u64, reason: Reason) -> Reason {
    failure.limit = limit;
    reason
}

fn about(failure: &mut Failure, subject: impl ToString, reason: Reason) -> Reason {
    failure.about = subject.to_string();
    reason
}
