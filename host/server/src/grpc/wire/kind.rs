//! The kind of an error, out of the detail of a status.

use std::time::Duration;

use refkit_content::{Distrust, ErrorKind, UngrantedWrite};

use crate::grpc::pb::{Failure, FailureReason as Reason};

/// Returns the kind of an error whose reason is known here and whose fields are well formed.
pub fn of(failure: &Failure) -> Option<ErrorKind> {
    let said = || failure.said.clone();
    let time = || failure.time.and_then(|time| Duration::try_from(time).ok());
    let limit = failure.limit;
    Some(match failure.reason() {
        // What the server's own cache may not ask for is no matter of the caller's cache.
        Reason::Unspecified | Reason::NotCached => return None,
        Reason::NotFound => ErrorKind::NotFound,
        Reason::NoRepository => ErrorKind::NoRepository(said()),
        Reason::Unauthorized => ErrorKind::Unauthorized(said()),
        Reason::Forbidden => ErrorKind::Forbidden(said()),
        Reason::RateLimited => ErrorKind::RateLimited { said: said(), retry_after: time() },
        Reason::Overloaded => ErrorKind::Overloaded { said: said(), retry_after: time() },
        Reason::Unreachable => ErrorKind::Unreachable(said()),
        Reason::CertificateIssuer => ErrorKind::Certificate { reason: Distrust::Issuer, said: said() },
        Reason::CertificateTime => ErrorKind::Certificate { reason: Distrust::Time, said: said() },
        Reason::CertificateName => ErrorKind::Certificate { reason: Distrust::Name, said: said() },
        Reason::CertificateOther => ErrorKind::Certificate { reason: Distrust::Other, said: said() },
        Reason::TlsExpected => ErrorKind::Protocol { tls: true },
        Reason::TlsUnexpected => ErrorKind::Protocol { tls: false },
        Reason::Unavailable => ErrorKind::Unavailable(said()),
        Reason::Timeout => ErrorKind::Timeout(time()?),
        Reason::WrongDigest => {
            ErrorKind::WrongDigest { expected: failure.expected.parse().ok()?, actual: failure.actual.clone() }
        }
        Reason::WrongSize => {
            ErrorKind::WrongSize { expected: failure.expected.parse().ok()?, actual: failure.actual.parse().ok()? }
        }
        Reason::TooLarge => ErrorKind::TooLarge { limit },
        Reason::TooMany => ErrorKind::TooMany { limit: usize::try_from(limit).ok()? },
        Reason::Malformed => ErrorKind::Malformed(said()),
        Reason::Lacks => {
            let digests = failure.lacking.iter().filter_map(|digest| digest.parse().ok()).collect();
            ErrorKind::Lacks { said: said(), digests, withheld: failure.withheld }
        }
        Reason::InsideNetwork => ErrorKind::InsideNetwork { address: failure.about.parse().ok()?, said: said() },
        Reason::Unsupported => ErrorKind::Unsupported(said()),
        Reason::NoHost => ErrorKind::NoHost { registry: failure.about.clone() },
        Reason::NotGranted => ErrorKind::NotGranted(said()),
        Reason::Ungranted => ErrorKind::Ungranted(failure.about.parse().ok()?),
        Reason::UngrantedWrite => {
            let (repository, tag) = (failure.about.parse().ok()?, failure.tag.clone());
            ErrorKind::UngrantedWrite(Box::new(UngrantedWrite { repository, tag }))
        }
        Reason::BudgetExhausted => ErrorKind::BudgetExhausted(said()),
        Reason::Held => ErrorKind::Held { limit },
        Reason::Other => ErrorKind::Other(said()),
        Reason::ProxyUnreachable => ErrorKind::Detour { said: said(), proxy: true },
        Reason::TargetUnreachable => ErrorKind::Detour { said: said(), proxy: false },
    })
}
