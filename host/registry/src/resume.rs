//! A body that goes on where it broke: RFC 9110, section 14, and OCI distribution 1.1, section "Pulling blobs".

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header::{CONTENT_RANGE, RANGE};
use http::{HeaderValue, StatusCode};
use refkit_content::ErrorKind;

use crate::authorize::Actions;
use crate::client::Client;
use crate::coding::Coding;
use crate::endpoint::Endpoint;
use crate::gate::Permit;
use crate::reply::Reply;
use crate::retry::Waits;
use crate::transport::{Call, Queue};

type Pieces = BoxStream<'static, Result<Bytes, ErrorKind>>;

/// Bytes that have to come before a broken connection counts as a new one: 1 MiB. A host that breaks sooner each time
/// is given up.
const PROGRESS: u64 = 1 << 20;

struct Resuming {
    client: Client,
    endpoint: Endpoint,
    /// The request, where it can be sent again.
    call: Option<Call>,
    size: u64,
    received: u64,
    /// What had been received when it last broke.
    broke: u64,
    waits: Waits,
    /// Whether it comes coded: then a part of it is none of the content.
    coded: bool,
    pieces: Pieces,
    /// It is kept while the body is broken: whoever waits for it has turns of his own.
    _turn: Option<Permit>,
}

impl Client {
    /// Returns the body of an answer. Where it breaks before so many bytes have come, the rest is asked for at the
    /// same host. What comes is not checked here: who reads it holds it against its digest.
    pub(crate) fn resuming(&self, endpoint: Endpoint, call: Option<Call>, size: u64, mut reply: Reply) -> Pieces {
        // Another host cannot go on with what this one has begun.
        let endpoint = Endpoint { last: true, ..endpoint };
        let waits = self.inner.waits(&endpoint);
        let (client, turn, coded) = (self.clone(), reply.take_turn(), reply.coding != Coding::Identity);
        let pieces = reply.stream();
        let state = Resuming { client, endpoint, call, size, received: 0, broke: 0, waits, coded, pieces, _turn: turn };
        stream::unfold(Some(state), |state| async move {
            let mut state = state?;
            match state.next().await {
                Some(Ok(piece)) => Some((Ok(piece), Some(state))),
                Some(Err(problem)) => Some((Err(problem), None)),
                None => None,
            }
        })
        .boxed()
    }
}

impl Resuming {
    async fn next(&mut self) -> Option<Result<Bytes, ErrorKind>> {
        loop {
            let problem = match self.pieces.next().await {
                Some(Ok(piece)) => {
                    self.received = self.received.saturating_add(piece.len() as u64);
                    return Some(Ok(piece));
                }
                None if self.received >= self.size => return None,
                None => ErrorKind::Unreachable("the connection broke: there is less than was announced".to_owned()),
                Some(Err(problem @ (ErrorKind::Unreachable(_) | ErrorKind::Timeout(_))))
                    if self.received < self.size =>
                {
                    problem
                }
                Some(Err(problem)) => return Some(Err(problem)),
            };
            if let Err(problem) = self.resume(problem).await {
                return Some(Err(problem));
            }
        }
    }

    async fn resume(&mut self, problem: ErrorKind) -> Result<(), ErrorKind> {
        if self.received - self.broke >= PROGRESS {
            self.waits = self.client.inner.waits(&self.endpoint);
        }
        self.broke = self.received;
        // One that stands still is as good as broken.
        let broken = ErrorKind::Unreachable(String::new());
        let (Some(call), Some(wait)) = (self.call.as_ref().and_then(Call::again), self.waits.after(&broken)) else {
            return Err(problem);
        };
        tokio::time::sleep(wait).await;
        let range = HeaderValue::from_str(&format!("bytes={}-", self.received));
        let range = range.map_err(|error| ErrorKind::Other(error.to_string()))?;
        let call = if self.coded { call } else { call.header(RANGE, range) }.queue(Queue::Has);
        let reply = self.client.inner.ask(&self.endpoint, Actions::Pull, call).await?.success().await?;
        let is_part = reply.status == StatusCode::PARTIAL_CONTENT;
        let reply = reply.of_size(if is_part { self.size - self.received } else { self.size });
        let skip = match reply.status {
            StatusCode::PARTIAL_CONTENT => {
                let begin = reply.header(CONTENT_RANGE).and_then(begin);
                // What begins elsewhere could still be cut to fit, but such a host is not to be understood.
                if begin != Some(self.received) {
                    let said = crate::failure::printable(reply.header(CONTENT_RANGE).unwrap_or_default());
                    let text = format!("it was asked to go on at byte {}, and answers {said:?}", self.received);
                    return Err(ErrorKind::Malformed(text));
                }
                if reply.coding != Coding::Identity {
                    return Err(ErrorKind::Malformed("it goes on in the middle of a coding".to_owned()));
                }
                0
            }
            // It begins anew.
            _ => self.received,
        };
        self.pieces = after(skip, reply.stream());
        Ok(())
    }
}

/// Returns where a part begins: `bytes 5-9/10`.
fn begin(range: &str) -> Option<u64> {
    let (unit, range) = range.trim().split_once(' ')?;
    let (begin, _) = range.split_once('-')?;
    if unit.eq_ignore_ascii_case("bytes") { begin.trim().parse().ok() } else { None }
}

/// Leaves out the first bytes of a body.
fn after(skip: u64, pieces: Pieces) -> Pieces {
    if skip == 0 {
        return pieces;
    }
    let state = Some((skip, pieces));
    stream::unfold(state, |state| async move {
        let (mut skip, mut pieces) = state?;
        loop {
            match pieces.next().await? {
                Err(problem) => return Some((Err(problem), None)),
                Ok(piece) if (piece.len() as u64) <= skip => skip -= piece.len() as u64,
                Ok(mut piece) => {
                    let piece = piece.split_off(usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len()));
                    return Some((Ok(piece), Some((0, pieces))));
                }
            }
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_part_begins() {
        for (range, wanted) in [
            ("bytes 5-9/10", Some(5)),
            ("Bytes 5-9/*", Some(5)),
            ("bytes */10", None),
            ("bytes=5-9/10", None),
            ("lines 5-9/10", None),
            ("bytes -5/10", None),
            ("", None),
        ] {
            assert_eq!(begin(range), wanted, "{range:?}");
        }
    }

    #[tokio::test]
    async fn what_is_left_out() {
        for (skip, wanted) in [(0, "abcdef"), (1, "bcdef"), (2, "cdef"), (3, "def"), (6, ""), (9, "")] {
            let pieces = stream::iter(["ab", "cd", "ef"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())))).boxed();
            let left: Vec<_> = after(skip, pieces).map(|piece| piece.expect("no piece fails")).collect().await;
            assert_eq!(left.concat(), wanted.as_bytes(), "{skip}");
        }
    }
}
