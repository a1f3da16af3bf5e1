//! Errors and gRPC: the content error for a status of BuildKit, and the code of a status for a kind of failure.

use std::time::Duration;

use refkit_content::ErrorKind;
use refkit_oci::ErrorCode;
use tonic::{Code, Status};

/// The most characters of a foreign text in an error.
const SHOWN: usize = 400;

/// Texts of the errors that BuildKit forwards from registries, the network and its source policies, in lower case. The
/// status of nearly all of them is `Unknown`, so the text decides: the first one that the message contains.
const TEXTS: [(&str, Kind); 30] = [
    ("denied by policy", Kind::Policy),
    ("not allowed by policy", Kind::Policy),
    ("429 too many requests", Kind::RateLimited),
    ("toomanyrequests", Kind::RateLimited),
    ("401 unauthorized", Kind::Unauthorized),
    ("authorization failed", Kind::Unauthorized),
    ("failed to authorize", Kind::Unauthorized),
    ("authentication required", Kind::Unauthorized),
    ("unauthorized:", Kind::Unauthorized),
    ("403 forbidden", Kind::Forbidden),
    ("access denied", Kind::Forbidden),
    ("denied:", Kind::Forbidden),
    ("404 not found", Kind::NotFound),
    ("manifest unknown", Kind::NotFound),
    ("name unknown", Kind::NotFound),
    ("blob unknown", Kind::NotFound),
    ("500 internal server error", Kind::Unavailable),
    ("502 bad gateway", Kind::Unavailable),
    ("503 service unavailable", Kind::Unavailable),
    ("504 gateway", Kind::Unavailable),
    ("connection refused", Kind::Unavailable),
    ("connection reset", Kind::Unavailable),
    ("no such host", Kind::Unavailable),
    ("server misbehaving", Kind::Unavailable),
    ("network is unreachable", Kind::Unavailable),
    ("timeout", Kind::Unavailable),
    ("unexpected eof", Kind::Unavailable),
    ("deadline exceeded", Kind::Timeout),
    ("unknown scheme", Kind::Unsupported),
    ("schema 1", Kind::Unsupported),
];

#[derive(Clone, Copy)]
enum Kind {
    Policy,
    RateLimited,
    Unauthorized,
    Forbidden,
    NotFound,
    Unavailable,
    Timeout,
    Unsupported,
}

/// Returns the gRPC code of a kind of failure. It is never `Unimplemented`: clients take that for a missing call, and try
/// another call.
pub fn grpc_code(code: ErrorCode) -> Code {
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

/// Returns the error of a status, for a call that took so long.
pub(crate) fn kind_of(status: &Status, elapsed: Duration) -> ErrorKind {
    let text = || printable(status.message());
    match status.code() {
        Code::NotFound => ErrorKind::NotFound,
        Code::Unauthenticated => ErrorKind::Unauthorized(text()),
        Code::PermissionDenied => ErrorKind::Forbidden(text()),
        Code::DeadlineExceeded => ErrorKind::Timeout(elapsed),
        Code::Unavailable => ErrorKind::Unavailable(text()),
        Code::Cancelled => ErrorKind::Unavailable("the build was cancelled".to_owned()),
        Code::Unimplemented => ErrorKind::Unsupported(format!("BuildKit does not know this call: {}", text())),
        // The bridge itself returns these two, for a response that is too long or malformed.
        Code::OutOfRange | Code::DataLoss => {
            ErrorKind::Malformed(format!("BuildKit's answer is malformed: {}", text()))
        }
        _ => of_text(status.message(), elapsed),
    }
}

fn of_text(message: &str, elapsed: Duration) -> ErrorKind {
    let lower = message.to_ascii_lowercase();
    let text = printable(message);
    match TEXTS.iter().find(|(part, _)| lower.contains(part)).map(|(_, kind)| *kind) {
        Some(Kind::Policy) => ErrorKind::Forbidden(format!("a source policy of the build's own: {text}")),
        Some(Kind::RateLimited) => ErrorKind::RateLimited { said: text, retry_after: None },
        Some(Kind::Unauthorized) => ErrorKind::Unauthorized(text),
        Some(Kind::Forbidden) => ErrorKind::Forbidden(text),
        Some(Kind::NotFound) => ErrorKind::NotFound,
        Some(Kind::Unavailable) => ErrorKind::Unavailable(text),
        Some(Kind::Timeout) => ErrorKind::Timeout(elapsed),
        Some(Kind::Unsupported) => ErrorKind::Unsupported(text),
        // containerd's errors end like this.
        None if lower.ends_with(": not found") => ErrorKind::NotFound,
        None => ErrorKind::Other(text),
    }
}

/// Returns a foreign text in one line, shortened, with `?` in the place of control characters and invisible ones.
pub(crate) fn printable(text: &str) -> String {
    let hidden =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let clean = |c: char| if c.is_control() || hidden(c) { '?' } else { c };
    let mut short: String = text.chars().take(SHOWN).map(clean).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        #[rustfmt::skip]
        let table = [
            (Code::NotFound, "no", "not found"),
            (Code::Unauthenticated, "who", "unauthorized: who"),
            (Code::PermissionDenied, "no", "forbidden: no"),
            (Code::DeadlineExceeded, "context deadline exceeded", "no answer within 2 s"),
            (Code::Unavailable, "gone", "unavailable: gone"),
            (Code::Unimplemented, "unknown method", "BuildKit does not know this call: unknown method"),
            (Code::Unknown, "docker.io/library/nope:latest: not found", "not found"),
            (Code::Unknown, "failed to do request: Head \"https://r/v2/a/manifests/b\": dial tcp: lookup r: no such host", "unavailable: failed to do request: Head \"https://r/v2/a/manifests/b\": dial tcp: lookup r: no such host"),
            (Code::Unknown, "unexpected status from HEAD request to http://r/v2/a/manifests/b: 401 Unauthorized", "unauthorized: unexpected status from HEAD request to http://r/v2/a/manifests/b: 401 Unauthorized"),
            (Code::Unknown, "unexpected status from GET request to http://r/v2/: 503 Service Unavailable", "unavailable: unexpected status from GET request to http://r/v2/: 503 Service Unavailable"),
            (Code::Unknown, "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed", "unauthorized: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"),
            (Code::Unknown, "unexpected status: 429 Too Many Requests", "the registry limits requests: unexpected status: 429 Too Many Requests"),
            (Code::Unknown, "could not resolve image due to policy: source \"docker-image://a\" denied by policy", "forbidden: a source policy of the build's own: could not resolve image due to policy: source \"docker-image://a\" denied by policy"),
            (Code::Internal, "panic\n\u{1b}[2J", "panic??[2J"),
        ];
        for (code, message, expected) in table {
            assert_eq!(kind_of(&Status::new(code, message), Duration::from_secs(2)).to_string(), expected);
        }
    }
}
