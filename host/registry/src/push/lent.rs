//! The body of a blob, lent to one request. It keeps the last bytes that the request has read: if the request breaks,
//! another one continues from there.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::stream::Stream;
use parking_lot::Mutex;
use refkit_content::Error;

use super::reading::Reading;

/// The size of the blocks of kept bytes that came in smaller pieces: 64 KiB.
const BLOCK: usize = 64 << 10;

/// The size from which a piece is kept as it came: 256 KiB. A smaller one is copied: it can be a part of a buffer of the
/// HTTP client, whose buffers have up to 408 KiB, and would keep all of it.
const LARGE: usize = 256 << 10;

/// The lender's side of a loan.
pub(super) struct Lent(Arc<Mutex<Loan>>);

/// The request's side: the whole body as a stream. It ends early once the lender has the body back.
pub(super) struct Borrowed(Arc<Mutex<Loan>>);

struct Loan {
    /// None once the lender has it back.
    reading: Option<Reading>,
    /// What was read before the loan, and comes first.
    first: Bytes,
    kept: Kept,
    /// The error of the source that ended the body.
    broken: Option<Error>,
}

/// The last bytes that a request has read.
#[derive(Default)]
struct Kept {
    pieces: VecDeque<Bytes>,
    /// What follows them, less than a block.
    block: Vec<u8>,
    /// The position in the blob of the first and the position after the last of all these bytes.
    start: u64,
    end: u64,
    limit: u64,
}

impl Kept {
    fn keep(&mut self, mut piece: Bytes) {
        self.end += piece.len() as u64;
        if piece.len() >= LARGE || self.limit == 0 {
            self.end_block();
            self.pieces.push_back(piece);
        } else {
            while !piece.is_empty() {
                self.block.reserve_exact(BLOCK - self.block.len());
                self.block.extend_from_slice(&piece.split_to(piece.len().min(BLOCK - self.block.len())));
                if self.block.len() == BLOCK {
                    self.end_block();
                }
            }
        }
        while let Some(oldest) = self.pieces.front().map(|piece| piece.len() as u64) {
            if self.end - self.start - oldest < self.limit {
                break;
            }
            self.start += oldest;
            self.pieces.pop_front();
        }
    }

    fn end_block(&mut self) {
        if !self.block.is_empty() {
            self.pieces.push_back(std::mem::take(&mut self.block).into());
        }
    }

    /// Returns the bytes from a position on; none if they are no longer kept, or were never read.
    fn from(mut self, position: u64) -> Option<Bytes> {
        let wanted = self.end.checked_sub(position).filter(|wanted| *wanted <= self.limit)?;
        let mut bytes = BytesMut::with_capacity(usize::try_from(wanted).ok()?);
        let mut skip = usize::try_from(position.checked_sub(self.start)?).ok()?;
        self.end_block();
        // Each piece goes as soon as it is copied.
        for piece in self.pieces {
            bytes.extend_from_slice(piece.get(skip..).unwrap_or_default());
            skip = skip.saturating_sub(piece.len());
        }
        Some(bytes.freeze())
    }
}

/// A body that the lender has back.
pub(super) struct Returned {
    kept: Kept,
    reading: Reading,
}

impl Returned {
    /// Returns the bytes from a position on, and what follows them; none if they are no longer kept, or were never read.
    pub(super) fn from(self, position: u64) -> Option<(Bytes, Reading)> {
        Some((self.kept.from(position)?, self.reading))
    }
}

impl Lent {
    /// Lends the bytes that have been read, and what follows them. The last `limit` bytes are kept.
    pub(super) fn new(first: Bytes, reading: Reading, limit: u64) -> Self {
        let kept = Kept { limit, ..Kept::default() };
        Self(Arc::new(Mutex::new(Loan { reading: Some(reading), first, kept, broken: None })))
    }

    /// Returns the request's side.
    pub(super) fn body(&self) -> Borrowed {
        Borrowed(Arc::clone(&self.0))
    }

