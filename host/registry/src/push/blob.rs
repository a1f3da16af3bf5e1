//! Sends a blob to a registry, whole or in chunks, as [`Uploads`](crate::Uploads) says.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use refkit_content::{Body, Error, ErrorCode, ErrorKind, deadline};
use refkit_oci::Descriptor;

use super::chunks::Chunks;
use super::lent::{Lent, Returned};
use super::reading::Reading;
use super::upload::{Refusal, Upload};
use crate::client::{Client, Strategy};
use crate::endpoint::Endpoint;
use crate::http::{Repeat, RequestBody};

/// How often the client repeats a chunk, or the end of an upload, without progress; only once after a timeout.
pub(super) const AGAIN: u32 = 4;

/// The first wait before that: 100 ms, and each further one four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait that a registry may ask for: 60 s.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How often the client halves a chunk that is too large for the registry or a proxy: from 6 MiB down to 48 KiB.
const HALVINGS: u32 = 7;

/// How much of a long blob is read before an upload is opened: 64 KiB. A source that fails at once costs no upload.
const BEFORE: u64 = 64 << 10;

/// The side that failed.
pub(super) enum Failed {
    Source(Error),
    Registry(ErrorKind),
}

impl From<ErrorKind> for Failed {
    fn from(error: ErrorKind) -> Self {
        Self::Registry(error)
    }
}

/// Why sending the whole blob failed.
enum Whole {
    /// The blob is larger than the registry or a proxy accepts; all of it is returned, if it is still kept.
    TooLarge(ErrorKind, Option<(Bytes, Reading)>),
    Failed(Failed),
}

impl<T: Into<Failed>> From<T> for Whole {
    fn from(failed: T) -> Self {
        Self::Failed(failed.into())
    }
}

/// A blob and its destination.
pub(super) struct Blob<'a> {
    pub(super) client: &'a Client,
    pub(super) endpoint: &'a Endpoint,
    pub(super) descriptor: &'a Descriptor,
}

