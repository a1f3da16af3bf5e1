//! Errors for responses, by their status and body.

use std::time::{Duration, SystemTime};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use refkit_content::ErrorKind;
use serde_json::Value;
use url::Url;

use crate::text::printable;

/// The most bytes of an error's body that are read.
pub(crate) const BODY_LIMIT: u64 = 16 << 10;

/// The messages with status 400 of servers that speak TLS to a client that does not: nginx, Go's server, and Apache.
const SPEAKS_TLS: [&str; 3] =
    ["plain HTTP request was sent to HTTPS port", "HTTP request to an HTTPS server", "speaking plain HTTP to an SSL"];

/// Returns the error for a response from a URL with this status and body.
pub(crate) fn of_status(status: StatusCode, headers: &HeaderMap, body: &[u8], url: &Url) -> ErrorKind {
    if status == StatusCode::BAD_REQUEST && url.scheme() == "http" {
        let text = String::from_utf8_lossy(body);
        if SPEAKS_TLS.iter().any(|words| text.contains(words)) {
            return ErrorKind::Protocol { tls: true };
        }
    }
    let said = message(body);
    let with = |what: String| if said.is_empty() { what } else { format!("{what}: {said}") };
    match status.as_u16() {
        404 => ErrorKind::NotFound,
        401 => ErrorKind::Unauthorized(with("401".to_owned())),
        403 => ErrorKind::Forbidden(with("403".to_owned())),
        429 => ErrorKind::RateLimited { said, retry_after: retry_after(headers) },
        408 | 500..=599 => {
            let retry_after = retry_after(headers);
            ErrorKind::Overloaded { said: with(format!("status {status}")), retry_after }
        }
        405 => ErrorKind::Unsupported(with(format!("status {status}"))),
        _ => ErrorKind::Malformed(with(format!("status {status}"))),
    }
}

/// Returns the message of a registry's error body, without control sequences of terminals.
fn message(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    // The code should be a word; some registries write a number, or no code.
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let said = errors.iter().map(|one| match (text(&one["code"]), text(&one["message"])) {
        (code, message) if message.is_empty() => code,
        (code, message) if code.is_empty() => message,
        (code, message) => format!("{code}, {message}"),
    });
    printable(&said.filter(|one| !one.is_empty()).collect::<Vec<_>>().join("; "))
}

/// Returns whether a repetition of the request may soon get another status.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// Returns how long a response asks the client to wait: a number of seconds, or a date, as RFC 9110, section 10.2.3. A
/// date is compared with the response's own `Date`, so that the two clocks need not agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let now = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_own_words() {
        for (body, wanted) in [
            (r#"{"errors":[{"code":"DENIED","message":"not you"}]}"#, "DENIED, not you"),
            (r#"{"errors":[{"code":"DENIED"},{"message":"not you"}]}"#, "DENIED; not you"),
            (r#"{"errors":[{"code":429,"message":"pull less","detail":{"a":[]}}]}"#, "429, pull less"),
            (r#"{"errors":[{"code":null,"message":"pull less"}]}"#, "pull less"),
            (r#"{"errors":[{"code":"","message":""},null,1]}"#, ""),
            (r#"{"errors":"no"}"#, ""),
            (r#"{"errors":[]}"#, ""),
            ("[]", ""),
            ("<html>", ""),
            ("", ""),
        ] {
            assert_eq!(message(body.as_bytes()), wanted, "{body}");
        }
    }

    #[test]
    fn how_long_to_wait() {
        let date = "Wed, 25 Nov 2026 10:00:00 GMT";
        for (asked, now, wanted) in [
            ("7", "", Some(7)),
            (" 7 ", "", Some(7)),
            ("0", "", Some(0)),
            ("-7", "", None),
            ("7.5", "", None),
            ("soon", "", None),
            ("Wed, 25 Nov 2026 10:00:30 GMT", date, Some(30)),
            ("Wednesday, 25-Nov-26 10:01:00 GMT", date, Some(60)),
            ("Wed, 25 Nov 2026 09:00:00 GMT", date, Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", "", Some(0)),
            ("99999999999999999999", "", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, asked.parse().expect("a value"));
            if !now.is_empty() {
                headers.insert(DATE, now.parse().expect("a value"));
            }
            assert_eq!(retry_after(&headers).map(|wait| wait.as_secs()), wanted, "{asked:?} at {now:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
