//! The files of blobs in a layout that is written.

use std::fs::File;
use std::path::Path;

use refkit_oci::{Descriptor, Digest};

use crate::ErrorKind;
use crate::layout::file::{Extent, open_below};
use crate::verify::Hasher;

/// Returns the size of a blob's file; none if there is no file. Blocks.
pub(super) fn size(root: &Path, digest: &Digest) -> Result<Option<u64>, ErrorKind> {
    Ok(open(root, digest)?.map(|file| file.size()))
}

/// Reads a blob's file, and returns whether it has the size and the digest of a descriptor. Blocks.
pub(super) fn is_intact(root: &Path, descriptor: &Descriptor) -> Result<bool, ErrorKind> {
    let Some(mut file) = open(root, &descriptor.digest)? else { return Ok(false) };
    if file.size() != descriptor.size {
        return Ok(false);
    }
    let mut hasher = Hasher::new(descriptor.digest.algorithm());
    while let Some(piece) = file.next()? {
        hasher.update(&piece);
    }
    Ok(hasher.finish() == descriptor.digest.as_str())
}

fn open(root: &Path, digest: &Digest) -> Result<Option<Extent>, ErrorKind> {
    match open_below(&File::open(root)?, &["blobs", digest.algorithm().as_str(), digest.hex()]) {
        Ok(file) => Extent::whole(file).map(Some),
        Err(ErrorKind::NotFound) => Ok(None),
        Err(kind) => Err(kind),
    }
}
