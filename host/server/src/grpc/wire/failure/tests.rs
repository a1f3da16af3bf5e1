use std::time::Duration;

use refkit_content::{Distrust, UngrantedWrite};

use super::*;

/// Errors of every kind; an error that crosses the wire keeps its text and its code.
#[test]
fn an_error_crosses_the_wire() {
    let digest = || format!("sha256:{:064}", 1).parse().unwrap();
    let repository = || "r.test/app".parse().unwrap();
    let text = || "503: \"no\"".to_owned();
    let kinds = [
        ErrorKind::NotFound,
        ErrorKind::NoRepository(text()),
        ErrorKind::Unauthorized(text()),
        ErrorKind::Forbidden(text()),
        ErrorKind::RateLimited { said: String::new(), retry_after: None },
        ErrorKind::RateLimited { said: text(), retry_after: Some(Duration::from_secs(7)) },
        ErrorKind::Overloaded { said: text(), retry_after: Some(Duration::from_secs(7)) },
        ErrorKind::Unreachable(text()),
        ErrorKind::Certificate { reason: Distrust::Issuer, said: text() },
        ErrorKind::Certificate { reason: Distrust::Time, said: text() },
        ErrorKind::Certificate { reason: Distrust::Name, said: text() },
        ErrorKind::Certificate { reason: Distrust::Other, said: text() },
        ErrorKind::Protocol { tls: true },
        ErrorKind::Protocol { tls: false },
        ErrorKind::Unavailable(text()),
        ErrorKind::Timeout(Duration::from_millis(1500)),
        ErrorKind::WrongDigest { expected: digest(), actual: "sha256:2".to_owned() },
        ErrorKind::WrongSize { expected: 3, actual: 4 },
        ErrorKind::WrongSize { expected: 4, actual: 3 },
        ErrorKind::TooLarge { limit: 4 << 20 },
        ErrorKind::TooMany { limit: 10_000 },
        ErrorKind::Malformed(text()),
        ErrorKind::Lacks { said: text(), digests: [digest()].into(), withheld: false },
        ErrorKind::Lacks { said: text(), digests: [].into(), withheld: true },
        ErrorKind::Detour { said: text(), proxy: true },
        ErrorKind::Detour { said: text(), proxy: false },
        ErrorKind::InsideNetwork { address: "10.0.0.1".parse().unwrap(), said: text() },
        ErrorKind::Unsupported(text()),
        ErrorKind::NoHost { registry: "r.test".to_owned() },
        ErrorKind::NotGranted(text()),
        ErrorKind::Ungranted(repository()),
        ErrorKind::UngrantedWrite(Box::new(UngrantedWrite { repository: repository(), tag: None })),
        ErrorKind::UngrantedWrite(Box::new(UngrantedWrite { repository: repository(), tag: Some("1".to_owned()) })),
        ErrorKind::BudgetExhausted(text()),
        ErrorKind::Held { limit: 64 << 20 },
        ErrorKind::Other(text()),
    ];
    let operations = [
        Operation::Resolve,
        Operation::Pull,
        Operation::Fetch,
        Operation::Tags,
        Operation::Referrers,
        Operation::Push,
        Operation::Open,
    ];
    for (kind, operation) in kinds.into_iter().zip(operations.into_iter().cycle()) {
        let sent = Error::new(operation, "r.test/app:1", kind).at("mirror.test");
        let came = error(failure(&sent));
        assert_eq!(came.to_string(), sent.to_string());
        assert_eq!(format!("{came:?}"), format!("{sent:?}"), "the fields");
    }
}

/// A newer server may name a reason that is unknown here, and a wrong one may leave out fields.
#[test]
fn an_unknown_reason_keeps_its_code() {
    for code in ErrorCode::ALL {
        let message = pb::Failure { code: code.as_str().to_owned(), message: "m".to_owned(), ..Default::default() };
        let unknown = pb::Failure { reason: 9_999, ..message.clone() };
        let halved = pb::Failure { reason: pb::FailureReason::WrongDigest.into(), ..message };
        for failure in [unknown, halved] {
            let came = error(failure);
            let expected = if code == ErrorCode::Timeout { ErrorCode::Unavailable } else { code };
            assert_eq!(came.code(), expected, "{came}");
        }
    }
    let strange = pb::Failure { code: "strange".to_owned(), message: "m".to_owned(), ..Default::default() };
    assert_eq!(error(strange).to_string(), "cannot open : m");
}
