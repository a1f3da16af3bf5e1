//! Errors for responses, by their status and body.

use std::time::{Duration, SystemTime};

use http::header::{DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use refkit_content::ErrorKind;
use refkit_oci::Digest;
use serde_json::Value;
use url::Url;

use super::said::{errors, long_message, message};
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
    let said = long_message(&errors, headers, body);
    let code = |one: &&Value| one["code"].as_str().is_some_and(|code| LACKS.contains(&code));
    if status.is_client_error() && errors.iter().any(|one| code(&one)) {
        let mut digests = Vec::new();
        for digest in errors.iter().filter(code).flat_map(|one| named(&one.to_string())) {
            if !digests.contains(&digest) && digests.len() < DIGESTS {
                digests.push(digest);
            }
        }
        let said = format!("status {status}: {said}");
        return ErrorKind::Lacks { said, digests: digests.into(), withheld: false };
    }
    of_said(status, headers, body, url, said)
}

/// Returns the error for a refused blob: as [`of_status`], with the details of the registry's message.
pub(crate) fn of_blob(status: StatusCode, headers: &HeaderMap, body: &[u8], url: &Url) -> ErrorKind {
    of_said(status, headers, body, url, long_message(&errors(body), headers, body))
}

/// Returns the error for a refused push with this message. A repository that does not exist has one as well.
fn of_said(status: StatusCode, headers: &HeaderMap, body: &[u8], url: &Url, said: String) -> ErrorKind {
    if status == StatusCode::NOT_FOUND && !said.is_empty() {
        return ErrorKind::NoRepository(said);
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
    with_message(status, headers, body, url, printable(&message(&errors(body), false)))
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
        301 | 302 | 303 | 307 | 308 => {
            let to = headers.get(LOCATION).map(|to| printable(&String::from_utf8_lossy(to.as_bytes())));
            let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
            ErrorKind::Malformed(format!(
                "status {status}: it redirects the request{to}, and the client writes only to the host that it was given"
            ))
        }
        405 => ErrorKind::Unsupported(with(format!("status {status}"))),
        _ => ErrorKind::Malformed(with(format!("status {status}"))),
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
            (404, r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#.to_owned(), "not found: NAME_UNKNOWN".to_owned(), None),
            (404, String::new(), "not found".to_owned(), None),
            // quay
            (
                400,
                r#"{"errors":[{"code":"MANIFEST_INVALID","detail":{"message":"failed to parse manifest: 'spdx+json' does
                not match\n\nOn instance['layers'][0]"},"message":"manifest invalid"}]}"#
                    .replace("does\n                not", "does not"),
                "status 400 Bad Request: MANIFEST_INVALID, manifest invalid, failed to parse manifest: 'spdx+json' does \
                 not match On instance['layers'][0]"
                    .to_owned(),
                None,
            ),
            // zot
            (
                400,
                format!(
                    r#"{{"errors":[{{"code":"MANIFEST_INVALID","message":"manifest invalid","detail":{{"description":"{}",
                    "reason":"changing manifest media-type from \"a/b\" to \"c/d\" is disallowed","reference":"1"}}}}]}}"#,
                    "During upload, manifests undergo several checks. ".repeat(9)
                ),
                "status 400 Bad Request: MANIFEST_INVALID, manifest invalid, changing manifest media-type from \"a/b\" to \
                 \"c/d\" is disallowed, {\"reference\":\"1\"}"
                    .to_owned(),
                None,
            ),
            (
                400,
                r#"{"errors":[{"code":"X","detail":{"reason":["a"],"description":"b"}}]}"#.to_owned(),
                r#"status 400 Bad Request: X, {"reason":["a"]}"#.to_owned(),
                None,
            ),
            (400, r#"{"message":"no"}"#.to_owned(), "status 400 Bad Request: no".to_owned(), None),
            (400, r#"{"error":"no"}"#.to_owned(), "status 400 Bad Request: no".to_owned(), None),
            (400, r#"{"error":{"no":1}}"#.to_owned(), "status 400 Bad Request".to_owned(), None),
            (
                500,
                format!(r#"{{"errors":[{{"message":"{}"}}]}}"#, "a".repeat(2000)),
                format!("unavailable: status 500 Internal Server Error: {}…", "a".repeat(1000)),
                None,
            ),
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
