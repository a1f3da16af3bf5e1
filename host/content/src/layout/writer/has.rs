//! What a layout has, with all that is below: files are looked at, so nothing has to be taken for granted.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use refkit_oci::{Descriptor, Digest};

use super::{index, is_there, size};
use crate::ErrorKind;
use crate::layout::file::{Extent, open_below};
use crate::links::{self, Links};
use crate::verify::MANIFEST_LIMIT;

/// Returns whether a blob exists, or a manifest or an index with its entry and all the content below. Blocks.
pub(super) fn has(path: &Path, descriptor: &Descriptor) -> Result<bool, ErrorKind> {
    let (mut met, mut left) = (HashSet::<Digest>::new(), vec![descriptor.clone()]);
    while let Some(one) = left.pop() {
        if !is_there(path, &one)? {
            return Ok(false);
        }
        if !links::is_manifest(&one.media_type) || !met.insert(one.digest.clone()) {
            continue;
        }
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
    }
    Ok(true)
}
