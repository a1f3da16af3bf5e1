//! Resumes bodies that break: RFC 9110, section 14, and OCI distribution 1.1, section "Pulling blobs".

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header::{CONTENT_RANGE, RANGE};
use http::{HeaderValue, StatusCode};
use refkit_content::ErrorKind;

use super::Client;
use crate::auth::Actions;
use crate::endpoint::Endpoint;
use crate::http::coding::Coding;
use crate::http::limiter::Permit;
use crate::http::{Request, Response, Slot};
use crate::retry::Waits;
use crate::text::printable;

type Pieces = BoxStream<'static, Result<Bytes, ErrorKind>>;

/// The bytes between two breaks after which the client starts to count retries anew: 1 MiB. A host that breaks sooner
/// than that uses up its retries.
const PROGRESS: u64 = 1 << 20;

struct Resuming {
    client: Client,
    endpoint: Endpoint,
    /// The request, if it can be sent again.
    request: Option<Request>,
    size: u64,
    received: u64,
    /// The bytes that had come when the body last broke.
    broke: u64,
    waits: Waits,
    /// Whether the body has a content coding, so that a byte range of it is no range of the content.
    coded: bool,
    pieces: Pieces,
    /// The limiter's slot, kept while the body is broken.
    _permit: Option<Permit>,
}

impl Client {
    /// Returns the body of a response. If it breaks before so many bytes have come, the client requests the rest from the
    /// same host. The bytes are not checked here: their reader compares them with the digest.
    pub(super) fn resuming(
        &self,
        endpoint: Endpoint,
        request: Option<Request>,
        size: u64,
        mut response: Response,
    ) -> Pieces {
        // No other host can continue this body.
        let endpoint = Endpoint { last: true, ..endpoint };
        let state = Resuming {
            client: self.clone(),
            waits: self.inner.retries.waits(&endpoint),
            endpoint,
            request,
            size,
            received: 0,
            broke: 0,
            coded: response.coding != Coding::Identity,
            _permit: response.take_permit(),
            pieces: response.stream(),
        };
        stream::unfold(Some(state), |state| async move {
            let mut state = state?;
            match state.next().await {
                Some(Ok(piece)) => Some((Ok(piece), Some(state))),
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        })
        .boxed()
    }
}

impl Resuming {
    async fn next(&mut self) -> Option<Result<Bytes, ErrorKind>> {
        loop {
            let error = match self.pieces.next().await {
                Some(Ok(piece)) => {
                    self.received = self.received.saturating_add(piece.len() as u64);
                    return Some(Ok(piece));
                }
                None if self.received >= self.size => return None,
                None => ErrorKind::Unreachable("the connection broke before the announced length".to_owned()),
                Some(Err(error @ (ErrorKind::Unreachable(_) | ErrorKind::Timeout(_)))) if self.received < self.size => {
                    error
                }
                Some(Err(error)) => return Some(Err(error)),
            };
            if let Err(error) = self.resume(error).await {
                return Some(Err(error));
            }
        }
    }

    async fn resume(&mut self, error: ErrorKind) -> Result<(), ErrorKind> {
        if self.received - self.broke >= PROGRESS {
            self.waits = self.client.inner.retries.waits(&self.endpoint);
        }
        self.broke = self.received;
        // A body that makes no progress counts as broken.
        let broken = ErrorKind::Unreachable(String::new());
        let (Some(request), Some(wait)) =
            (self.request.as_ref().and_then(Request::try_clone), self.waits.after(&broken))
        else {
            return Err(error);
        };
        tokio::time::sleep(wait).await;
        let range = HeaderValue::from_str(&format!("bytes={}-", self.received));
        let range = range.map_err(|error| ErrorKind::Other(error.to_string()))?;
        let request = if self.coded { request } else { request.header(RANGE, range) }.slot(Slot::Held);
        let response = self.client.send(&self.endpoint, Actions::Pull, request).await?.success().await?;
        let is_part = response.status == StatusCode::PARTIAL_CONTENT;
        let response = response.of_size(if is_part { self.size - self.received } else { self.size });
        let skip = match response.status {
            StatusCode::PARTIAL_CONTENT => {
                let begin = response.header(CONTENT_RANGE).and_then(begin);
                // The client could cut a part that begins elsewhere, but does not trust a host that returns one.
                if begin != Some(self.received) {
                    let said = printable(response.header(CONTENT_RANGE).unwrap_or_default());
                    let text =
                        format!("its response to a request from byte {} on has the range {said:?}", self.received);
                    return Err(ErrorKind::Malformed(text));
                }
                if response.coding != Coding::Identity {
                    return Err(ErrorKind::Malformed("its response to a range request is coded".to_owned()));
                }
                0
            }
            // The body starts from its first byte.
            _ => self.received,
        };
        self.pieces = after(skip, response.stream());
        Ok(())
    }
}

/// Returns where a part begins: `bytes 5-9/10`.
fn begin(range: &str) -> Option<u64> {
    let (unit, range) = range.trim().split_once(' ')?;
    let (begin, _) = range.split_once('-')?;
    if unit.eq_ignore_ascii_case("bytes") { begin.trim().parse().ok() } else { None }
}

/// Returns a body without its first bytes.
fn after(skip: u64, pieces: Pieces) -> Pieces {
    if skip == 0 {
        return pieces;
    }
    let state = Some((skip, pieces));
    stream::unfold(state, |state| async move {
        let (mut skip, mut pieces) = state?;
        loop {
            match pieces.next().await? {
                Err(error) => return Some((Err(error), None)),
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
