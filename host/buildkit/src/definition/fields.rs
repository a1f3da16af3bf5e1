//! The unknown fields of an operation.

use bytes::{Buf as _, Bytes};
use prost::encoding::{DecodeContext, decode_key, skip_field};

/// The fields of `pb.Op` in BuildKit 0.34.2: inputs, kinds of operations, platform and constraints.
const KNOWN: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11];

/// Returns the number of the first unknown field. Returns `None` for malformed bytes, which decoding refuses.
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
