//! A gRPC status with the details of `google.rpc.Status`.

use bytes::Bytes;
use prost::{Message, Name};
use refkit_buildkit::pb::{Any, Status as RpcStatus};
use refkit_oci::escape::Escaped;
use tonic::{Code, Status};

use crate::grpc::pb;

/// The most bytes of a status's message: about a screen full.
const TEXT: usize = 4 << 10;

/// The most bytes of all details. A trailer holds them in base64, and many clients accept no more than 16 KiB of
/// trailers.
const DETAILS: usize = 8 << 10;

/// The prefix of a detail's type.
const TYPE: &str = "type.googleapis.com/";

/// Details of a status that is made or was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// What failed.
    pub failures: Vec<pb::Failure>,
    /// The reasons of a denial.
    pub denials: Vec<pb::Denial>,
    /// The limits of the run, and how much of each it used.
    pub limits: Vec<pb::Limit>,
    /// The malformed fields of a request.
    pub violations: Vec<pb::Violation>,
}

/// Returns the status with a message, escaped, and with the details as far as there is room for them.
pub fn status(code: Code, text: &str, details: &Details) -> Status {
    let mut text = Escaped(text).to_string();
    if text.len() > TEXT {
        text.truncate(text.floor_char_boundary(TEXT));
        text.push('…');
    }
    let mut rpc = RpcStatus { code: code.into(), message: text.clone(), details: Vec::new() };
    let all = details.failures.iter().map(any).chain(details.denials.iter().map(any));
    let all = all.chain(details.violations.iter().map(any)).chain(details.limits.iter().map(any));
    let mut room = DETAILS.saturating_sub(text.len());
    for any in all {
        match room.checked_sub(any.encoded_len()) {
            Some(rest) => room = rest,
            None => continue,
        }
        rpc.details.push(any);
    }
    match rpc.details.is_empty() {
        true => Status::new(code, text),
        false => Status::with_details(code, text, Bytes::from(rpc.encode_to_vec())),
    }
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("{TYPE}{}", M::full_name()), value: message.encode_to_vec().into() }
}

impl Details {
    /// Reads the details of a status. What is malformed or unknown is left out.
    pub fn of(status: &Status) -> Self {
        let mut details = Self::default();
        let rpc = RpcStatus::decode(status.details()).unwrap_or_default();
        for any in rpc.details {
            let name = any.type_url.rsplit('/').next().unwrap_or_default();
            if name == pb::Failure::full_name() {
                details.failures.extend(pb::Failure::decode(any.value));
            } else if name == pb::Denial::full_name() {
                details.denials.extend(pb::Denial::decode(any.value));
            } else if name == pb::Limit::full_name() {
                details.limits.extend(pb::Limit::decode(any.value));
            } else if name == pb::Violation::full_name() {
                details.violations.extend(pb::Violation::decode(any.value));
            }
        }
        details
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_that_have_no_room_are_left_out() {
        let denial = |length: usize| pb::Denial { message: "x".repeat(length), ..Default::default() };
        let sent = Details {
            denials: vec![denial(10), denial(2 * DETAILS), denial(20)],
            violations: vec![pb::Violation { field: "reference".to_owned(), description: "no".to_owned() }],
            ..Details::default()
        };
        let made = status(Code::PermissionDenied, &format!("a\n{}", "é".repeat(TEXT)), &sent);
        assert!(made.message().starts_with("a\\né") && made.message().len() <= TEXT + 3, "{}", made.message().len());
        assert!(made.details().len() <= DETAILS + TEXT);
        let came = Details::of(&made);
        assert_eq!(came.denials, [denial(10), denial(20)]);
        assert_eq!(came.violations, sent.violations);
        assert_eq!(Details::of(&Status::new(Code::Ok, "")), Details::default());
        assert_eq!(Details::of(&Status::with_details(Code::Ok, "", Bytes::from_static(b"\xff"))), Details::default());
    }
}
