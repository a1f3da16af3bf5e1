//! The part of gRPC over HTTP/2 that a proxy needs: the frame of a message, the deadline of a call, and the status of a
//! response.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::HeaderMap;
use refkit_buildkit::MESSAGE_LIMIT;
use tonic::{Code, Status};

/// The bytes of a frame before its message: one flag, and four bytes of length.
pub const PREFIX: usize = 5;

/// Returns the frame of a message.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` where the message exceeds [`MESSAGE_LIMIT`].
pub fn frame(message: &[u8]) -> Result<Bytes, Status> {
    let length = u32::try_from(message.len()).ok().filter(|_| message.len() <= MESSAGE_LIMIT);
    let length = length.ok_or_else(|| too_large(message.len()))?;
    let mut frame = BytesMut::with_capacity(PREFIX + message.len());
    frame.put_u8(0);
    frame.put_u32(length);
    frame.put_slice(message);
    Ok(frame.freeze())
}

/// Returns the message of a complete body with one frame.
///
/// # Errors
/// `INVALID_ARGUMENT` where the body has less or more than one message, `UNIMPLEMENTED` where the message is compressed,
/// and `RESOURCE_EXHAUSTED` where it exceeds [`MESSAGE_LIMIT`].
pub fn message(frame: &Bytes) -> Result<Bytes, Status> {
    check(frame)?;
    let missing = |what: &str| Status::invalid_argument(format!("the call's message is {what}"));
    let length = match length(frame) {
        Some(length) => length,
        None if frame.is_empty() => return Err(missing("missing")),
        None => return Err(missing("truncated: it ends within its prefix")),
    };
    let message = frame.slice(PREFIX..);
    if message.len() < length {
        return Err(missing(&format!("truncated: {} of its {length} bytes are there", message.len())));
    }
    Ok(message)
}

/// Checks that a body that begins with these bytes can have one message.
///
/// # Errors
/// Those of [`message`], except for a body that is too short so far.
pub fn check(start: &[u8]) -> Result<(), Status> {
    match start.first() {
        None | Some(0) => {}
        Some(1) => {
            return Err(Status::unimplemented("compressed messages are not understood: call without compression"));
        }
        Some(flag) => return Err(Status::invalid_argument(format!("the call's message has the unknown flag {flag}"))),
    }
    let Some(length) = length(start) else { return Ok(()) };
    if length > MESSAGE_LIMIT {
        return Err(too_large(length));
    }
    if start.len() > PREFIX + length {
        return Err(Status::invalid_argument("the call has more than one message"));
    }
    Ok(())
}

fn length(start: &[u8]) -> Option<usize> {
    let bytes = start.get(1..PREFIX)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

pub(crate) fn too_large(length: usize) -> Status {
    Status::resource_exhausted(format!(
        "a message of {length} bytes is larger than the {MESSAGE_LIMIT} that one may have"
    ))
}

/// Returns the timeout of a call, where its headers have one.
///
/// # Errors
/// `INTERNAL`, as from BuildKit, where the timeout is malformed.
pub fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let malformed = || Status::internal("malformed grpc-timeout: it is up to eight digits and one of HMSmun");
    let Some((unit, digits)) = value.as_bytes().split_last() else { return Err(malformed()) };
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(malformed());
    }
    let amount = digits.iter().fold(0, |amount, digit| amount * 10 + u64::from(digit - b'0'));
    Ok(Some(match unit {
        b'H' => Duration::from_secs(amount * 3600),
        b'M' => Duration::from_secs(amount * 60),
        b'S' => Duration::from_secs(amount),
        b'm' => Duration::from_millis(amount),
        b'u' => Duration::from_micros(amount),
        b'n' => Duration::from_nanos(amount),
        _ => return Err(malformed()),
    }))
}

/// Returns the status in headers or trailers, if they have one.
pub fn status(headers: &HeaderMap) -> Option<Status> {
    // tonic panics when it reads details that are not base64.
    let mut headers = headers.clone();
    let details = headers.remove(Status::GRPC_STATUS_DETAILS);
    let status = Status::from_header_map(&headers)?;
    let details = details.and_then(|value| {
        let bytes = value.as_bytes();
        let end = bytes.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
        STANDARD_NO_PAD.decode(bytes.get(..end)?).ok()
    });
    let Some(details) = details.filter(|details| !details.is_empty()) else { return Some(status) };
    let (code, metadata) = (status.code(), status.metadata().clone());
    Some(Status::with_details_and_metadata(code, status.message(), details.into(), metadata))
}

/// Returns the status code in headers or trailers, if they have one.
pub fn code(headers: &HeaderMap) -> Option<Code> {
    Some(Code::from_bytes(headers.get(Status::GRPC_STATUS)?.as_bytes()))
}
