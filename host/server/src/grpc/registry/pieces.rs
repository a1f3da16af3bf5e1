//! A body as messages of bounded size. The next one is read when the connection has room for it.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use refkit_content::{Body, Error};
use tonic::Status;

use crate::grpc::{Call, PIECE, failed, pb, wire};

/// The messages of a response.
pub type Stream = Pin<Box<dyn futures_util::Stream<Item = Result<pb::FetchResponse, Status>> + Send>>;

/// A range of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// How many bytes come before it.
    pub skip: u64,
    /// How many bytes it has.
    pub left: u64,
}

/// The pieces of a body that are still to come.
pub struct Pieces {
    call: Call,
    body: BoxStream<'static, Result<Bytes, Error>>,
    origin: Option<pb::Origin>,
    range: Range,
    /// What was read and not yet sent.
    rest: Bytes,
}

impl Pieces {
    /// Returns the pieces of a range of a body.
    pub fn new(call: Call, body: Body, range: Range) -> Self {
        Self { call, origin: Some(wire::origin(&body.origin)), body: body.stream, range, rest: Bytes::new() }
    }

    /// Returns the messages: at least one, because the first has the origin. Nothing follows an error.
    pub fn stream(self) -> Stream {
        Box::pin(stream::unfold(Some(self), |pieces| async move {
            let mut pieces = pieces?;
            match pieces.next().await {
                Ok(Some(message)) => Some((Ok(message), Some(pieces))),
                Ok(None) => None,
                Err(status) => Some((Err(status), None)),
            }
        }))
    }

    async fn next(&mut self) -> Result<Option<pb::FetchResponse>, Status> {
        if self.range.left == 0 {
            return Ok(self.origin.take().map(|origin| pb::FetchResponse { data: Bytes::new(), origin: Some(origin) }));
        }
        while self.rest.is_empty() {
            let piece = self.call.clone().within(self.body.next()).await?;
            let Some(piece) = piece else {
                return Err(Status::data_loss("the content ended before the range did"));
            };
            self.rest = piece.map_err(|error| failed::content(&error))?;
            let skipped = self.range.skip.min(self.rest.len() as u64);
            self.range.skip -= skipped;
            // At most the length of a piece in memory.
            self.rest = self.rest.split_off(skipped as usize);
        }
        let length = (self.rest.len().min(PIECE) as u64).min(self.range.left);
        self.range.left -= length;
        let data = self.rest.split_to(length as usize);
        Ok(Some(pb::FetchResponse { data, origin: self.origin.take() }))
    }
}
