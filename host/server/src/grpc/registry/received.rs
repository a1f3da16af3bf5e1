//! The content of a `Push`, out of its messages.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use parking_lot::Mutex;
use refkit_content::{Error, ErrorKind, Operation};
use refkit_oci::Descriptor;
use tonic::{Status, Streaming};

use crate::grpc::failed::{self, invalid};
use crate::grpc::{PIECE, pb};

/// Why the messages of a call ended early, if they did. The destination sees an error of the body; the caller gets this
/// status.
#[derive(Clone, Default)]
pub struct Received(Arc<Mutex<Option<Status>>>);

struct Messages {
    messages: Streaming<pb::PushRequest>,
    descriptor: Descriptor,
    seen: u64,
}

impl Received {
    /// Returns the content of the messages that follow the target. It has the size of the descriptor, or ends in an
    /// error.
    pub fn new(
        messages: Streaming<pb::PushRequest>,
        descriptor: &Descriptor,
    ) -> (Self, BoxStream<'static, Result<Bytes, Error>>) {
        let received = Self::default();
        let slot = received.clone();
        let messages = Messages { messages, descriptor: descriptor.clone(), seen: 0 };
        let stream = stream::unfold(Some((messages, slot)), |state| async move {
            let (mut messages, slot) = state?;
            match messages.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some((messages, slot)))),
                Ok(None) => None,
                Err(status) => {
                    let kind = ErrorKind::Unavailable(status.message().to_owned());
                    *slot.0.lock() = Some(status);
                    Some((Err(Error::new(Operation::Fetch, &messages.descriptor.digest, kind)), None))
                }
            }
        });
        (received, stream.boxed())
    }

    /// Returns the status for an error of the destination: that of the messages, if these ended early.
    pub fn status(&self, error: &Error) -> Status {
        match (self.0.lock().take(), &error.kind) {
            (Some(status), _) => status,
            // The destination has verified the content of the messages.
            (None, kind @ ErrorKind::WrongDigest { .. }) if error.operation == Operation::Fetch => {
                invalid("target.descriptor.digest", kind)
            }
            (None, _) => failed::content(error),
        }
    }
}

impl Messages {
    async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        let expected = self.descriptor.size;
        let Some(message) = self.messages.message().await? else {
            return match self.seen == expected {
                true => Ok(None),
                false => {
                    let seen = self.seen;
                    Err(invalid("target.descriptor.size", format!("it is {expected}, and {seen} bytes came")))
                }
            };
        };
        let data = match message.part {
            Some(pb::push_request::Part::Data(data)) => data,
            Some(pb::push_request::Part::Target(_)) => {
                return Err(invalid("target", "only the first message has one"));
            }
            None => return Err(invalid("data", "the message is empty")),
        };
        if data.len() > PIECE {
            return Err(invalid("data", format!("a piece has at most {PIECE} bytes, and this one {}", data.len())));
        }
        self.seen += data.len() as u64;
        if self.seen > expected {
            return Err(invalid("data", format!("it goes on after the {expected} bytes of the descriptor")));
        }
        Ok(Some(data))
    }
}
