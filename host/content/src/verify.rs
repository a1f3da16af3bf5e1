//! The one reader that verifies size, digest and that nothing follows. Every function that returns bytes uses it.

mod hasher;
#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use refkit_oci::{Algorithm, Descriptor, Digest, Reference, Repository};

pub use hasher::{Hasher, digest};

use crate::{Body, Error, ErrorKind, Fetch, Operation, Origin, WithOrigin};

/// The largest manifest or index: 4 MiB, which registries guarantee to accept (OCI distribution 1.1, section "Pushing
/// Manifests") and which most of them enforce.
pub const MANIFEST_LIMIT: u64 = 4 << 20;

/// The most memory that is allocated for a body before its first byte, whatever its descriptor claims: 64 KiB, so that
/// an ordinary manifest needs one allocation and a claim of 2^62 bytes costs nothing.
const FIRST_ALLOCATION: u64 = 64 << 10;

/// Checks bytes in memory against a descriptor's size and digest.
///
/// # Errors
/// [`ErrorKind::WrongSize`] or [`ErrorKind::WrongDigest`].
pub fn check(descriptor: &Descriptor, bytes: &[u8]) -> Result<(), ErrorKind> {
    if bytes.len() as u64 != descriptor.size {
        return Err(ErrorKind::WrongSize { expected: descriptor.size, actual: bytes.len() as u64 });
    }
    check_digest(&descriptor.digest, bytes)
}

/// Checks bytes in memory against a digest.
///
/// # Errors
/// [`ErrorKind::WrongDigest`].
pub fn check_digest(expected: &Digest, bytes: &[u8]) -> Result<(), ErrorKind> {
    let actual = digest(expected.algorithm(), bytes);
    if actual == *expected {
        Ok(())
    } else {
        Err(ErrorKind::WrongDigest { expected: expected.clone(), actual: actual.into_string() })
    }
}

/// Returns the descriptor of a manifest or an index that is to be pushed to a destination.
///
/// # Errors
/// [`ErrorKind::TooLarge`] for more than [`MANIFEST_LIMIT`] bytes; [`ErrorKind::WrongDigest`] where the destination has
/// another digest.
pub fn manifest(destination: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, ErrorKind> {
    if bytes.len() as u64 > MANIFEST_LIMIT {
        return Err(ErrorKind::TooLarge { limit: MANIFEST_LIMIT });
    }
    let actual = digest(destination.digest().map_or(Algorithm::Sha256, Digest::algorithm), bytes);
    match destination.digest() {
        Some(expected) if *expected != actual => {
            Err(ErrorKind::WrongDigest { expected: expected.clone(), actual: actual.into_string() })
        }
        _ => Ok(Descriptor::new(media_type, actual, bytes.len() as u64)),
    }
}

/// Returns the verified bytes of a descriptor: its inline `data` if that is valid, otherwise the source's content.
/// Reads at most `limit` bytes and never allocates more than has arrived.
///
/// # Errors
/// [`ErrorKind::TooLarge`] before any request, [`ErrorKind::WrongSize`], [`ErrorKind::WrongDigest`], or the source's
/// error.
pub async fn fetch(
    source: &(impl Fetch + ?Sized),
    repository: &Repository,
    descriptor: &Descriptor,
    limit: u64,
) -> Result<WithOrigin<Bytes>, Error> {
    let subject = || format!("{repository}@{}", descriptor.digest);
    if descriptor.size > limit {
        return Err(Error::new(Operation::Fetch, subject(), ErrorKind::TooLarge { limit }));
    }
    if let Some(data) = descriptor.inline()
        && check(descriptor, &data).is_ok()
    {
        return Ok(WithOrigin { value: Bytes::from(data), origin: Origin::Inline });
    }
    let body = source.open(repository, descriptor).await?;
    let origin = body.origin.clone();
    let mut pieces = checked(descriptor, body, subject());
    let mut bytes = BytesMut::with_capacity(descriptor.size.min(FIRST_ALLOCATION) as usize);
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if piece.len() as u64 == descriptor.size {
            return Ok(WithOrigin { value: piece, origin });
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(WithOrigin { value: bytes.freeze(), origin })
}

/// Returns the body with a check: it fails at the first byte beyond the size, and at its end if bytes are missing or
/// the digest differs. The piece that completes the content comes only after the check, so a reader that stops at the
/// descriptor's size has not read a forgery either. Nothing follows an error.
#[must_use]
pub fn verified(descriptor: &Descriptor, body: Body) -> Body {
    let origin = body.origin.clone();
    Body { origin, stream: checked(descriptor, body, descriptor.digest.to_string()) }
}

fn checked(descriptor: &Descriptor, body: Body, subject: String) -> BoxStream<'static, Result<Bytes, Error>> {
    let fail = move |kind| Error::new(Operation::Fetch, &subject, kind).at(&body.origin);
    let reading = Reading {
        expected: descriptor.digest.clone(),
        size: descriptor.size,
        seen: 0,
        hasher: Hasher::new(descriptor.digest.algorithm()),
        last: None,
    };
    let start = Some((reading, body.stream));
    stream::unfold((start, fail), |(state, fail)| async move {
        let (mut reading, mut pieces) = state?;
        loop {
            match pieces.next().await {
                Some(Ok(piece)) => match reading.take(piece) {
                    Ok(None) => {}
                    Ok(Some(piece)) => return Some((Ok(piece), (Some((reading, pieces)), fail))),
                    Err(kind) => return Some((Err(fail(kind)), (None, fail))),
                },
                Some(Err(error)) => return Some((Err(error), (None, fail))),
                None => {
                    return match reading.finish() {
                        Ok(last) => last.map(|piece| (Ok(piece), (None, fail))),
                        Err(kind) => Some((Err(fail(kind)), (None, fail))),
                    };
                }
            }
        }
    })
    .boxed()
}

/// The state of reading a body.
struct Reading {
    expected: Digest,
    size: u64,
    seen: u64,
    hasher: Hasher,
    /// The piece that completes the content, held back until the body has ended and the digest is right.
    last: Option<Bytes>,
}

impl Reading {
    fn take(&mut self, piece: Bytes) -> Result<Option<Bytes>, ErrorKind> {
        if piece.is_empty() {
            return Ok(None);
        }
        self.seen = self.seen.saturating_add(piece.len() as u64);
        if self.seen > self.size {
            return Err(ErrorKind::WrongSize { expected: self.size, actual: self.seen });
        }
        self.hasher.update(&piece);
        if self.seen == self.size {
            self.last = Some(piece);
            return Ok(None);
        }
        Ok(Some(piece))
    }

    fn finish(self) -> Result<Option<Bytes>, ErrorKind> {
        if self.seen != self.size {
            return Err(ErrorKind::WrongSize { expected: self.size, actual: self.seen });
        }
        let actual = self.hasher.finish();
        if actual != self.expected.as_str() {
            return Err(ErrorKind::WrongDigest { expected: self.expected, actual });
        }
        Ok(self.last)
    }
}
