//! What an answer that is none becomes.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use refkit_content::Problem;
use serde::Deserialize;

/// The most bytes of an error's body that are read.
pub(crate) const BODY_LIMIT: u64 = 16 << 10;

/// The most characters of a registry's message that are shown.
const SHOWN: usize = 300;

/// Returns the problem that a status and a body stand for.
pub(crate) fn of_status(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Problem {
    let said = message(body);
    let with = |what: String| if said.is_empty() { what } else { format!("{what}: {said}") };
    match status.as_u16() {
        404 => Problem::NotFound,
        401 => Problem::Unauthorized(with("401".to_owned())),
        403 => Problem::Forbidden(with("403".to_owned())),
        429 => Problem::RateLimited { retry_after: retry_after(headers) },
        500..=599 => Problem::Unavailable(with(format!("status {status}"))),
        405 => Problem::Unsupported(with(format!("status {status}"))),
        _ => Problem::Malformed(with(format!("status {status}"))),
    }
}

/// Returns a registry's own words, without what a terminal would obey.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(Errors { errors }) = serde_json::from_slice(body) else { return String::new() };
    let said = errors.into_iter().map(|One { code, message }| match (code.is_empty(), message.is_empty()) {
        (_, true) => code,
        (true, false) => message,
        (false, false) => format!("{code}, {message}"),
    });
    printable(&said.filter(|one| !one.is_empty()).collect::<Vec<_>>().join("; "))
}

/// Returns a text of a stranger, shortened, and with `?` for what is not printed.
pub(crate) fn printable(text: &str) -> String {
    let clean = |c: char| {
        if c.is_control() || matches!(c, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}') { '?' } else { c }
    };
    let mut short: String = text.chars().take(SHOWN).map(clean).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

/// Only a number of seconds is understood; a date needs a clock that agrees.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Returns the problem that a failed connection or a broken body stands for.
pub(crate) fn of_transport(error: &reqwest::Error, connect: Duration) -> Problem {
    if error.is_timeout() && error.is_connect() {
        return Problem::Timeout(connect);
    }
    // The innermost cause is what says something: "connection refused", "invalid peer certificate".
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = std::error::Error::source(cause) {
        cause = inner;
    }
    let what = if error.is_connect() { "no connection" } else { "the connection broke" };
    Problem::Unavailable(format!("{what}: {}", printable(&cause.to_string())))
}