    /// Returns the source's error, if one ended the body.
    pub(super) fn broken(&self) -> Option<Error> {
        self.0.lock().broken.take()
    }

    /// Ends the loan, and returns the body; none if that has been done.
    pub(super) fn end(self) -> Option<Returned> {
        let mut loan = self.0.lock();
        let reading = loan.reading.take()?;
        let (first, mut kept) = (std::mem::take(&mut loan.first), std::mem::take(&mut loan.kept));
        // The request has not begun to read, or it had these bytes from elsewhere.
        kept.keep(first);
        Some(Returned { kept, reading })
    }
}

impl Stream for Borrowed {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut loan = self.0.lock();
        let loan = &mut *loan;
        let Some(reading) = &mut loan.reading else { return Poll::Ready(None) };
        let first = std::mem::take(&mut loan.first);
        let polled = if first.is_empty() { reading.poll_piece(context) } else { Poll::Ready(Some(Ok(first))) };
        match &polled {
            Poll::Ready(Some(Ok(piece))) => loan.kept.keep(piece.clone()),
            Poll::Ready(Some(Err(error))) => loan.broken = Some(error.clone()),
            _ => {}
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::super::reading::tests::reading;
    use super::*;

    #[tokio::test]
    async fn a_body_comes_back_with_its_last_bytes() {
        // how many pieces a request reads; the position; the bytes from there that are kept, and the rest
        let rows = [
            (0, 0, Some(("01", "23456789"))),
            (0, 2, Some(("", "23456789"))),
            (0, 3, None),
            (1, 0, Some(("01", "23456789"))),
            (2, 0, Some(("0123", "456789"))),
            (3, 2, Some(("23456", "789"))),
            (3, 1, None),
            (3, 7, Some(("", "789"))),
            (3, 8, None),
            (4, 4, None),
            (4, 5, Some(("56789", ""))),
            (4, 10, Some(("", ""))),
            (4, 11, None),
        ];
        for (count, position, wanted) in rows {
            let mut reading = reading(&["0123", "456", "789"]);
            let first = reading.fill(Bytes::new(), 2).await.expect("a start");
            let lent = Lent::new(first, reading, 5);
            let mut body = lent.body();
            for _ in 0..count {
                body.next().await.expect("a piece").expect("a piece");
            }
            assert!(lent.broken().is_none());
            let back = lent.end().expect("a body").from(position);
            assert!(body.next().await.is_none(), "the loan has ended");
            let found = match back {
                Some((kept, mut reading)) => Some((kept, reading.fill(Bytes::new(), 10).await.expect("the rest"))),
                None => None,
            };
            let wanted = wanted.map(|(kept, rest)| (Bytes::from(kept), Bytes::from(rest)));
            assert_eq!(found, wanted, "{count} pieces, from {position}");
        }
    }

    /// Small pieces do not keep the large buffers that they are parts of; large ones are kept as they are.
    #[test]
    fn kept_bytes_take_little_more_memory_than_their_limit() {
        let whole = Bytes::from((0..3_000_000_u32).map(|n| (n % 251) as u8).collect::<Vec<_>>());
        for size in [999, BLOCK, 100_000, LARGE - 1, LARGE, 1_000_000] {
            let mut kept = Kept { limit: 600_000, ..Kept::default() };
            for start in (0..whole.len()).step_by(size) {
                kept.keep(whole.slice(start..whole.len().min(start + size)));
            }
            let held: usize = kept.pieces.iter().map(Bytes::len).sum::<usize>() + kept.block.capacity();
            assert!(held <= 600_000 + size.max(2 * BLOCK), "{size}: {held}");
            let shared = kept.pieces.iter().filter(|piece| whole.as_ptr_range().contains(&piece.as_ptr()));
            assert!(shared.clone().all(|piece| piece.len() >= LARGE), "{size}");
            assert_eq!(shared.count() > 0, size >= LARGE, "{size}");
            assert_eq!(kept.from(2_400_000).as_deref(), Some(&whole[2_400_000..]), "{size}");
        }
    }
}
