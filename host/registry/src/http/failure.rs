//! Errors for responses, by their status and body.

use std::time::{Duration, SystemTime};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use refkit_content::ErrorKind;
use refkit_oci::Digest;
use serde_json::Value;
use url::Url;

use crate::text::printable;

/// The most bytes of an error's body that are read.
pub(crate) const BODY_LIMIT: u64 = 16 << 10;

/// The messages with status 400 of servers that speak TLS to a client that does not: nginx, Go's server, and Apache.
const SPEAKS_TLS: [&str; 3] =
    ["plain HTTP request was sent to HTTPS port", "HTTP request to an HTTPS server", "speaking plain HTTP to an SSL"];

/// The codes that say which content of a manifest is unknown: OCI distribution 1.1, section "Error Codes".
const LACKS: [&str; 3] = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"];

/// The most digests that are read from one error.
const DIGESTS: usize = 1000;

/// Returns the error for a refused manifest: as [`of_status`], with the details of the registry's message, and
/// [`ErrorKind::Lacks`] if the registry lacks content of the manifest.
pub(crate) fn of_manifest(status: StatusCode, headers: &HeaderMap, body: &[u8], url: &Url) -> ErrorKind {
    let errors = errors(body);
    let said = message(&errors, true);
    let code = |one: &&Value| one["code"].as_str().is_some_and(|code| LACKS.contains(&code));
    if status.is_client_error() && errors.iter().any(|one| code(&one)) {
        let mut digests = Vec::new();
        for digest in errors.iter().filter(code).flat_map(|one| named(&one.to_string())) {
            if !digests.contains(&digest) && digests.len() < DIGESTS {
                digests.push(digest);
            }
        }
        return ErrorKind::Lacks { said: format!("status {status}: {said}"), digests };
    }
    with_message(status, headers, body, url, said)
}

/// Returns the digests in a text.
fn named(text: &str) -> Vec<Digest> {
    let apart = |c: char| !(c.is_ascii_alphanumeric() || c == ':');
    text.split(apart).filter_map(|word| word.parse().ok()).collect()
}

/// Returns the error for a response from a URL with this status and body.
pub(crate) fn of_status(status: StatusCode, headers: &HeaderMap, body: &[u8], url: &Url) -> ErrorKind {
    with_message(status, headers, body, url, message(&errors(body), false))
}

fn with_message(status: StatusCode, headers: &HeaderMap, body: &[u8], url: &Url, said: String) -> ErrorKind {
    if status == StatusCode::BAD_REQUEST && url.scheme() == "http" {
        let text = String::from_utf8_lossy(body);
        if SPEAKS_TLS.iter().any(|words| text.contains(words)) {
            return ErrorKind::Protocol { tls: true };
        }
    }
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

/// Returns the errors in a registry's error body.
fn errors(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["errors"].as_array().cloned().unwrap_or_default()
}

/// Returns the message of a registry's errors, without control sequences of terminals.
fn message(errors: &[Value], details: bool) -> String {
    // The code should be a word; some registries write a number, or no code.
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let said = errors.iter().map(|one| {
        let detail = if details { detail(&one["detail"]) } else { String::new() };
        let parts = [text(&one["code"]), text(&one["message"]), detail];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    });
    printable(&said.filter(|one| !one.is_empty()).collect::<Vec<_>>().join("; "))
}

/// Returns the detail of an error, which may be any JSON value.
fn detail(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(members) if members.is_empty() => String::new(),
        Value::Array(items) if items.is_empty() => String::new(),
        other => other.to_string(),
    }
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
            assert_eq!(message(&errors(body.as_bytes()), false), wanted, "{body}");
        }
    }

    #[test]
    fn refused_manifests() {
        let (one, two) = (format!("sha256:{}", "1".repeat(64)), format!("sha256:{}", "2".repeat(64)));
        // status, body, message, the digests that the registry lacks
        let rows = [
            (
                400,
                r#"{"errors":[{"code":"MANIFEST_INVALID","message":"no","detail":{"line":3}}]}"#.to_owned(),
                r#"status 400 Bad Request: MANIFEST_INVALID, no, {"line":3}"#.to_owned(),
                None,
            ),
            (
                400,
                r#"{"errors":[{"code":"MANIFEST_INVALID","message":"no","detail":"the schema"}]}"#.to_owned(),
                "status 400 Bad Request: MANIFEST_INVALID, no, the schema".to_owned(),
                None,
            ),
            (
                403,
                r#"{"errors":[{"code":"DENIED","message":"immutable","detail":[]}]}"#.to_owned(),
                "forbidden: 403: DENIED, immutable".to_owned(),
                None,
            ),
            (413, "<html>".to_owned(), "status 413 Payload Too Large".to_owned(), None),
            (404, r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#.to_owned(), "not found".to_owned(), None),
            (
                400,
                format!(
                    r#"{{"errors":[{{"code":"MANIFEST_BLOB_UNKNOWN","detail":{{"digest":"{one}"}}}},
                    {{"code":"BLOB_UNKNOWN","message":"no {two}."}}]}}"#
                ),
                format!(
                    r#"status 400 Bad Request: MANIFEST_BLOB_UNKNOWN, {{"digest":"{one}"}}; BLOB_UNKNOWN, no {two}."#
                ),
                Some(vec![one.clone(), two.clone()]),
            ),
            (
                404,
                r#"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#.to_owned(),
                "status 404 Not Found: BLOB_UNKNOWN".to_owned(),
                Some(vec![]),
            ),
        ];
        let url = Url::parse("https://registry.test/v2/app/manifests/1").expect("a URL");
        for (status, body, wanted, lacks) in rows {
            let status = StatusCode::from_u16(status).expect("a status");
            let found = of_manifest(status, &HeaderMap::new(), body.as_bytes(), &url);
            assert_eq!(found.to_string(), wanted, "{body}");
            let digests: Option<Vec<String>> = match found {
                ErrorKind::Lacks { digests, .. } => Some(digests.into_iter().map(Digest::into_string).collect()),
                _ => None,
            };
            assert_eq!(digests, lacks, "{body}");
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
