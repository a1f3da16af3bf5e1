//! Content files, by digest.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use refkit_oci::{Algorithm, Digest};

use super::directory::{Directory, Found};
use super::root::{Place, Root, blocking, touch};
use super::unfinished::Unfinished;
use crate::verify::{self, Hasher, MANIFEST_LIMIT};
use crate::{Error, Operation, Origin};

/// The bytes of one read: 64 KiB.
const PIECE: usize = 64 << 10;

/// Content of the cache.
pub(crate) enum Stored {
    /// At most 4 MiB, already verified.
    Bytes(Bytes),
    /// Larger content, which its reader verifies.
    Large(File),
}

/// Returns the directory for content with a digest.
pub(super) fn place(digest: &Digest) -> Place {
    match digest.algorithm() {
        Algorithm::Sha256 => &["blobs", "sha256"],
        Algorithm::Sha384 => &["blobs", "sha384"],
        Algorithm::Sha512 => &["blobs", "sha512"],
    }
}

/// Returns content. Damaged content is removed and counts as absent. Blocks.
pub(super) fn read(root: &Root, digest: &Digest, size: u64) -> Option<Stored> {
    let file = root.open(place(digest), digest.hex())?;
    let stored = match file.metadata() {
        Ok(metadata) if metadata.len() != size => None,
        Ok(_) if size > MANIFEST_LIMIT => file.try_clone().ok().map(Stored::Large),
        Ok(_) => read_all(&file, size)
            .ok()
            .filter(|bytes| verify::check_digest(digest, bytes).is_ok())
            .map(|bytes| Stored::Bytes(Bytes::from(bytes))),
        Err(_) => None,
    };
    match stored {
        Some(_) => touch(&file),
        None => root.remove(place(digest), digest.hex()),
    }
    stored
}

/// Reads `size` bytes.
pub(super) fn read_all(file: &File, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Returns the digest of a whole file. Blocks.
pub(super) fn digest_of(file: &File, algorithm: Algorithm) -> io::Result<(String, u64)> {
    let (mut hasher, mut piece, mut size) = (Hasher::new(algorithm), vec![0; PIECE], 0);
    loop {
        match file.read_at(&mut piece, size) {
            Ok(0) => return Ok((hasher.finish(), size)),
            Ok(read) => {
                hasher.update(&piece[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Keeps content that was verified against its digest. Returns how many bytes were added to the cache. Blocks.
pub(super) fn write(root: &Root, digest: &Digest, bytes: &[u8]) -> io::Result<u64> {
    let directory = root.make_place(place(digest))?;
    if is_there(&directory, digest, bytes.len() as u64)? {
        return Ok(0);
    }
    let mut unfinished = root.begin()?;
    unfinished.write(bytes)?;
    unfinished.finish(&directory, digest.hex())?;
    Ok(bytes.len() as u64)
}

/// Moves a file that was verified against its digest to its final path. Blocks.
pub(super) fn finish(root: &Root, digest: &Digest, unfinished: Unfinished) -> io::Result<()> {
    unfinished.finish(&root.make_place(place(digest))?, digest.hex())
}

/// Returns whether the content exists: another principal may have fetched it. A reader detects damage.
fn is_there(directory: &Directory, digest: &Digest, size: u64) -> io::Result<bool> {
    let Found::File(file) = directory.file(digest.hex())? else { return Ok(false) };
    let same = file.metadata()?.len() == size;
    if same {
        touch(&file);
    }
    Ok(same)
}

/// Returns the bytes of a file in pieces, read on a thread that may block.
pub(super) fn stream(file: File, digest: &Digest) -> BoxStream<'static, Result<Bytes, Error>> {
    let subject = digest.to_string();
    let fail = move |error: io::Error| Error::new(Operation::Fetch, &subject, error.into()).at(Origin::Cache);
    stream::try_unfold((Arc::new(file), 0), move |(file, offset)| {
        let fail = fail.clone();
        async move {
            let at = Arc::clone(&file);
            let read = blocking(move || {
                let mut piece = vec![0; PIECE];
                loop {
                    match at.read_at(&mut piece, offset) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                        Ok(read) => {
                            piece.truncate(read);
                            return Ok(Bytes::from(piece));
                        }
                    }
                }
            });
            let cut_short = || Err(io::Error::other("reading was cut short"));
            let piece = read.await.unwrap_or_else(cut_short).map_err(fail)?;
            let next = offset + piece.len() as u64;
            Ok((!piece.is_empty()).then_some((piece, (file, next))))
        }
    })
    .boxed()
}
