//! Sends a blob to a registry, whole or in chunks, as [`Uploads`](crate::Uploads) says.

use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use refkit_content::{Body, Error, ErrorCode, ErrorKind, deadline};
use refkit_oci::Descriptor;

use super::reading::{Lent, Reading};
use super::upload::{Patched, Refusal, Upload};
use crate::client::{Client, Strategy};
use crate::endpoint::Endpoint;
use crate::http::RequestBody;

/// How often the client repeats a chunk without progress.
const AGAIN: u32 = 4;

/// The first wait before that: 100 ms, and each further one four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait that a registry may ask for: 60 s.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How often the client halves a chunk that is too large for the registry or a proxy: from 8 MiB down to 64 KiB.
const HALVINGS: u32 = 7;

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

/// Why sending in chunks failed.
enum Chunks {
    /// The registry takes no chunks; the first chunk is returned.
    Refused(ErrorKind, Bytes),
    Failed(Failed),
}

impl<T: Into<Failed>> From<T> for Chunks {
    fn from(failed: T) -> Self {
        Self::Failed(failed.into())
    }
}

/// Why sending the whole blob failed.
enum Whole {
    /// The blob is larger than the registry or a proxy accepts; all of it is returned.
    TooLarge(ErrorKind, Reading),
    Failed(Failed),
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
        let (size, uploads) = (self.descriptor.size, self.client.uploads());
        let chunk = uploads.chunk.max(1);
        let (strategies, registry) = (self.client.strategies(), self.endpoint.registry.as_str());
        let (strategy, learned) = strategies.choose(registry, size, &uploads);
        let held = if let Strategy::Chunks(most) = strategy { most } else { chunk };
        let mut reading = Reading::new(self.descriptor, body);
        // If the source fails at once, the client opens no upload.
        let mut first = reading.fill(Bytes::new(), size.min(held)).await.map_err(Failed::Source)?;
        if size == 0 {
            reading.end().await.map_err(Failed::Source)?;
        }
        if let Strategy::Chunks(most) = strategy {
            match self.in_chunks(first, &mut reading, most).await {
                Ok(()) => return Ok(()),
                Err(Chunks::Failed(failed)) => return Err(failed),
                Err(Chunks::Refused(_, held)) => {
                    strategies.whole(registry);
                    first = held;
                }
            }
        }
        let refused = learned || matches!(strategy, Strategy::Chunks(_));
        match self.whole(first.clone(), reading, refused).await {
            Ok(()) => Ok(()),
            Err(Whole::Failed(failed)) => Err(failed),
            Err(Whole::TooLarge(error, mut reading)) => {
                let most = chunk.min(size / 2);
                if refused || most < least(chunk) {
                    return Err(error.into());
                }
                strategies.in_chunks(registry, most);
                self.in_chunks(first, &mut reading, most).await.map_err(|failed| match failed {
                    Chunks::Failed(failed) => failed,
                    Chunks::Refused(said, _) => {
                        strategies.whole(registry);
                        ErrorKind::Malformed(format!("{error}; and it takes no chunks: {said}")).into()
                    }
                })
            }
        }
    }

    /// Sends the blob in one request. The client reads a blob that is longer than a chunk while it sends it, so this
    /// function cannot send it again.
    async fn whole(&self, first: Bytes, reading: Reading, chunks_refused: bool) -> Result<(), Whole> {
        let size = self.descriptor.size;
        let failed = |error| Whole::Failed(Failed::Registry(error));
        let mut upload = Upload::open(self.client, self.endpoint).await.map_err(failed)?;
        let lent = Lent::new(reading);
        let content = if first.len() as u64 == size {
            RequestBody::Bytes(first)
        } else {
            RequestBody::Stream(Some(lent.after(first).boxed()))
        };
        let Err(refusal) = upload.put(self.descriptor, content, size).await else { return Ok(()) };
        upload.cancel().await;
        if let Some(error) = lent.broken() {
            return Err(Whole::Failed(Failed::Source(error)));
        }
        let (strategies, registry) = (self.client.strategies(), self.endpoint.registry.as_str());
        let chunk = self.client.uploads().chunk.max(1);
        Err(match (refusal, lent.untouched()) {
            (Refusal::TooLarge(error), Some(reading)) => Whole::TooLarge(error, reading),
            (Refusal::TooLarge(error), None) if !chunks_refused => {
                strategies.in_chunks(registry, chunk);
                failed(ErrorKind::Unavailable(format!("{error}; from now on it gets blobs in chunks")))
            }
            (Refusal::Other(error), None) if broke(&error) => {
                strategies.in_chunks(registry, chunk);
                failed(error)
            }
            (Refusal::TooLarge(error) | Refusal::Other(error), _) => failed(error),
        })
    }

    /// Sends the blob in chunks of at most `most` bytes. `first` holds the bytes that have been read.
    async fn in_chunks(&self, first: Bytes, reading: &mut Reading, most: u64) -> Result<(), Chunks> {
        let mut upload = Upload::open(self.client, self.endpoint).await?;
        if upload.least > self.client.uploads().chunk {
            let least = upload.least;
            upload.cancel().await;
            let what = format!("it wants chunks of at least {least} bytes, more than are held in memory");
            return Err(Chunks::Refused(ErrorKind::Unsupported(what), first));
        }
        let sent = self.chunks(&mut upload, first, reading, most).await;
        if sent.is_err() {
            upload.cancel().await;
        }
        sent
    }

    async fn chunks(&self, upload: &mut Upload, first: Bytes, reading: &mut Reading, most: u64) -> Result<(), Chunks> {
        let (size, strategies, registry) =
            (self.descriptor.size, self.client.strategies(), self.endpoint.registry.as_str());
        let floor = least(self.client.uploads().chunk).max(upload.least);
        let mut most = most.max(upload.least);
        // How many bytes the registry has, the bytes that come next, and how often the client has sent them.
        let (mut start, mut held, mut tries) = (0, first, 0);
        while start < size {
            if held.is_empty() || (held.len() as u64) < upload.least {
                held = reading.fill(held, most.min(size - start)).await.map_err(Failed::Source)?;
            }
            let chunk = held.slice(..held.len().min(usize::try_from(most).unwrap_or(usize::MAX)));
            let end = start + chunk.len() as u64;
            let mut patched = upload.patch(start, chunk).await?;
            tries += 1;
            if let Patched::Broken(error) = &patched {
                if tries > AGAIN && start == 0 {
                    return Err(Chunks::Refused(error.clone(), held));
                }
                if tries > AGAIN || !wait(error, tries).await {
                    return Err(error.clone().into());
                }
            }
            if let Patched::Broken(_) | Patched::Unclear = patched {
                let unclear = matches!(patched, Patched::Unclear);
                patched = match upload.received(start).await {
                    // The position of the chunk was right, so its size was not: ghcr.io answers 416 to more than 4
                    // MiB.
                    Ok(has) if unclear && has == start => Patched::TooLarge,
                    Ok(has) => Patched::Taken(has),
                    Err(error) if error.may_pass() && tries <= AGAIN => continue,
                    Err(error) => return Err(error.into()),
                };
            }
            match patched {
                Patched::Taken(has) if (start..=end).contains(&has) => {
                    if has > start {
                        tries = 0;
                    } else if tries > AGAIN {
                        return Err(ErrorKind::Unavailable("it takes chunks and does not keep them".to_owned()).into());
                    }
                    held.advance(usize::try_from(has - start).unwrap_or(usize::MAX).min(held.len()));
                    start = has;
                }
                Patched::Taken(has) => {
                    let what = format!("it reports {has} bytes of the upload after a chunk from {start} to {end}");
                    return Err(ErrorKind::Malformed(what).into());
                }
                Patched::TooLarge if most / 2 >= floor && most > 1 => {
                    most /= 2;
                    tries = 0;
                    strategies.in_chunks(registry, most);
                }
                Patched::TooLarge => {
                    let what = format!("chunks of {most} bytes are too large for it");
                    return Err(self.refused(ErrorKind::Malformed(what), start, held));
                }
                Patched::Refused(error) => return Err(self.refused(error, start, held)),
                Patched::Broken(error) => return Err(error.into()),
                Patched::Unclear => {}
            }
        }
        match upload.put(self.descriptor, RequestBody::Bytes(Bytes::new()), 0).await {
            Ok(()) => Ok(()),
            Err(Refusal::TooLarge(error) | Refusal::Other(error)) => match error {
                // If the registry has assembled other bytes, another strategy may work.
                error @ (ErrorKind::Unauthorized(_) | ErrorKind::Forbidden(_) | ErrorKind::WrongDigest { .. }) => {
                    Err(error.into())
                }
                error if error.may_pass() => Err(error.into()),
                error => Err(self.refused(error, size, Bytes::new())),
            },
        }
    }

    /// Returns the result for a refused chunk. If it is the first one, the blob can still be sent whole.
    fn refused(&self, error: ErrorKind, start: u64, held: Bytes) -> Chunks {
        if start == 0 {
            return Chunks::Refused(error, held);
        }
        self.client.strategies().whole(&self.endpoint.registry);
        let what = format!("it does not take the blob in chunks ({error}); from now on it gets blobs whole");
        Chunks::Failed(ErrorKind::Unavailable(what).into())
    }
}

/// Returns whether a connection broke, which may be because the body was too long for it.
fn broke(error: &ErrorKind) -> bool {
    matches!(error.code(), ErrorCode::Unavailable | ErrorCode::Timeout)
}

/// Returns the size of the smallest chunk to try.
fn least(chunk: u64) -> u64 {
    (chunk >> HALVINGS).max(1)
}

/// Waits before the next try, as long as the registry asks for. Returns false if the deadline or the limit comes
/// first.
async fn wait(error: &ErrorKind, tries: u32) -> bool {
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
