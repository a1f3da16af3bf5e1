//! The body of a blob for a push: verified, with a part of it in memory.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt as _};
use refkit_content::{Body, Error, verify};
use refkit_oci::Descriptor;

/// The memory to allocate before any byte has arrived, whatever size the descriptor declares: 64 KiB.
const FIRST_ALLOCATION: u64 = 64 << 10;

/// A body that is read piece by piece. It ends without an error only if size and digest are right.
pub(super) struct Reading {
    pieces: BoxStream<'static, Result<Bytes, Error>>,
    /// The bytes that arrived beyond the last call's limit.
    over: Bytes,
    seen: u64,
}

impl Reading {
    pub(super) fn new(descriptor: &Descriptor, body: Body) -> Self {
        Self { pieces: verify::verified(descriptor, body).stream, over: Bytes::new(), seen: 0 }
    }

    /// Returns the held bytes, filled up to the given number. A body that is too short is an error.
    pub(super) async fn fill(&mut self, held: Bytes, most: u64) -> Result<Bytes, Error> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if held.len() >= most {
            return Ok(held);
        }
        if held.is_empty() && self.over.len() >= most {
            return Ok(self.over.split_to(most));
        }
        // Bytes that are all sent go before the next ones come.
        let held = if held.is_empty() { Bytes::new() } else { held };
        // At most as much as has already arrived, so that a declared size of 2^62 bytes costs nothing.
        let room = most.min(usize::try_from(self.seen.max(FIRST_ALLOCATION)).unwrap_or(most));
        let mut filled = BytesMut::with_capacity(room);
        filled.extend_from_slice(&held);
        drop(held);
        loop {
            let wanted = (most - filled.len()).min(self.over.len());
            filled.extend_from_slice(&self.over.split_to(wanted));
            if filled.len() == most {
                return Ok(filled.freeze());
            }
            match self.pieces.next().await {
                Some(piece) => self.over = piece?,
                None => return Ok(filled.freeze()),
            }
            self.seen += self.over.len() as u64;
        }
    }

    /// Returns the next piece as it arrives.
    pub(super) fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if !self.over.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.over))));
        }
        let polled = self.pieces.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(piece))) = &polled {
            self.seen += piece.len() as u64;
        }
        polled
    }

    /// Checks that the body has ended. This verifies an empty blob, which no other call reads.
    pub(super) async fn end(&mut self) -> Result<(), Error> {
        match self.pieces.next().await {
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use refkit_content::Origin;
    use refkit_oci::Algorithm;

    use super::*;

    pub(in crate::push) fn reading(pieces: &'static [&'static str]) -> Reading {
        let whole = pieces.concat();
        let digest = verify::digest(Algorithm::Sha256, whole.as_bytes());
        let stream = futures_util::stream::iter(pieces).map(|piece| Ok((*piece).into())).boxed();
        Reading::new(&Descriptor::new("a/b", digest, whole.len() as u64), Body { origin: Origin::Memory, stream })
    }

    #[tokio::test]
    async fn pieces_become_chunks() {
        for pieces in
            [&["0123456789"][..], &["0", "1", "23456", "789"], &["012", "345", "678", "9"], &["01234", "56789"]]
        {
            for size in 1..=11 {
                let mut reading = reading(pieces);
                let (mut all, mut left) = (String::new(), 10);
                while left > 0 {
                    let chunk = reading.fill(Bytes::new(), size.min(left)).await.unwrap();
                    assert_eq!(chunk.len() as u64, size.min(left), "{pieces:?} by {size}");
                    left -= chunk.len() as u64;
                    all.push_str(std::str::from_utf8(&chunk).unwrap());
                }
                assert_eq!(all, "0123456789", "{pieces:?} by {size}");
                reading.end().await.unwrap();
            }
        }
    }
}
