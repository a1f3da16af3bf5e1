//! A blob on its way to a registry, whole or in chunks, as [`Uploads`](super::Uploads) says.

use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use refkit_content::{Body, Code, Error, ErrorKind, deadline};
use refkit_oci::Descriptor;

use super::reading::{Lent, Reading};
use super::upload::{Patched, Refusal, Upload};
use super::ways::Way;
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::transport::Content;

/// How often a chunk that makes no headway is sent again.
const AGAIN: u32 = 4;

/// The first wait before that: 100 ms, and each further one four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait that a registry can ask for: 60 s.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How often a chunk is halved that is too large for somebody: from 8 MiB down to 64 KiB.
const HALVINGS: u32 = 7;

/// Who is to blame.
pub(super) enum Failed {
    Source(Error),
    Registry(ErrorKind),
}

impl From<ErrorKind> for Failed {
    fn from(problem: ErrorKind) -> Self {
        Self::Registry(problem)
    }
}

/// How chunks failed.
enum Chunks {
    /// The registry does not take any; the first one is still here.
    Refused(ErrorKind, Bytes),
    Failed(Failed),
}

impl<T: Into<Failed>> From<T> for Chunks {
    fn from(failed: T) -> Self {
        Self::Failed(failed.into())
    }
}

/// How a whole blob failed.
enum Whole {
    /// It is larger than somebody on the way lets through, and all of it is still here.
    TooLarge(ErrorKind, Reading),
    Failed(Failed),
}

/// A blob and where it goes.
pub(super) struct Blob<'a> {
    pub(super) client: &'a Client,
    pub(super) endpoint: &'a Endpoint,
    pub(super) descriptor: &'a Descriptor,
}