impl Blob<'_> {
    /// Sends the blob.
    pub(super) async fn send(&self, body: Body) -> Result<(), Failed> {
        let (size, uploads, chunk) = (self.descriptor.size, self.client.uploads(), self.chunk());
        let (strategies, registry) = (self.client.strategies(), self.endpoint.registry.as_str());
        let (strategy, learned) = strategies.choose(registry, size, &uploads);
        let before = match strategy {
            Strategy::Chunks(most) => most,
            Strategy::Whole if size <= chunk => chunk,
            Strategy::Whole => chunk.min(BEFORE),
        };
        let mut reading = Reading::new(self.descriptor, body);
        let mut first = reading.fill(Bytes::new(), size.min(before)).await.map_err(Failed::Source)?;
        if size == 0 {
            reading.end().await.map_err(Failed::Source)?;
        }
        let mut refused = None;
        if let Strategy::Chunks(most) = strategy {
            match self.in_chunks(first, &mut reading, most).await {
                Ok(()) => return Ok(()),
                Err(Chunks::Failed(failed)) => return Err(failed),
                Err(Chunks::Refused(said, held)) => {
                    strategies.whole(registry);
                    (refused, first) = (Some(said), held);
                }
            }
        }
        let (error, all) = match self.whole(first, reading, learned || refused.is_some()).await {
            Ok(()) => return Ok(()),
            Err(Whole::Failed(failed)) => return Err(failed),
            Err(Whole::TooLarge(error, all)) => (error, all),
        };
        let neither = |said| ErrorKind::Malformed(format!("{error}; and it takes no chunks: {said}")).into();
        let most = chunk.min(size / 2);
        match (refused, all) {
            (Some(said), _) => Err(neither(said)),
            (None, _) if learned || most < least(chunk) => Err(error.into()),
            (None, None) => {
                strategies.in_chunks(registry, chunk);
                Err(ErrorKind::Unavailable(format!("{error}; from now on it gets blobs in chunks")).into())
            }
            (None, Some((held, mut reading))) => {
                strategies.in_chunks(registry, most);
                self.in_chunks(held, &mut reading, most).await.map_err(|failed| match failed {
                    Chunks::Failed(failed) => failed,
                    Chunks::Refused(said, _) => {
                        strategies.whole(registry);
                        neither(said)
                    }
                })
            }
        }
    }

    /// Sends the blob in one request. The client reads a blob that is longer than a chunk while it sends it, and keeps
    /// its last bytes, so that it can go on after a break.
    async fn whole(&self, first: Bytes, reading: Reading, chunks_refused: bool) -> Result<(), Whole> {
        let size = self.descriptor.size;
        let mut upload = Upload::open(self.client, self.endpoint).await?;
        let streamed = first.len() as u64 != size;
        // Without chunks the client cannot go on, and keeps nothing.
        let lent = Lent::new(first.clone(), reading, if chunks_refused { 0 } else { self.chunk() });
        let content = if streamed { RequestBody::Stream(Some(lent.body().boxed())) } else { RequestBody::Bytes(first) };
        // A request that broke may nevertheless have ended the upload.
        let Err(refusal) = upload.put(self.descriptor, content, size, Repeat::IfUndone).await else { return Ok(()) };
        if let Some(error) = lent.broken() {
            upload.cancel().await;
            return Err(Failed::Source(error).into());
        }
        let (strategies, registry) = (self.client.strategies(), self.endpoint.registry.as_str());
        let error = match refusal {
            Refusal::TooLarge(error) => {
                upload.cancel().await;
                return Err(Whole::TooLarge(error, lent.end().and_then(|back| back.from(0))));
            }
            Refusal::Other(error) => error,
        };
        if streamed && broke(&error) {
            strategies.in_chunks(registry, self.chunk());
        }
        match lent.end() {
            Some(back) if error.may_pass() && !chunks_refused => {
                let again = if streamed { AGAIN } else { 1 };
                Ok(self.go_on(upload, back, error, again).await?)
            }
            _ => {
                upload.cancel().await;
                Err(error.into())
            }
        }
    }

    /// Goes on in chunks after a request with the whole blob broke, from where the registry has it.
    async fn go_on(&self, mut upload: Upload, back: Returned, error: ErrorKind, again: u32) -> Result<(), Failed> {
        if !wait(&error, 1).await {
            upload.cancel().await;
            return Err(error.into());
        }
        // The position is unknown, and 0 is what a registry without a byte of the upload reports.
        let received = match upload.received(0).await {
            Err(ErrorKind::NotFound) if self.is_taken(&mut upload).await => return Ok(()),
            received => received.ok().filter(|_| upload.least <= self.client.uploads().largest),
        };
        let Some((has, (held, mut reading))) = received.and_then(|has| Some((has, back.from(has)?))) else {
            upload.cancel().await;
            return Err(error.into());
        };
        // A whole chunk, however far the broken request had read.
        let held = match reading.fill(held, self.chunk().min(self.descriptor.size.saturating_sub(has))).await {
            Ok(held) => held,
            Err(error) => {
                upload.cancel().await;
                return Err(Failed::Source(error));
            }
        };
        tracing::debug!(target: "refkit::push", blob = %self.descriptor.digest, has, %error, "going on with an upload");
        let sent = self.chunks(&mut upload, (has, held), &mut reading, self.chunk(), again).await;
        if sent.is_err() {
            upload.cancel().await;
        }
        sent.map_err(|failed| match failed {
            Chunks::Failed(failed) => failed,
            Chunks::Refused(said, _) => {
                if !said.may_pass() {
                    self.client.strategies().whole(&self.endpoint.registry);
                }
                error.into()
            }
        })
    }

    /// Returns whether an upload is gone because the registry has taken the blob.
    pub(super) async fn is_taken(&self, upload: &mut Upload) -> bool {
        let taken = self.client.within(self.client.holds(self.endpoint, self.descriptor)).await.unwrap_or(false);
        upload.ended |= taken;
        taken
    }

    fn chunk(&self) -> u64 {
        self.client.uploads().chunk.max(1)
    }
}

/// Returns whether a connection broke, which may be because the body was too long for it.
fn broke(error: &ErrorKind) -> bool {
    matches!(error.code(), ErrorCode::Unavailable | ErrorCode::Timeout)
}

/// Returns the size of the smallest chunk to try.
pub(super) fn least(chunk: u64) -> u64 {
    (chunk >> HALVINGS).max(1)
}

/// Returns whether a request was sent often enough. A server that does not answer was waited for long enough with the
/// second one.
pub(super) fn is_enough(error: &ErrorKind, tries: u32, again: u32) -> bool {
    tries > if matches!(error, ErrorKind::Timeout(_)) { again.min(1) } else { again }
}

/// Waits before the next try, as long as the registry asks for. Returns false if the deadline or the limit comes
/// first.
pub(super) async fn wait(error: &ErrorKind, tries: u32) -> bool {
    let own = FIRST_WAIT * 4_u32.saturating_pow(tries.saturating_sub(1));
    let wait = match error {
        ErrorKind::RateLimited { retry_after: Some(asked), .. }
        | ErrorKind::Overloaded { retry_after: Some(asked), .. } => own.max(*asked),
        _ => own,
    };
    if wait > LONGEST_WAIT || deadline::left().is_some_and(|left| left <= wait) {
        return false;
    }
    tokio::time::sleep(wait).await;
    true
}
