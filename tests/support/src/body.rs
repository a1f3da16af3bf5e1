//! The body of an answer: whole, cut, stalled, endless or slow, and counted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use tokio::time::Sleep;

use crate::fault::End;
use crate::gauge::UnderWay;

/// The most bytes of one piece: 16 KiB, so that a counted byte is not far ahead of a sent one.
const PIECE: usize = 16 << 10;

/// How often a body that is about to be cut lets the connection write first.
const TURNS_BEFORE_CUT: u8 = 4;

pub(crate) struct FaultBody {
    content: Bytes,
    at: usize,
    given: u64,
    end: End,
    turns: u8,
    /// The wait for the next byte of a slow body.
    pause: Option<Pin<Box<Sleep>>>,
    sent: Arc<AtomicU64>,
    /// Gone with the last byte, and not after it: from then on a client may know that this is over, and ask again.
    under_way: Option<UnderWay>,
}

impl FaultBody {
    pub(crate) fn new(content: Bytes, end: End, sent: Arc<AtomicU64>, under_way: UnderWay) -> Self {
        let content = if content.is_empty() && end == End::Endless { Bytes::from_static(&[0; PIECE]) } else { content };
        let under_way = (end != End::Whole || !content.is_empty()).then_some(under_way);
        Self { content, at: 0, given: 0, end, turns: 0, pause: None, sent, under_way }
    }

    /// Returns the next piece, empty at the end of the content or at the given number of bytes.
    fn next(&mut self, limit: Option<u64>) -> Bytes {
        if self.at == self.content.len() && self.end == End::Endless {
            self.at = 0;
        }
        let mut length = (self.content.len() - self.at).min(PIECE);
        if let Some(limit) = limit {
            length = length.min(usize::try_from(limit - self.given).unwrap_or(usize::MAX));
        }
        let piece = self.content.slice(self.at..self.at + length);
        self.at += length;
        self.given += length as u64;
        self.sent.fetch_add(length as u64, Ordering::SeqCst);
        if self.end == End::Whole && self.at == self.content.len() {
            self.under_way = None;
        }
        piece
    }
}

impl Body for FaultBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let limit = match this.end {
            End::Whole | End::Endless => None,
            End::Cut(limit) | End::Stall(limit) => Some(limit),
            End::Slow(pause) => {
                let pause = this.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
                ready!(pause.as_mut().poll(context));
                this.pause = None;
                Some(this.given + 1)
            }
        };
        let piece = this.next(limit);
        if !piece.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match this.end {
            End::Whole | End::Endless | End::Slow(_) => Poll::Ready(None),
            // Nobody wakes this task again but the connection, when the peer goes away.
            End::Stall(_) => Poll::Pending,
            End::Cut(_) if this.turns < TURNS_BEFORE_CUT => {
                this.turns += 1;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Cut(_) => {
                this.under_way = None;
                Poll::Ready(Some(Err(io::Error::other("cut on purpose"))))
            }
        }
    }
}

/// Returns a request's whole body.
pub(crate) async fn collect(body: Incoming) -> Result<Bytes, hyper::Error> {
    Ok(body.collect().await?.to_bytes())
}

/// Returns the first bytes of a request's body. Reads the rest of it, unless the connection is to be closed.
pub(crate) async fn part(mut body: Incoming, limit: u64, closes: bool) -> Result<Bytes, hyper::Error> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut part = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            part.extend_from_slice(&data[..data.len().min(limit - part.len())]);
        }
        if closes && part.len() == limit {
            break;
        }
    }
    Ok(part.freeze())
}
