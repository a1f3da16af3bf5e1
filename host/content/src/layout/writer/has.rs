//! What a layout has, with all that is below: files are looked at, so nothing has to be taken for granted.

use std::collections::HashSet;
use std::fs::File;

use refkit_oci::{Descriptor, Digest};

use super::blob::size;
use super::directory::Directory;
use super::index;
use crate::ErrorKind;
use crate::layout::file::{Extent, open_below};
use crate::links::{self, Links};
use crate::verify::MANIFEST_LIMIT;

/// Returns whether a blob exists, or a manifest or an index with its entry and all the content below, each with its
/// digest. Blocks.
pub(super) fn has(directory: &Directory, descriptor: &Descriptor) -> Result<bool, ErrorKind> {
    let path = &**directory.path;
    let (mut met, mut left, mut found) = (HashSet::<Digest>::new(), vec![descriptor.clone()], Vec::new());
    while let Some(one) = left.pop() {
        if size(path, &one.digest)? != Some(one.size) {
            return Ok(false);
        }
        if links::is_manifest(&one.media_type) && met.insert(one.digest.clone()) {
            let digest = &one.digest;
            let file = open_below(&File::open(path)?, &["blobs", digest.algorithm().as_str(), digest.hex()])?;
            let Ok(links) = Links::read(&one.media_type, &Extent::whole(file)?.read_all(MANIFEST_LIMIT)?) else {
                return Ok(false);
            };
            let complete = links.complete(false, |digest| size(path, digest)).is_ok();
            if !complete || (links.subject.is_some() && !index::is_listed(path, digest)?) {
                return Ok(false);
            }
            left.extend(links.manifests);
            for blob in links.blobs {
                // A layer that may not be distributed need not be here.
                if size(path, &blob.digest)?.is_some() {
                    found.push(blob);
                }
            }
        }
        found.push(one);
    }
    // The bytes are read once it is known that nothing is absent.
    for one in &found {
        if !directory.has_blob(one)? {
            return Ok(false);
        }
    }
    Ok(true)
}