impl Blob<'_> {
    /// Sends the blob.
    pub(super) async fn send(&self, body: Body) -> Result<(), Failed> {
        let (size, uploads) = (self.descriptor.size, self.client.inner.settings.uploads);
        let chunk = uploads.chunk.max(1);
        let (ways, registry) = (&self.client.inner.ways, self.endpoint.registry.as_str());
        let (way, learned) = ways.choose(registry, size, &uploads);
        let held = if let Way::Chunks(most) = way { most } else { chunk };
        let mut reading = Reading::new(self.descriptor, body);
        // A body that is wrong at once opens no upload at all.
        let mut first = reading.fill(Bytes::new(), size.min(held)).await.map_err(Failed::Source)?;
        if size == 0 {
            reading.end().await.map_err(Failed::Source)?;
        }
        if let Way::Chunks(most) = way {
            match self.in_chunks(first, &mut reading, most).await {
                Ok(()) => return Ok(()),
                Err(Chunks::Failed(failed)) => return Err(failed),
                Err(Chunks::Refused(_, held)) => {
                    ways.whole(registry);
                    first = held;
                }
            }
        }
        let refused = learned || matches!(way, Way::Chunks(_));
        match self.whole(first.clone(), reading, refused).await {
            Ok(()) => Ok(()),
            Err(Whole::Failed(failed)) => Err(failed),
            Err(Whole::TooLarge(problem, mut reading)) => {
                let most = chunk.min(size / 2);
                if refused || most < least(chunk) {
                    return Err(problem.into());
                }
                ways.in_chunks(registry, most);
                self.in_chunks(first, &mut reading, most).await.map_err(|failed| match failed {
                    Chunks::Failed(failed) => failed,
                    Chunks::Refused(said, _) => {
                        ways.whole(registry);
                        ErrorKind::Malformed(format!("{problem}; and it takes no chunks: {said}")).into()
                    }
                })
            }
        }
    }

    /// Sends the blob in one request. One that is longer than a chunk is read as it is sent, so it cannot be sent
    /// again from here.
    async fn whole(&self, first: Bytes, reading: Reading, chunks_refused: bool) -> Result<(), Whole> {
        let size = self.descriptor.size;
        let failed = |problem| Whole::Failed(Failed::Registry(problem));
        let mut upload = Upload::open(self.client, self.endpoint).await.map_err(failed)?;
        let lent = Lent::new(reading);
        let content = if first.len() as u64 == size {
            Content::Bytes(first)
        } else {
            Content::Stream(Some(lent.after(first).boxed()))
        };
        let Err(refusal) = upload.put(self.descriptor, content, size).await else { return Ok(()) };
        upload.cancel().await;
        if let Some(error) = lent.broken() {
            return Err(Whole::Failed(Failed::Source(error)));
        }
        let (ways, registry) = (&self.client.inner.ways, self.endpoint.registry.as_str());
        let chunk = self.client.inner.settings.uploads.chunk.max(1);
        Err(match (refusal, lent.untouched()) {
            (Refusal::TooLarge(problem), Some(reading)) => Whole::TooLarge(problem, reading),
            (Refusal::TooLarge(problem), None) if !chunks_refused => {
                ways.in_chunks(registry, chunk);
                failed(ErrorKind::Unavailable(format!("{problem}; from now on it gets blobs in chunks")))
            }
            (Refusal::Other(problem), None) if broke(&problem) => {
                ways.in_chunks(registry, chunk);
                failed(problem)
            }
            (Refusal::TooLarge(problem) | Refusal::Other(problem), _) => failed(problem),
        })
    }

    /// Sends the blob in chunks of so many bytes at most, of which `first` are here already.
    async fn in_chunks(&self, first: Bytes, reading: &mut Reading, most: u64) -> Result<(), Chunks> {
        let mut upload = Upload::open(self.client, self.endpoint).await?;
        if upload.least > self.client.inner.settings.uploads.chunk {
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
        let (size, ways, registry) = (self.descriptor.size, &self.client.inner.ways, self.endpoint.registry.as_str());
        let floor = least(self.client.inner.settings.uploads.chunk).max(upload.least);
        let mut most = most.max(upload.least);
        // What the registry has, what comes next, and how often that was tried.
        let (mut start, mut held, mut tries) = (0, first, 0);
        while start < size {
            if held.is_empty() || (held.len() as u64) < upload.least {
                held = reading.fill(held, most.min(size - start)).await.map_err(Failed::Source)?;
            }
            let chunk = held.slice(..held.len().min(usize::try_from(most).unwrap_or(usize::MAX)));
            let end = start + chunk.len() as u64;
            let mut patched = upload.patch(start, chunk).await?;
            tries += 1;
            if let Patched::Broken(problem) = &patched {
                if tries > AGAIN && start == 0 {
                    return Err(Chunks::Refused(problem.clone(), held));
                }
                if tries > AGAIN || !wait(problem, tries).await {
                    return Err(problem.clone().into());
                }
            }
            if let Patched::Broken(_) | Patched::Unclear = patched {
                let unclear = matches!(patched, Patched::Unclear);
                patched = match upload.received(start).await {
                    // What is complained of is not the place of the chunk, then: ghcr.io says 416 to more than 4 MiB.
                    Ok(has) if unclear && has == start => Patched::TooLarge,
                    Ok(has) => Patched::Taken(has),
                    Err(problem) if problem.may_pass() && tries <= AGAIN => continue,
                    Err(problem) => return Err(problem.into()),
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
                    let what =
                        format!("it says that it has {has} bytes of the upload, of which it got {start} to {end}");
                    return Err(ErrorKind::Malformed(what).into());
                }
                Patched::TooLarge if most / 2 >= floor && most > 1 => {
                    most /= 2;
                    tries = 0;
                    ways.in_chunks(registry, most);
                }
                Patched::TooLarge => {
                    let what = format!("chunks of {most} bytes are too large for it");
                    return Err(self.refused(ErrorKind::Malformed(what), start, held));
                }
                Patched::Refused(problem) => return Err(self.refused(problem, start, held)),
                Patched::Broken(problem) => return Err(problem.into()),
                Patched::Unclear => {}
            }
        }
        match upload.put(self.descriptor, Content::Bytes(Bytes::new()), 0).await {
            Ok(()) => Ok(()),
            Err(Refusal::TooLarge(problem) | Refusal::Other(problem)) => match problem {
                // Where the registry has put something else together, too, another way may be better.
                problem @ (ErrorKind::Unauthorized(_) | ErrorKind::Forbidden(_) | ErrorKind::WrongDigest { .. }) => {
                    Err(problem.into())
                }
                problem if problem.may_pass() => Err(problem.into()),
                problem => Err(self.refused(problem, size, Bytes::new())),
            },
        }
    }

    /// Returns what a refusal of a chunk means: at the start, that the blob can still go whole from here.
    fn refused(&self, problem: ErrorKind, start: u64, held: Bytes) -> Chunks {
        if start == 0 {
            return Chunks::Refused(problem, held);
        }
        self.client.inner.ways.whole(&self.endpoint.registry);
        let what = format!("it does not take the blob in chunks ({problem}); from now on it gets blobs whole");
        Chunks::Failed(ErrorKind::Unavailable(what).into())
    }
}

/// Returns whether a body may have been too long for the line.
fn broke(problem: &ErrorKind) -> bool {
    matches!(problem.code(), Code::Unavailable | Code::Timeout)
}

/// The smallest chunk that is tried.
fn least(chunk: u64) -> u64 {
    (chunk >> HALVINGS).max(1)
}

/// Waits before the next try, as long as the registry asks. Returns whether an answer is still wanted then.
async fn wait(problem: &ErrorKind, tries: u32) -> bool {
    let own = FIRST_WAIT * 4_u32.saturating_pow(tries.saturating_sub(1));
    let wait = match problem {
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
