//! Fields of an operation that are not known here.

use bytes::{Buf as _, Bytes};
use prost::encoding::{DecodeContext, decode_key, skip_field};

/// The fields of `pb.Op` in BuildKit 0.34.2: inputs, the kinds of operations, platform, constraints.
const KNOWN: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11];

/// Returns the number of the first field that is not known here; nothing for bytes that are malformed, which decoding
/// refuses.
pub(super) fn unknown(operation: &Bytes) -> Option<u32> {
    let mut rest = operation.clone();
    while rest.has_remaining() {
        let (field, wire_type) = decode_key(&mut rest).ok()?;
        if !KNOWN.contains(&field) {
            return Some(field);
        }
        skip_field(wire_type, field, &mut rest, DecodeContext::default()).ok()?;
    }
    None
}
