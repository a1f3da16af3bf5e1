//! Sends a blob in chunks, or the rest of one, and repeats only what the registry lacks.

use bytes::{Buf as _, Bytes};
use refkit_content::ErrorKind;

use super::blob::{AGAIN, Blob, Failed, is_enough, least, wait};
use super::reading::Reading;
use super::upload::{Patched, Refusal, Upload};
use crate::http::{Repeat, RequestBody};

/// Why sending in chunks failed.
pub(super) enum Chunks {
    /// The registry takes no chunks; the bytes that were read are returned.
    Refused(ErrorKind, Bytes),
    Failed(Failed),
}

impl<T: Into<Failed>> From<T> for Chunks {
    fn from(failed: T) -> Self {
        Self::Failed(failed.into())
    }
}

impl Blob<'_> {
    /// Sends the blob in chunks of at most `most` bytes. `first` holds the bytes that have been read.
    pub(super) async fn in_chunks(&self, first: Bytes, reading: &mut Reading, most: u64) -> Result<(), Chunks> {
        let mut upload = Upload::open(self.client, self.endpoint).await?;
        let largest = self.client.uploads().largest;
        if upload.least > largest {
            let least = upload.least;
            upload.cancel().await;
            let what = format!("it wants chunks of at least {least} bytes, and the limit is {largest}");
            return Err(Chunks::Refused(ErrorKind::Unsupported(what), first));
        }
        let sent = self.chunks(&mut upload, (0, first), reading, most, AGAIN).await;
        if sent.is_err() {
            upload.cancel().await;
        }
        sent
    }

    /// Sends the rest of the blob in chunks. The registry has `start` bytes, and `held` are those that come next. The
    /// client repeats a chunk, or the end of the upload, `again` times without progress.
    pub(super) async fn chunks(
        &self,
        upload: &mut Upload,
        (mut start, mut held): (u64, Bytes),
        reading: &mut Reading,
        most: u64,
        again: u32,
    ) -> Result<(), Chunks> {
        let (size, strategies, registry) =
            (self.descriptor.size, self.client.strategies(), self.endpoint.registry.as_str());
        let floor = least(self.client.uploads().chunk).max(upload.least);
        let mut most = most.max(upload.least);
        // How often the client has sent the chunk.
        let mut tries = 0;
        while start < size {
            if held.is_empty() || (held.len() as u64) < upload.least {
                held = reading.fill(held, most.min(size - start)).await.map_err(Failed::Source)?;
            }
            let chunk = held.slice(..held.len().min(usize::try_from(most).unwrap_or(usize::MAX)));
            let end = start + chunk.len() as u64;
            let mut patched = upload.patch(start, chunk).await?;
            tries += 1;
            if let Patched::Broken(error) = &patched {
                let enough = is_enough(error, tries, again);
                if enough && start == 0 && !matches!(error, ErrorKind::RateLimited { .. }) {
                    return Err(Chunks::Refused(error.clone(), held));
                }
                if enough || !wait(error, tries).await {
                    return Err(error.clone().into());
                }
            }
            if let Patched::Broken(_) | Patched::Unclear = patched {
                patched = match (upload.received(start).await, patched) {
                    // The position of the chunk was right, so its size was not: ghcr.io answers 416 to more than 4
                    // MiB.
                    (Ok(has), Patched::Unclear) if has == start => Patched::TooLarge,
                    (Ok(has), _) => Patched::Taken(has),
                    (Err(error), _) if error.may_pass() && !is_enough(&error, tries, again) => continue,
                    (Err(error @ (ErrorKind::Unauthorized(_) | ErrorKind::Forbidden(_))), _) => {
                        return Err(error.into());
                    }
                    // The upload is gone, or the registry reports no progress. The caller begins again.
                    (Err(_), Patched::Broken(error)) => return Err(error.into()),
                    (Err(error), _) => return Err(error.into()),
                };
            }
            match patched {
                Patched::Taken(has) if (start..=end).contains(&has) => {
                    if has > start {
                        tries = 0;
                    } else if tries > again {
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
                    let least = match upload.least {
                        0 => String::new(),
                        least => format!(", and it wants at least {least}"),
                    };
                    let what = format!("chunks of {most} bytes are too large for it{least}");
                    return Err(self.refused(ErrorKind::Malformed(what), start, held));
                }
                Patched::Refused(ErrorKind::NotFound | ErrorKind::NoRepository(_)) if start > 0 => {
                    let what = format!("its upload is gone after {start} of {size} bytes");
                    return Err(ErrorKind::Unavailable(what).into());
                }
                Patched::Refused(error) => return Err(self.refused(error, start, held)),
                Patched::Broken(error) => return Err(error.into()),
                Patched::Unclear => {}
            }
        }
        self.end(upload, again).await
    }

    /// Ends an upload that has all bytes. If the registry fails meanwhile, the upload may still be there: then the client
    /// ends it again.
    async fn end(&self, upload: &mut Upload, again: u32) -> Result<(), Chunks> {
        let size = self.descriptor.size;
        for tries in 1.. {
            let nothing = RequestBody::Bytes(Bytes::new());
            let ended = upload.put(self.descriptor, nothing, 0, Repeat::Never).await;
            let Err(Refusal::TooLarge(error) | Refusal::Other(error)) = ended else { break };
            match error {
                // If the registry has assembled other bytes, another strategy may work.
                error @ (ErrorKind::Unauthorized(_) | ErrorKind::Forbidden(_) | ErrorKind::WrongDigest { .. }) => {
                    return Err(error.into());
                }
                error if !error.may_pass() => return Err(self.refused(error, size, Bytes::new())),
                error if is_enough(&error, tries, again) || !wait(&error, tries).await => return Err(error.into()),
                error => match upload.received(size).await {
                    Ok(has) if has == size => {}
                    Err(ErrorKind::NotFound) if self.is_taken(upload).await => break,
                    _ => return Err(error.into()),
                },
            }
        }
        Ok(())
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
