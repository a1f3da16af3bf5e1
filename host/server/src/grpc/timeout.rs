//! The timeout of a call: the header `grpc-timeout`.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;
use tonic::Status;

/// The longest timeout that counts: a year. A longer one is none.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Returns when the caller stops waiting, if it says so.
///
/// # Errors
/// `INVALID_ARGUMENT` for a malformed header.
pub fn deadline(headers: &HeaderMap) -> Result<Option<Instant>, Status> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let timeout = parse(value.as_bytes()).ok_or_else(|| {
        Status::invalid_argument("grpc-timeout: it is malformed; it is up to eight digits and one of H, M, S, m, u, n")
    })?;
    Ok(Some(timeout).filter(|timeout| *timeout <= YEAR).map(|timeout| Instant::now() + timeout))
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount = digits.iter().fold(0, |amount, digit| amount * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(amount * 3600),
        b'M' => Duration::from_secs(amount * 60),
        b'S' => Duration::from_secs(amount),
        b'm' => Duration::from_millis(amount),
        b'u' => Duration::from_micros(amount),
        b'n' => Duration::from_nanos(amount),
        _ => return None,
    })
}
